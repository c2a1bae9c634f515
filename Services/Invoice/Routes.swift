import Contracts
import Persistence
import ServiceRuntime

/// HTTP in, Contracts out (I1 to I4).
func addRoutes(to routes: Routes<InvoiceAPI>, database: Database, invoices: Invoices, clock: ServiceClock) {
    routes.on(.requestInvoice) { call in try await invoices.request(call.body, by: call.person, key: call.key) }
    routes.on(.invoices) { call in try await invoices.invoices(of: call.body.order, for: call.person) }
    routes.on(.invoice) { call in try await invoices.details(of: call.id, for: call.person) }
    routes.on(.invoiceFile) { call in try await invoices.file(of: call.id, for: call.person) }
    routes.on(.invoiceSignature) { call in try await invoices.signature(of: call.id, for: call.person) }
    routes.on(.taxNotice) { call in
        try await database.takeIn(call.key, "tax", at: clock.now) { try await invoices.take(call.body) }
        return Nothing()
    }
    routes.on(.courierNotice) { call in
        try await database.takeIn(call.key, "courier", at: clock.now) { try await invoices.take(call.body) }
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
