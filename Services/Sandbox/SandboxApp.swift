import Contracts
import Cryptography
import Foundation
import Persistence
import ServiceRuntime

/// Builds the outside world for development and tests: trading centre, providers and insurers, bank, SMS gateway, tax
/// platform and courier in one process, with faults on demand and a clock that can be moved.
func sandbox(_ runtime: Runtime) async throws {
    let clock = runtime.clock
    let address = runtime.settings.databaseAddress()
    let ticketKey = runtime.settings.file("handoff.key", "PEM private key that signs hand-off tickets")
    let agent = try AgentSettings(runtime.settings)
    let database = try await Database(address, migrations: sandboxMigrations)
    let key = try PrivateKey(pem: [UInt8](Data(contentsOf: URL(fileURLWithPath: ticketKey))))

    let timeMachine = TimeMachine(database: database, clock: clock, followers: Followers(runtime))
    try await timeMachine.restore()
    let faults = Faults(database: database)
    let callbacks = Callbacks(runtime)
    let centre = Centre(database: database, ticketKey: key, clock: clock)
    let insurers = Insurers(database: database, faults: faults, clock: clock)
    let bank = Bank(database: database, faults: faults, clock: clock)
    let offices = Offices(database: database, faults: faults, clock: clock)

    try runtime.serve(SandboxAPI.self) { routes in
        timeMachine.addRoutes(to: routes)
        faults.addRoutes(to: routes)
        centre.addRoutes(to: routes, and: routes.and(TradingCentreAPI.self))
        insurers.addRoutes(to: routes.and(InsurerAPI.self), and: routes.and(ProviderAPI.self))
        bank.addRoutes(to: routes, and: routes.and(BankAPI.self))
        offices.addRoutes(
            to: routes, and: routes.and(SMSGatewayAPI.self), routes.and(TaxPlatformAPI.self),
            routes.and(CourierAPI.self))
    }
    if let agent {
        let keyAgent = try KeyAgent(files: agent.keys, pin: agent.pin, origins: agent.origins, database: database)
        try runtime.serveBrowsers(listen: "agent.listen", default: "127.0.0.1:7010", envelope: keyAgent.envelope) {
            keyAgent.addRoutes(to: $0)
        }
    }
    runtime.run(
        Relay<Callback>(database, now: { clock.now }, logger: runtime.logger) { callback, delivery in
            try await callbacks.deliver(callback, delivery)
        })
}

/// What the key agent is told; it runs where it is given keys.
private struct AgentSettings {
    let keys: [String]
    let pin: String
    let origins: Set<String>

    init?(_ settings: Settings) throws {
        func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
        keys = list(settings.text("agent.keys", default: ""))
        pin = settings.text("agent.pin", default: "123456")
        origins = Set(list(settings.text("agent.origins", default: "https://localhost:7000")))
        try settings.check()
        if keys.isEmpty { return nil }
    }
}
