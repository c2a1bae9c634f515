import Contracts
import Cryptography
import Foundation
import Persistence
import ServiceRuntime

/// Builds the order service: everything it needs, in the order in which it needs it.
func orderService(_ runtime: Runtime) async throws {
    let clock = runtime.clock
    let settings = try OrderSettings(runtime.settings)
    let database = try await Database(settings.database, migrations: orderMigrations)
    runtime.recordCalls { try await database.audit($0, at: $1) }
    let store = Store(database: database)
    let regions = settings.regions
    let auth = runtime.client(AuthAPI.self)
    let payments = runtime.client(PaymentAPI.self)
    let refunds = runtime.client(RefundAPI.self)
    let sms = runtime.client(SMSGatewayAPI.self)
    let insurers = Insurers(client: runtime.client(InsurerAPI.self))

    let lots = Lots(
        store: store, centre: runtime.client(TradingCentreAPI.self), providers: runtime.client(ProviderAPI.self),
        clock: clock)
    let applications = Applications(store: store, regions: regions, auth: auth, clock: clock)
    let underwriting = Underwriting(store: store, regions: regions, insurers: insurers, auth: auth, clock: clock)
    let premiums = Premiums(store: store, regions: regions, auth: auth, payments: payments, clock: clock)
    let policies = Policies(
        store: store, regions: regions, insurers: insurers, signer: settings.signer,
        portalAddress: settings.portalAddress, clock: clock)
    let surrenders = Surrenders(store: store, regions: regions, auth: auth, clock: clock)

    let relay = Relay<OrderMessage>(database, now: { clock.now }, logger: runtime.logger) { message, delivery in
        let isRepeated = delivery.attempt > 1
        switch message {
        case .askInsurer(let id): try await underwriting.askInsurer(id, isRepeated: isRepeated)
        case .issue(let id): try await policies.issue(id, isRepeated: isRepeated)
        case .endorse(let id): try await policies.endorse(id)
        case .returnPayment(_, let payment, let reason):
            try await payments.call(.returnPayment, payment, ReturnPayment(reason: reason), key: delivery.id.text)
        case .toRefund(let event):
            try await refunds.call(.event, EventEnvelope(id: delivery.id, at: delivery.createdAt, event: event))
        case .toPayment(_, let event):
            try await payments.call(.event, EventEnvelope(id: delivery.id, at: delivery.createdAt, event: event))
        case .sms(_, let text): try await sms.call(.send, text, key: delivery.id.text)
        }
    }

    try runtime.serve(OrderAPI.self) { routes in
        addRoutes(
            to: routes, lots: lots, applications: applications, underwriting: underwriting, premiums: premiums,
            policies: policies, surrenders: surrenders, database: database, clock: clock)
    }
    runtime.readyWhen("providers") { await lots.areProvidersKnown() }
    runtime.run(relay)
    runtime.run(
        Periodic("lots and underwriting", every: .milliseconds(500), logger: runtime.logger) {
            if await !lots.areProvidersKnown() { try await lots.refreshProviders() }
            try await lots.follow()
            try await underwriting.askAgain()
        })
    // Providers and weights change seldom.
    runtime.run(
        Periodic("providers", every: .seconds(30), logger: runtime.logger) { try await lots.refreshProviders() })
}

/// What Order is told at its start.
struct OrderSettings {
    let database: String
    let signer: DocumentSigner
    let portalAddress: String
    let regions: Regions

    init(_ settings: Settings) throws {
        database = settings.databaseAddress()
        portalAddress = settings.text("portal.address", default: "https://localhost:7000")
        let certificate = settings.file("signing.certificate", "PEM chain that signs documents")
        let key = settings.file("signing.key", "PEM private key that signs documents")
        let regionFile = settings.optionalText("regions.file")
        try settings.check()
        signer = try DocumentSigner(
            chain: Certificate.chain(pem: Self.read(certificate)), key: PrivateKey(pem: Self.read(key)))
        regions = try Regions(json: try regionFile.map(Self.read) ?? Array(sampleRegions.utf8))
    }

    private static func read(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    }
}
