import Contracts
import Persistence
import ServiceRuntime

/// HTTP in, Contracts out (A9, R6).
func addRoutes(
    to routes: Routes<PaymentAPI>, database: Database, payments: Payments, reconciliations: Reconciliations,
    clock: ServiceClock
) {
    routes.on(.createPaymentOrder) { call in try await payments.create(call.body, key: call.key) }
    routes.on(.paymentOrder) { call in try await payments.details(of: call.id) }
    routes.on(.returnPayment) { call in try await payments.sendBack(call.id, because: call.body.reason, key: call.key) }
    routes.on(.createPayout) { call in try await payments.refund(call.body, key: call.key) }
    routes.on(.payout) { call in try await payments.payout(call.id) }
    routes.on(.event) { call in
        try await payments.take(call.body)
        return Nothing()
    }

    routes.on(.heldPayouts) { _ in try await payments.store.heldPayouts() }
    routes.on(.decidePayout) { call in
        try await payments.decide(call.id, call.body, by: call.person, key: call.key)
    }
    routes.on(.pausePayouts) { call in try await payments.pause(call.body, by: call.person) }
    routes.on(.trialBalance) { _ in try await payments.store.trialBalance() }
    routes.on(.ledgerEntries) { call in try await payments.store.ledgerEntries(call.body) }
    routes.on(.bankNotice) { call in
        try await database.takeIn(call.key, "bank", at: clock.now) { try await payments.take(call.body) }
        return Nothing()
    }

    routes.on(.reconcile, .offLoop) { call in try await reconciliations.reconcile(call.body) }
    routes.on(.breaks) { _ in try await payments.store.openBreaks(at: clock.now) }
    routes.on(.approveRepair) { call in
        try await reconciliations.approve(call.id, by: call.person, key: call.key)
    }
    routes.on(.reconciliationReport) { _ in try await reconciliations.report() }

    routes.on(.callbacks) { _ in try await database.callbacks() }
    routes.on(.replayCallback) { call in
        try await database.replayCallback(call.id, at: clock.now)
        return Nothing()
    }
    routes.on(.deadLetters) { _ in try await database.deadLetters() }
    routes.on(.replayDeadLetter) { call in
        try await database.replayDeadLetter(call.id, at: clock.now)
        return Nothing()
    }
}
