import Contracts
import Cryptography
import Foundation
import Persistence
import ServiceRuntime

/// Builds the invoice service: everything it needs, in the order in which it needs it.
func invoiceService(_ runtime: Runtime) async throws {
    let clock = runtime.clock
    let databaseAddress = runtime.settings.databaseAddress()
    let certificate = runtime.settings.file("signing.certificate", "PEM chain that signs documents")
    let key = runtime.settings.file("signing.key", "PEM private key that signs documents")
    let address = runtime.settings.text("portal.address", default: "https://localhost:7000")
    try runtime.settings.check()
    let signer = try DocumentSigner(
        chain: Certificate.chain(pem: [UInt8](Data(contentsOf: URL(fileURLWithPath: certificate)))),
        key: PrivateKey(pem: [UInt8](Data(contentsOf: URL(fileURLWithPath: key)))))
    let database = try await Database(databaseAddress, migrations: invoiceMigrations)
    runtime.recordCalls { try await database.audit($0, at: $1) }
    let invoices = Invoices(
        store: Store(database: database), auth: runtime.client(AuthAPI.self),
        orders: runtime.client(OrderAPI.self),
        taxPlatform: TaxPlatform(client: runtime.client(TaxPlatformAPI.self)),
        courier: Courier(client: runtime.client(CourierAPI.self)), signer: signer, portalAddress: address, clock: clock)
    let relay = Relay<InvoiceMessage>(database, now: { clock.now }, logger: runtime.logger) { message, delivery in
        switch message {
        case .issue(let id): try await invoices.issue(id, isRepeated: delivery.attempt > 1)
        case .makeDocument(let id): try await invoices.makeDocument(id)
        case .ship(let id): try await invoices.ship(id)
        }
    }

    try runtime.serve(InvoiceAPI.self) { routes in
        addRoutes(to: routes, database: database, invoices: invoices, clock: clock)
    }
    runtime.run(relay)
    runtime.run(
        Periodic("tax platform and courier", every: .seconds(2), logger: runtime.logger) {
            try await invoices.askAgain()
        })
}

/// What Invoice asks of others, or does at leisure, after a commit.
enum InvoiceMessage: OutboxMessage {
    case issue(InvoiceID)
    case makeDocument(InvoiceID)
    case ship(InvoiceID)

    var aggregate: String {
        switch self {
        case .issue(let id), .makeDocument(let id), .ship(let id): id.text
        }
    }

    var kind: String {
        switch self {
        case .issue: "tax invoice"
        case .makeDocument: "document"
        case .ship: "shipment"
        }
    }
}
