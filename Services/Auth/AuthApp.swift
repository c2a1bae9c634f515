import Contracts
import Cryptography
import Foundation
import Persistence
import ServiceRuntime
import StrictJSON

/// Builds the auth service: everything it needs, in the order in which it needs it.
func authService(_ runtime: Runtime) async throws {
    let settings = try AuthSettings(runtime.settings)
    let clock = runtime.clock
    let database = try await Database(settings.database, migrations: authMigrations)
    runtime.recordCalls { try await database.audit($0, at: $1) }
    let store = Store(database: database)
    try await store.takeRoles(of: settings.staff, at: clock.now)
    let sms = runtime.client(SMSGatewayAPI.self)
    let relay = Relay<AuthMessage>(database, now: { clock.now }, logger: runtime.logger) { message, delivery in
        switch message {
        case .sms(let text): try await sms.call(.send, text, key: delivery.id.text)
        }
    }
    guard let keys = try settings.sessionKeys.keysIfChanged() else { throw Settings.Invalid(problems: ["session.key"]) }
    let issuer = try SessionIssuer(keys: keys)
    let sessions = Sessions(store: store, issuer: issuer, staff: settings.staff, clock: clock)
    let authorities = try Authorities(
        file: settings.authoritiesFile, cache: settings.revocationCache, clock: clock, logger: runtime.logger)
    try await authorities.refresh()
    let logins = Logins(
        store: store, sessions: sessions, guardian: LoginGuard(store: store, clock: clock),
        authorities: authorities, platforms: settings.platforms, origin: settings.origin, clock: clock)
    let enterprises = Enterprises(
        store: store, centre: runtime.client(TradingCentreAPI.self), clock: clock)
    let stepUps = StepUps(store: store, revealsCaptchas: settings.revealsCaptchas, clock: clock)

    try runtime.serve(AuthAPI.self) { routes in
        addRoutes(
            to: routes, database: database, logins: logins, sessions: sessions, enterprises: enterprises,
            handlers: Handlers(store: store, clock: clock), stepUps: stepUps, clock: clock)
    }
    try runtime.servePeople(LoginAPI.self, listen: "login.listen", default: "127.0.0.1:7011") { routes in
        routes.on(.logIn, .offLoop) { call in try await logins.logIn(chain: call.peerChain, from: call.address) }
        routes.on(.browserLogin, .offLoop) { call in
            try await logins.logIn(browser: call.body, chain: call.peerChain, from: call.address)
        }
        routes.on(.refreshBoundSession) { call in
            try await sessions.refresh(
                call.body, certificate: call.peerChain.first.map { sha256($0).hex }, from: call.address)
        }
    }
    runtime.run(relay)
    runtime.run(
        Periodic("revocation lists", every: .seconds(2), logger: runtime.logger) {
            if try await authorities.refresh() { try await sessions.recheck(by: authorities) }
        })
    if authorities.hasResponders {
        runtime.run(
            Periodic("certificate status", every: .seconds(60), logger: runtime.logger) {
                try await sessions.recheck(by: authorities)
            })
    }
    runtime.run(
        Periodic("session keys", every: .seconds(2), logger: runtime.logger) {
            if let keys = try settings.sessionKeys.keysIfChanged() { try issuer.replace(with: keys, at: clock.now) }
        })
}

/// What Auth is told at its start.
struct AuthSettings {
    let database: String
    let sessionKeys: SessionKeyFile
    let authoritiesFile: String
    /// Folder in which fetched revocation lists outlive a restart.
    let revocationCache: String
    let platforms: [TradingPlatform]
    let origin: String
    let staff: [StaffMember]
    let revealsCaptchas: Bool

    init(_ settings: Settings) throws {
        database = settings.databaseAddress()
        origin = settings.text("portal.address", default: "https://localhost:7000")
        revealsCaptchas = settings.flag("captcha.sandbox", default: false)
        let sessionKey = settings.file("session.key", "PEM private keys, P-256; the first signs session tokens")
        let authorities = settings.file("login.authorities", "JSON list of the authorities whose certificates log in")
        revocationCache =
            settings.optionalText("login.revocation.cache")
            ?? (database.contains("://")
                ? settings.requiredText("login.revocation.cache", "a folder") : database + ".revocation")
        let platforms = settings.file("handoff.platforms", "JSON list of the trading platforms whose tickets count")
        let staff = settings.optionalText("staff.file")
        try settings.check()
        sessionKeys = SessionKeyFile(sessionKey)
        authoritiesFile = authorities
        self.platforms = try Self.platforms(platforms)
        self.staff =
            try staff.map { try StrictJSON.decode([StaffMember].self, from: Self.read($0), rules: .publicAPI) } ?? []
        guard Set(self.staff.map(\.creditCode)).count == self.staff.count else {
            settings.reject("staff.file gives one credit code two roles")
            throw Settings.Invalid(problems: ["staff.file"])
        }
    }

    /// One trading platform in the file that `handoff.platforms` names; paths in it are relative to the file.
    private struct PlatformEntry: Codable {
        let issuer: String
        let certificate: String
        let regions: [String]?
    }

    private static func platforms(_ file: String) throws -> [TradingPlatform] {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        return try StrictJSON.decode([PlatformEntry].self, from: read(file), rules: .publicAPI).map { entry in
            let certificate = folder.appendingPathComponent(entry.certificate).path
            return TradingPlatform(
                issuer: entry.issuer, signer: try Certificate.chain(pem: read(certificate))[0], regions: entry.regions)
        }
    }

    private static func read(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    }
}

/// Somebody whose certificate stands for more than a bidder.
struct StaffMember: Codable, Sendable, Equatable, CustomStringConvertible {
    let creditCode: UnifiedSocialCreditCode
    let role: Role
    /// Of an underwriter: for which insurer it decides.
    let insurer: String?

    var description: String { ([role.rawValue, insurer].compactMap { $0 } + [creditCode.text]).joined(separator: " ") }
}

/// What Auth asks of others after a commit.
enum AuthMessage: OutboxMessage {
    case sms(TextMessage)

    /// Messages to one telephone stay in order.
    var aggregate: String {
        switch self {
        case .sms(let text): "phone " + text.to.text
        }
    }

    var kind: String {
        switch self {
        case .sms: "sms"
        }
    }
}
