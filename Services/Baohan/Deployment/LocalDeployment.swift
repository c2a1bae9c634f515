import Contracts
import DevelopmentDatabase
import Foundation
import NIOPosix
import SecureTransport
import ServiceRuntime

/// A deployment on one machine: its folder, its ports, and the configuration of each of its processes.
struct LocalDeployment: Sendable {
    /// The executables, in the order of their ports.
    static let services = ["auth", "order", "payment", "refund", "invoice", "portal", "sandbox"]

    let state: URL
    /// Of every executable, of Auth's second listener as `login`, and of the sandbox's key agent as `agent`.
    let ports: [String: Int]
    /// Instead of files.
    let postgreSQL: PrivatePostgreSQL?
    /// Where the files of SQLite are, if not beside everything else.
    var databases: URL?

    init(_ options: DeploymentOptions) {
        let state = URL(fileURLWithPath: options.state)
        self.init(
            state: state, portBase: options.portBase,
            postgreSQL: options.database == .postgresql
                ? PrivatePostgreSQL(for: state, port: options.portBase + 32) : nil)
    }

    init(state: URL, portBase: Int, postgreSQL: PrivatePostgreSQL? = nil) {
        self.init(
            state: state, postgreSQL: postgreSQL,
            ports: [
                "auth": portBase + 1, "order": portBase + 2, "payment": portBase + 3, "refund": portBase + 4,
                "invoice": portBase + 5, "portal": portBase, "sandbox": portBase + 9, "agent": portBase + 10,
                "login": portBase + 11,
            ])
    }

    init(state: URL, postgreSQL: PrivatePostgreSQL? = nil, ports: [String: Int]) {
        self.state = state
        self.postgreSQL = postgreSQL
        self.ports = ports
    }

    var pki: DevelopmentPKI { DevelopmentPKI(folder: state.appendingPathComponent("pki")) }
    var documents: URL { state.appendingPathComponent("documents") }
    var logs: URL { state.appendingPathComponent("logs") }

    // MARK: Processes

    /// The environment that configures one executable.
    func environment(of service: String) -> [String: String] {
        var environment = [
            "LISTEN": "127.0.0.1:\(port(service))",
            "TLS_CERTIFICATE": pki.path("\(service).pem"),
            "TLS_KEY": pki.path("\(service).key"),
            "TLS_TRUST": pki.path("root.pem"),
            "CALLBACKS_KEYS": pki.path("callbacks.keys"),
            "DATABASE": database(of: service),
        ]
        for peer in ["auth", "order", "payment", "refund", "invoice"] {
            environment["PEERS_\(peer.uppercased())"] = "127.0.0.1:\(port(peer))"
        }
        for party in DevelopmentPKI.outside {
            let key = party.rawValue.uppercased().replacingOccurrences(of: "-", with: "_")
            environment["PEERS_\(key)"] = "127.0.0.1:\(port("sandbox"))"
        }
        environment["PORTAL_ADDRESS"] = portalAddress
        if service != "sandbox" { environment["CLOCK_SANDBOX"] = "true" }
        switch service {
        case "auth":
            environment["SESSION_KEY"] = pki.path("session.key")
            environment["LOGIN_AUTHORITIES"] = pki.path("authorities.json")
            environment["LOGIN_REVOCATION_CACHE"] = state.appendingPathComponent("revocation").path
            environment["LOGIN_LISTEN"] = "127.0.0.1:\(port("login"))"
            environment["HANDOFF_PLATFORMS"] = pki.path("platforms.json")
            environment["STAFF_FILE"] = pki.path("staff.json")
            environment["CAPTCHA_SANDBOX"] = "true"
        case "order", "invoice":
            environment["SIGNING_CERTIFICATE"] = pki.path("signing.pem")
            environment["SIGNING_KEY"] = pki.path("signing.key")
        case "portal":
            environment["COOKIES_KEY"] = pki.path("cookies.key")
            environment["LOGIN_ADDRESS"] = "https://localhost:\(port("login"))"
            environment["KEY_AGENT"] = "https://127.0.0.1:\(port("agent"))"
        case "sandbox":
            environment["HANDOFF_KEY"] = pki.path("handoff.key")
            environment["AGENT_LISTEN"] = "127.0.0.1:\(port("agent"))"
            environment["AGENT_KEYS"] = ["bidder-1", "bidder-2", "bidder-1-sm2"].map(pki.path).joined(separator: ",")
            environment["AGENT_ORIGINS"] = portalAddress
        default: break
        }
        return environment
    }

    /// Where a browser on this machine finds the portal.
    var portalAddress: String { "https://localhost:\(port("portal"))" }

    func port(_ name: String) -> Int { ports[name] ?? 0 }

    /// Where a service keeps its data. The sandbox keeps its own in a file.
    func database(of service: String) -> String {
        guard let postgreSQL, service != "sandbox" else {
            return (databases ?? state).appendingPathComponent("\(service).sqlite").path
        }
        return postgreSQL.address(of: service)
    }

    // MARK: Clients

    /// Where the tool finds a party: `PEERS_<PARTY>` in the environment, else this machine.
    private func address(_ name: String) -> Address {
        let key = "PEERS_" + name.uppercased().replacingOccurrences(of: "-", with: "_")
        return ProcessInfo.processInfo.environment[key].flatMap { Address($0) }
            ?? Address(host: "127.0.0.1", port: port(name))
    }

    private func tls(_ certificate: String) throws -> ReloadingTLSContext {
        try ReloadingTLSContext(
            .client,
            TLSConfiguration(
                identity: TLSConfiguration.Identity(
                    certificateChainFile: pki.path("\(certificate).pem"), privateKeyFile: pki.path("\(certificate).key")
                ),
                trustRootsFile: pki.path("root.pem")))
    }

    /// A client of a service with the certificate of `party`.
    func client<API: ServiceAPI>(_ api: API.Type, as certificate: String = "tool") throws -> Client<API> {
        let isOutside = DevelopmentPKI.outside.contains(API.server)
        return Client(
            address(isOutside ? "sandbox" : API.server.rawValue), identity: try tls(certificate),
            group: MultiThreadedEventLoopGroup.singleton)
    }

    /// A client of the listener at which people show their own certificates.
    func loginClient(with certificate: String) throws -> Client<LoginAPI> {
        Client(address("login"), identity: try tls(certificate), group: MultiThreadedEventLoopGroup.singleton)
    }
}
