/// How one side of TLS behaves. A context made from it serves any number of connections.
public struct TLSConfiguration: Sendable {
    /// Certificate chain (leaf first) and private key, both PEM files.
    public struct Identity: Sendable {
        public var certificateChainFile: String
        public var privateKeyFile: String

        public init(certificateChainFile: String, privateKeyFile: String) {
            self.certificateChainFile = certificateChainFile
            self.privateKeyFile = privateKeyFile
        }
    }

    /// What a server asks of its clients.
    public enum ClientCertificates: Sendable, Equatable {
        case none
        case optional
        case required
        /// A certificate and the proof of its key are required, but its chain is the application's to judge.
        ///
        /// - Warning: the peer's certificate is **unverified** when the request arrives; only a login that checks the
        ///   chain itself, to explain a refusal in words, may use this.
        case requiredUnverified
    }

    public enum Version: Int32, Sendable, Comparable {
        case tls12 = 0x0303
        case tls13 = 0x0304

        public static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
    }

    public var identity: Identity?
    /// PEM file with the certificates that chains must lead to. Without it a client trusts nobody.
    public var trustRootsFile: String?
    public var clientCertificates: ClientCertificates
    public var minimumVersion: Version
    public var maximumVersion: Version
    /// Protocols offered or accepted (RFC 7301), in order of preference.
    public var applicationProtocols: [String]
    /// Whether sessions can be resumed by ticket.
    public var sessionTickets: Bool

    public init(
        identity: Identity? = nil,
        trustRootsFile: String? = nil,
        clientCertificates: ClientCertificates = .none,
        minimumVersion: Version = .tls12,
        maximumVersion: Version = .tls13,
        applicationProtocols: [String] = ["http/1.1"],
        sessionTickets: Bool = true
    ) {
        self.identity = identity
        self.trustRootsFile = trustRootsFile
        self.clientCertificates = clientCertificates
        self.minimumVersion = minimumVersion
        self.maximumVersion = maximumVersion
        self.applicationProtocols = applicationProtocols
        self.sessionTickets = sessionTickets
    }
}
