import Contracts
import Cryptography
import Foundation
import Logging
import NIOCore
import NIOPosix
import SecureTransport
import ServiceLifecycle
import Synchronization
import UnixSignals

/// What every service is made of. A service's `build` function takes one, adds its routes and background work, and
/// reads like a table of contents.
public final class Runtime {
    public let party: Party
    public let settings: Settings
    public let clock: ServiceClock
    public let logger: Logger
    /// The service's own certificate toward the parties that it calls.
    private let identity: ReloadingTLSContext
    private let tls: TLSConfiguration
    private let group = MultiThreadedEventLoopGroup.singleton
    private let sessions: SessionVerifier?
    private let callbacks: CallbackSignature?
    private var services: [any Service] = []
    private var listeners: [any Service] = []
    /// All whose files may change.
    private var contexts: [ReloadingTLSContext]
    private let readiness = Readiness()
    private var audit: Audit?
    private var shutDowns: [@Sendable () -> Void] = []

    init(party: Party, settings: Settings) async throws {
        self.party = party
        self.settings = settings
        clock = ServiceClock()
        let level = settings.text("log.level", default: "info")
        if Logger.Level(rawValue: level) == nil { settings.reject("log.level is not a level") }
        logger = Logger(label: party.rawValue) { label in
            JSONLog(service: label, logLevel: Logger.Level(rawValue: level) ?? .info)
        }
        tls = TLSConfiguration(
            identity: TLSConfiguration.Identity(
                certificateChainFile: settings.file("tls.certificate", "PEM chain of this service"),
                privateKeyFile: settings.file("tls.key", "PEM private key of this service")),
            trustRootsFile: settings.file("tls.trust", "PEM roots of the deployment"), clientCertificates: .required)
        if let file = settings.optionalText("callbacks.keys") {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8),
                let signature = try? CallbackSignature(file: text)
            else {
                settings.reject("callbacks.keys: \(file) must hold keys of at least 24 characters, one a line")
                throw Settings.Invalid(problems: ["callbacks.keys"])
            }
            callbacks = signature
        } else {
            callbacks = nil
        }
        try settings.check()
        identity = try ReloadingTLSContext(.client, tls)
        contexts = [identity]
        // Auth verifies tokens with its own keys like everybody else, over its own listener.
        let keys = Client<AuthAPI>(
            settings.address("peers.auth", default: Self.defaultAddress(.auth)), identity: identity, group: group)
        let sessions = SessionVerifier(clock: clock) { try await keys.call(.keys) }
        self.sessions = sessions
        // An ended session is refused by every service within two of these rounds.
        services.append(
            Periodic("revoked sessions", every: .seconds(2), logger: logger.quiet) {
                if let ended = try? await keys.call(.revokedSessions) { sessions.setRevoked(ended.sessions) }
            })
        services.append(
            Periodic("session keys", every: .seconds(2), logger: logger.quiet) { try? await sessions.refreshKeys() })
        shutDowns.append { keys.shutDown() }
    }

    // MARK: What a service asks for

    /// Where a service keeps its audit trail.
    public typealias Audit = @Sendable (AuditRecord, Instant) async throws -> Void

    /// From now on, listeners that are opened record refused callers and privileged calls with `audit`.
    public func recordCalls(with audit: @escaping Audit) { self.audit = audit }

    /// A client of another party, whose address is `peers.<party>`.
    public func client<API: ServiceAPI>(_ api: API.Type) -> Client<API> {
        let server = API.server
        let client = Client<API>(
            settings.address("peers.\(server.rawValue)", default: Self.defaultAddress(server)), identity: identity,
            group: group)
        shutDowns.append { client.shutDown() }
        return client
    }

    /// A client whose calls are signed as callbacks.
    public func callbackClient<API: ServiceAPI>(_ api: API.Type) -> Client<API> {
        guard let callbacks else { return client(api) }
        return client(api).signing(with: callbacks, clock: clock)
    }

    /// Opens the service's listener for the deployment's parties (`listen`), with the routes that `add` makes.
    public func serve<API: ServiceAPI>(_ api: API.Type, _ add: (Routes<API>) -> Void) throws {
        let routes = makeRoutes(api)
        addCommonRoutes(routes)
        add(routes)
        let address = settings.address("listen", default: Self.defaultAddress(party))
        try listen(routes, at: address, tls)
    }

    /// Opens a listener at which people show certificates of their own, whose chains the routes judge.
    public func servePeople<API: ServiceAPI>(
        _ api: API.Type, listen key: String, default fallback: String, _ add: (Routes<API>) -> Void
    ) throws {
        let routes = makeRoutes(api)
        add(routes)
        var tls = tls
        tls.clientCertificates = .requiredUnverified
        tls.trustRootsFile = nil
        tls.sessionTickets = false
        try listen(routes, at: settings.address(key, default: fallback), tls)
    }

    /// Opens a listener for browsers, which show no certificate. `/livez` and `/readyz` answer there too.
    ///
    /// - Parameter envelope: runs every handler, and turns what it throws into something that a person can read.
    public func serveBrowsers(
        listen key: String, default fallback: String, envelope: @escaping WebRoutes.Envelope, _ add: (WebRoutes) -> Void
    ) throws {
        let web = WebRoutes(routes: makeRoutes(PortalAPI.self), envelope: envelope)
        let (party, clock, readiness) = (party, clock, readiness)
        for path in ["/livez", "/readyz"] {
            web.on(.get, path) { _ in
                let problems = path == "/readyz" ? await readiness.problems() : []
                return try .json(
                    Health(
                        service: party.rawValue, status: problems.isEmpty ? "ready" : "not ready", version: version,
                        now: clock.now, problems: problems), status: problems.isEmpty ? 200 : 503)
            }
        }
        add(web)
        var tls = tls
        tls.clientCertificates = .none
        tls.trustRootsFile = nil
        try listen(web.routes, at: settings.address(key, default: fallback), tls)
    }

    /// Work that runs until the service stops.
    public func run(_ service: any Service) { services.append(service) }

    /// The service is ready when every check says so.
    public func readyWhen(_ name: String, _ isReady: @escaping @Sendable () async -> Bool) {
        readiness.add(name, isReady)
    }

    // MARK: Listeners

    private func makeRoutes<API: ServiceAPI>(_ api: API.Type) -> Routes<API> {
        Routes(sessions: sessions, callbacks: callbacks, audit: audit, clock: clock)
    }

    private func listen<API: ServiceAPI>(_ routes: Routes<API>, at address: Address, _ tls: TLSConfiguration) throws {
        let context = try ReloadingTLSContext(.server, tls)
        contexts.append(context)
        listeners.append(try routes.server(at: address, tls: context, group: group, logger: logger))
    }

    private func addCommonRoutes<API: ServiceAPI>(_ routes: Routes<API>) {
        let (party, clock) = (party, clock)
        let readiness = readiness
        routes.on(.alive) { _ in
            Health(service: party.rawValue, status: "alive", version: version, now: clock.now, problems: [])
        }
        routes.on(.ready) { _ in
            let problems = await readiness.problems()
            guard problems.isEmpty else {
                throw Problem(.unavailable, "not ready: \(problems.joined(separator: ", "))", retryAfter: .seconds(1))
            }
            return Health(service: party.rawValue, status: "ready", version: version, now: clock.now, problems: [])
        }
        if settings.flag("clock.sandbox", default: false) {
            routes.on(.setClock) { call in
                clock.move(to: call.body)
                return Nothing()
            }
        }
    }

    // MARK: Life

    /// Runs until SIGTERM or SIGINT: listeners stop first and let calls end, then the background work.
    func run() async throws {
        if settings.flag("clock.sandbox", default: false) {
            let follower = ClockFollower(clock: clock, sandbox: client(SandboxAPI.self), isPushed: party != .portal)
            readyWhen("sandbox clock") { follower.hasFollowed }
            run(follower)
        }
        try settings.check()
        let (contexts, logger) = (contexts, logger)
        run(
            Periodic("TLS files", every: .seconds(2), logger: logger) {
                for context in contexts where try context.reload() { logger.info("TLS files were read again") }
            })
        // Services stop in the reverse order.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services + listeners, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger.quiet))
        try await group.run()
        for shutDown in shutDowns { shutDown() }
        logger.info("stopped")
        LogWriter.standardOutput.drain()
    }

    /// Where a party is found on one machine.
    public static func defaultAddress(_ party: Party) -> String {
        let port =
            switch party {
            case .portal, .tool: 7_000
            case .auth: 7_001
            case .order: 7_002
            case .payment: 7_003
            case .refund: 7_004
            case .invoice: 7_005
            case .tradingCentre, .provider, .insurer, .bank, .smsGateway, .taxPlatform, .courier: 7_009
            }
        return "127.0.0.1:\(port)"
    }
}

