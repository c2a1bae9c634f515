import Contracts
import Persistence
import ServiceRuntime

/// HTTP in, Contracts out (A9, R6).
func addRoutes(to routes: Routes<PaymentAPI>, database: Database, payments: Payments, clock: ServiceClock) {
    routes.on(.createPaymentOrder) { call in try await payments.create(call.body, key: call.key) }
    routes.on(.paymentOrder) { call in try await payments.details(of: call.id) }
    routes.on(.returnPayment) { call in try await payments.sendBack(call.id, because: call.body.reason, key: call.key) }
    routes.on(.createPayout) { call in try await payments.refund(call.body, key: call.key) }
    routes.on(.payout) { call in try await payments.payout(call.id) }
    routes.on(.trialBalance) { _ in try await payments.trialBalance() }
    routes.on(.bankNotice) { call in
        try await payments.take(call.body)
        return Nothing()
    }

    routes.on(.deadLetters) { _ in try await database.deadLetters() }
    routes.on(.replayDeadLetter) { call in
        try await database.replayDeadLetter(call.id, at: clock.now)
        return Nothing()
    }
}
