import Contracts
import Persistence
import ServiceRuntime

/// HTTP in, Contracts out (A4 to A12, R1 to R3).
func addRoutes(
    to routes: Routes<OrderAPI>, lots: Lots, applications: Applications, underwriting: Underwriting, premiums: Premiums,
    policies: Policies, surrenders: Surrenders, database: Database, clock: ServiceClock
) {
    // Lots and providers (A4, A5)
    routes.on(.lots) { call in try await lots.search(call.body) }
    routes.on(.lot) { call in try await lots.lot(call.id) }
    routes.on(.providers) { _ in try await lots.allProviders() }
    routes.on(.lotNotice) { call in
        try await database.takeIn(call.key, "lot", at: clock.now) { try await lots.take(call.body.lot) }
        return Nothing()
    }

    // Application (A4 to A7)
    routes.on(.createOrder) { call in try await applications.create(call.body, by: call.person, key: call.key) }
    routes.on(.orders) { call in try await applications.orders(call.body, of: call.person) }
    routes.on(.order) { call in try await applications.order(call.id, of: call.person) }
    routes.on(.saveDraft) { call in try await applications.saveDraft(call.id, call.body, by: call.person) }
    routes.on(.summary) { call in try await applications.summary(of: call.id, for: call.person) }
    routes.on(.submitApplication) { call in
        try await applications.submit(call.id, call.body, by: call.person, key: call.key)
    }
    routes.on(.insure) { call in try await applications.insure(call.id, call.body, by: call.person, key: call.key) }
    routes.on(.cancelOrder) { call in try await applications.cancel(call.id, by: call.person) }
    routes.on(.draw) { call in try await applications.draw(of: call.id, for: call.person) }

    // Underwriting (A8)
    routes.on(.underwritingCases) { call in try await underwriting.cases(for: call.person) }
    routes.on(.decideUnderwriting) { call in
        try await underwriting.decide(call.id, call.body, by: call.person, key: call.key)
    }
    routes.on(.giveInformation) { call in
        try await underwriting.giveInformation(call.id, call.body, by: call.person, key: call.key)
    }
    routes.on(.insurerNotice) { call in
        try await database.takeIn(call.key, "underwriting", at: clock.now) {
            try await underwriting.take(call.body, from: call.insurers)
        }
        return Nothing()
    }

    // Payment and policy (A9 to A12)
    routes.on(.pay) { call in try await premiums.pay(call.id, by: call.person, key: call.key) }
    routes.on(.event) { call in
        try await premiums.take(call.body)
        return Nothing()
    }
    routes.on(.policy) { call in try await policies.details(of: call.id, for: call.person) }
    routes.on(.policyFile) { call in try await policies.file(of: call.id, for: call.person) }
    routes.on(.policySignature) { call in try await policies.signature(of: call.id, for: call.person) }
    routes.on(.verifyPolicy) { call in try await policies.verify(call.body) }

    // For Refund and Invoice
    routes.on(.askSurrender) { call in try await surrenders.decide(call.id, call.body) }
    routes.on(.invoiceBasis) { call in try await policies.invoiceBasis(of: call.id, for: call.body.enterprise) }

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
