/// A set of endpoints that one party serves.
public protocol ServiceAPI: Sendable {
    /// Whose certificate a client must find at the other end.
    static var server: Party { get }
    /// Which services send it events.
    static var eventSenders: Set<Party> { get }
}

extension ServiceAPI {
    public static var eventSenders: Set<Party> { [] }
}

/// The portal has pages for browsers, and of an API what every service has.
public enum PortalAPI: ServiceAPI {
    public static let server = Party.portal
}

/// Everybody who owns a certificate of the deployment; the name stands in it as `spiffe://baohan/<name>`.
public enum Party: String, Codable, Sendable, CaseIterable {
    case auth, order, payment, refund, invoice
    case portal
    /// The operator's command-line tool.
    case tool
    // The outside world
    case tradingCentre = "trading-centre"
    case provider, insurer, bank
    case smsGateway = "sms-gateway"
    case taxPlatform = "tax-platform"
    case courier

    public var uri: String { "spiffe://baohan/\(rawValue)" }

    /// Under `spiffe://baohan/insurer/<id>`: one insurer of all those that are ``insurer``.
    public static func insurerURI(_ id: String) -> String { "\(insurer.uri)/\(id)" }

    /// Which insurer a name in a certificate is; nil for another's.
    public static func insurer(inURI uri: String) -> String? {
        uri.hasPrefix("\(insurer.uri)/") ? String(uri.dropFirst(insurer.uri.count + 1)) : nil
    }

    public init?(uri: String) {
        guard uri.hasPrefix("spiffe://baohan/") else { return nil }
        self.init(rawValue: String(uri.dropFirst("spiffe://baohan/".count)))
    }
}

/// What a logged-in person is.
public enum Role: String, Codable, Sendable, CaseIterable {
    /// Bidder 投标人.
    case bidder
    /// Of one insurer, decides on applications that the rules refer to a person (A8).
    case underwriter
    /// Runs the platform.
    case platformOperator = "operator"
}

/// Who may use an endpoint: which certificate must be at the other end of the connection, and who must be logged in.
public struct Access: Sendable {
    public let callers: Set<Party>
    public let roles: Set<Role>
    /// Whether the body is signed in the manner of Standard Webhooks, as the outside world's callbacks are.
    public let isSignedCallback: Bool

    private static let edge: Set<Party> = [.portal, .tool]

    /// People's requests, through the portal or the tool.
    public static func person(_ roles: Role...) -> Access {
        Access(callers: edge, roles: Set(roles), isSignedCallback: false)
    }
    /// Before login, or for everybody.
    public static let anybody = Access(callers: edge, roles: [], isSignedCallback: false)
    public static func parties(_ parties: Party...) -> Access {
        Access(callers: Set(parties), roles: [], isSignedCallback: false)
    }
    public static func parties(_ parties: Set<Party>) -> Access {
        Access(callers: parties, roles: [], isSignedCallback: false)
    }
    /// Every party of the deployment.
    public static let everyParty = Access(callers: Set(Party.allCases), roles: [], isSignedCallback: false)
    public static func callback(_ party: Party) -> Access {
        Access(callers: [party], roles: [], isSignedCallback: true)
    }

    /// Whether a call by `callers` is what only staff or the operator's tool may do, and so leaves an audit record.
    public func isPrivileged(for callers: Set<Party>) -> Bool {
        roles.isEmpty ? callers.contains(.tool) && !self.callers.contains(.portal) : !roles.contains(.bidder)
    }
}

/// No path parameter, or no body.
public struct Nothing: Codable, Sendable, Equatable {
    public init() {}
}

/// What may stand in place of `{id}` in a path.
public protocol PathParameter: Sendable {
    var pathText: String { get }
    init(pathText: String) throws(InvalidValue)
}

extension Nothing: PathParameter {
    public var pathText: String { "" }
    public init(pathText: String) throws(InvalidValue) {}
}

extension Identifier: PathParameter {
    public var pathText: String { text }
    public init(pathText: String) throws(InvalidValue) { try self.init(pathText) }
}

extension UnifiedSocialCreditCode: PathParameter {
    public var pathText: String { text }
    public init(pathText: String) throws(InvalidValue) { try self.init(pathText) }
}

/// One call of one API: from it both the server's route and the client's method are made, so they cannot disagree.
///
/// `{id}` in the path stands for `ID`. A GET's `Request` travels in the query, every other one's in the body.
public struct Endpoint<API: ServiceAPI, ID: PathParameter, Request: Codable & Sendable, Reply: Codable & Sendable>:
    Sendable
{
    public enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT" }

    public let method: Method
    public let path: String
    public let access: Access
    /// Whether an `Idempotency-Key` is demanded: wherever something is created or moved.
    public let isKeyed: Bool

    private init(_ method: Method, _ path: String, _ access: Access, isKeyed: Bool) {
        self.method = method
        self.path = path
        self.access = access
        self.isKeyed = isKeyed
    }

    public static func get(_ path: String, for access: Access) -> Self {
        Endpoint(.get, path, access, isKeyed: false)
    }

    public static func post(_ path: String, for access: Access) -> Self {
        Endpoint(.post, path, access, isKeyed: !access.isSignedCallback)
    }

    /// A POST that may be repeated without harm, so that it needs no key.
    public static func repeatablePost(_ path: String, for access: Access) -> Self {
        Endpoint(.post, path, access, isKeyed: false)
    }

    public static func put(_ path: String, for access: Access) -> Self {
        Endpoint(.put, path, access, isKeyed: false)
    }

    /// The path with `{id}` filled in.
    public func path(for id: ID) -> String {
        guard let open = path.firstIndex(of: "{"), let close = path.firstIndex(of: "}") else { return path }
        return path[..<open] + id.pathText + path[path.index(after: close)...]
    }
}

/// One page of a list; `next` is the cursor of the page behind it.
public struct Page<Item: Codable & Sendable>: Codable, Sendable {
    public let items: [Item]
    public let next: String?

    public init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }
}

/// A reply that sends a browser on (303), for the few endpoints that browsers see.
public struct Redirect: Codable, Sendable {
    public let location: String

    public init(to location: String) {
        self.location = location
    }
}

/// A document as a reply: sent as it is, with its media type, not as JSON.
public struct File: Codable, Sendable {
    public let mediaType: String
    public let name: String
    public let bytes: [UInt8]

    public init(mediaType: String, name: String, bytes: [UInt8]) {
        self.mediaType = mediaType
        self.name = name
        self.bytes = bytes
    }
}
