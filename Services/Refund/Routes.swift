import Contracts
import Persistence
import ServiceRuntime

/// HTTP in, Contracts out (R4 to R6).
func addRoutes(to routes: Routes<RefundAPI>, database: Database, refunds: Refunds, clock: ServiceClock) {
    routes.on(.requestRefund) { call in try await refunds.request(call.body, by: call.person, key: call.key) }
    routes.on(.refunds) { call in try await refunds.refunds(of: call.body.order, for: call.person) }
    routes.on(.refund) { call in try await refunds.refund(call.id, for: call.person) }
    routes.on(.fillAccount) { call in try await refunds.fill(call.id, call.body, by: call.person) }
    routes.on(.surrenderNotice) { call in
        try await database.takeIn(call.key, "surrender", at: clock.now) {
            try await refunds.decide(call.body, from: call.insurers)
        }
        return Nothing()
    }
    routes.on(.event) { call in
        try await refunds.take(call.body)
        return Nothing()
    }

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