/// The version of all executables of this source.
public let version = "0.1.0"

extension Logger {
    /// The frameworks' own remarks are not ours to print below a warning.
    var quiet: Logger {
        var logger = self
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}

/// What has to be so before a service takes work.
private final class Readiness: Sendable {
    private let checks = Mutex<[(name: String, isReady: @Sendable () async -> Bool)]>([])

    func add(_ name: String, _ isReady: @escaping @Sendable () async -> Bool) {
        checks.withLock { $0.append((name, isReady)) }
    }

    /// The names of what is not ready.
    func problems() async -> [String] {
        var problems: [String] = []
        for check in checks.withLock({ $0 }) where await !check.isReady() { problems.append(check.name) }
        return problems
    }
}

/// Takes the sandbox's clock over at the start. Later moves are pushed by the sandbox itself where there is a route for it.
private final class ClockFollower: Service {
    private let clock: ServiceClock
    private let sandbox: Client<SandboxAPI>
    /// Whether the sandbox tells later moves by itself.
    private let isPushed: Bool
    private let followed = Atomic(false)

    var hasFollowed: Bool { followed.load(ordering: .relaxed) }

    init(clock: ServiceClock, sandbox: Client<SandboxAPI>, isPushed: Bool) {
        self.clock = clock
        self.sandbox = sandbox
        self.isPushed = isPushed
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                if let offset = try? await sandbox.call(.clock) {
                    clock.move(to: offset)
                    followed.store(true, ordering: .relaxed)
                    if isPushed { break }
                }
                try? await Task.sleep(for: hasFollowed ? .seconds(1) : .milliseconds(100))
            }
        }
        try await gracefulShutdown()
    }
}

/// The main function of a service: `<service>` runs it, `<service> health` asks the running one whether it is ready,
/// `<service> migrate` brings the schema of its database up to date.
public func serviceMain(
    _ party: Party, migrate: ((Settings) async throws -> Void)? = nil, build: (Runtime) async throws -> Void
) async {
    do {
        if let migrate, CommandLine.arguments.dropFirst().first == "migrate" { return try await migrate(Settings()) }
        let runtime = try await Runtime(party: party, settings: Settings())
        if CommandLine.arguments.dropFirst().first == "health" { return try await runtime.checkHealth() }
        try await build(runtime)
        try await runtime.run()
    } catch {
        FileHandle.standardError.write(Data("\(party.rawValue): \(error)\n".utf8))
        LogWriter.standardOutput.drain()
        // EX_CONFIG of sysexits.h: starting again will not help.
        exit(error is Settings.Invalid || error is TLSError ? 78 : 1)
    }
}

extension Runtime {
    /// For a container's health check: any API has `/readyz`.
    fileprivate func checkHealth() async throws {
        let address = settings.address("listen", default: Self.defaultAddress(party))
        let own = Client<AuthAPI>(
            Address(host: "127.0.0.1", port: address.port), identity: identity, expecting: .uri(party.uri), group: group
        )
        let health = try await own.call(.ready)
        FileHandle.standardOutput.write(Data("\(health.service) \(health.status)\n".utf8))
    }
}
