import Contracts
import Logging
import NIOCore
import NIOHTTP1
import SecureTransport
import StrictJSON

/// Calls one party by the endpoints of its API.
///
/// Whatever the other side refuses is thrown as the ``Problem`` that it named; when it cannot be reached, or does not
/// answer in time, as ``ProblemCode/unavailable`` or ``ProblemCode/deadlineExceeded``.
public struct Client<API: ServiceAPI>: Sendable {
    private let pool: ConnectionPool
    private let authority: String
    /// The token of the person on whose behalf is called; only the portal and the tool carry one.
    private var token: String?
    private var signature: (CallbackSignature, ServiceClock)?
    private var language: ProblemCode.Language?
    private var forwarded: String?
    public var timeout: Duration = .seconds(10)

    public init(_ address: Address, identity: ReloadingTLSContext, group: any EventLoopGroup) {
        self.init(address, identity: identity, expecting: .uri(API.server.uri), group: group)
    }

    /// - Parameter peer: where the other end is known by another name than its party's.
    public init(
        _ address: Address, identity: ReloadingTLSContext, expecting peer: ExpectedPeer, group: any EventLoopGroup
    ) {
        pool = ConnectionPool(address, context: identity, expecting: peer, group: group)
        authority = address.description
    }

    /// The same client on behalf of a person.
    public func on(behalfOf session: Session) -> Client {
        var client = self
        client.token = session.token
        return client
    }

    /// The same client signing its calls as callbacks.
    public func signing(with signature: CallbackSignature, clock: ServiceClock) -> Client {
        var client = self
        client.signature = (signature, clock)
        return client
    }

    public func speaking(_ language: ProblemCode.Language) -> Client {
        var client = self
        client.language = language
        return client
    }

    /// The same client on behalf of somebody at a network address; only the portal's word on it is believed.
    public func forwarding(_ address: String) -> Client {
        var client = self
        client.forwarded = address
        return client
    }

    public func shutDown() { pool.shutDown() }

    // MARK: Calls

    /// - Parameter key: by which the other side knows a repetition; demanded wherever something is created or moved.
    @discardableResult
    public func call<ID, Body, Reply>(
        _ endpoint: Endpoint<API, ID, Body, Reply>, _ id: ID, _ body: Body, key: String? = nil
    ) async throws -> Reply {
        precondition(
            (key != nil) == endpoint.isKeyed || endpoint.access.isSignedCallback,
            "a keyed endpoint needs a key, and only it")
        var path = endpoint.path(for: id)
        var bytes: [UInt8] = []
        if Body.self != Nothing.self {
            if endpoint.method == .get { path += try Self.query(body) } else { bytes = try StrictJSON.encode(body) }
        }
        let request = ClientRequest(
            head: head(endpoint.method.rawValue, path, bytes, key), body: bytes,
            isRepeatable: endpoint.method != .post || key != nil)
        let reply = try await execute(request)
        guard reply.status == 200 else { throw problem(reply) }
        if Reply.self == File.self, let file = file(reply) as? Reply { return file }
        do {
            return try StrictJSON.decode(Reply.self, from: reply.body, rules: .services)
        } catch {
            throw Problem(.unavailable, "\(API.server.rawValue) answered in a way that is not understood")
        }
    }

    @discardableResult
    public func call<Body, Reply>(
        _ endpoint: Endpoint<API, Nothing, Body, Reply>, _ body: Body, key: String? = nil
    ) async throws -> Reply {
        try await call(endpoint, Nothing(), body, key: key)
    }

    @discardableResult
    public func call<ID, Reply>(
        _ endpoint: Endpoint<API, ID, Nothing, Reply>, _ id: ID, key: String? = nil
    ) async throws -> Reply {
        try await call(endpoint, id, Nothing(), key: key)
    }

    @discardableResult
    public func call<Reply>(_ endpoint: Endpoint<API, Nothing, Nothing, Reply>, key: String? = nil) async throws
        -> Reply
    {
        try await call(endpoint, Nothing(), Nothing(), key: key)
    }

    // MARK: Bytes

    private func execute(_ request: ClientRequest) async throws -> ClientReply {
        do {
            return try await pool.execute(request, deadline: .now() + .milliseconds(timeout.milliseconds))
        } catch let failure as ClientFailure {
            let server = API.server.rawValue
            switch failure {
            case .deadline: throw Problem(.deadlineExceeded, "\(server) did not answer in time")
            case .handshake(let failure):
                throw Problem(
                    .unavailable, "\(server): TLS \(failure.reason): \(failure.detail)", retryAfter: .seconds(5))
            case .connect, .closedBeforeAnswer, .closedInAnswer, .overloaded, .shutDown, .answerTooLarge:
                throw Problem(.unavailable, "\(server) cannot be reached", retryAfter: .seconds(1))
            }
        }
    }

    private func head(_ method: String, _ path: String, _ body: [UInt8], _ key: String?) -> HTTPRequestHead {
        var headers = HTTPHeaders()
        headers.add(name: "host", value: authority)
        if !body.isEmpty { headers.add(name: "content-type", value: "application/json") }
        if method != "GET" { headers.add(name: "content-length", value: String(body.count)) }
        if let key { headers.add(name: "idempotency-key", value: key) }
        if let token { headers.add(name: "authorization", value: "Bearer \(token)") }
        if let language { headers.add(name: "accept-language", value: language.rawValue) }
        if let forwarded, !forwarded.isEmpty { headers.add(name: "x-forwarded-for", value: forwarded) }
        if let (signature, clock) = signature, let key {
            let now = clock.now
            headers.add(name: "webhook-id", value: key)
            headers.add(name: "webhook-timestamp", value: String(now.seconds))
            headers.add(name: "webhook-signature", value: signature.sign(id: key, at: now, body: body))
        }
        if let scope = RequestScope.current {
            headers.add(name: "x-request-id", value: scope.requestID)
            headers.add(name: "traceparent", value: scope.traceparent)
        }
        return HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: headers)
    }

    private func problem(_ reply: ClientReply) -> Problem {
        guard let document = try? StrictJSON.decode(Problem.Document.self, from: reply.body),
            let code = ProblemCode(rawValue: document.code)
        else { return Problem(.unavailable, "\(API.server.rawValue) answered \(reply.status)") }
        let retryAfter = reply.headers.first(name: "retry-after").flatMap { Int($0) }.map { Duration.seconds($0) }
        return Problem(code, document.detail, field: document.field, retryAfter: retryAfter)
    }

    private func file(_ reply: ClientReply) -> File {
        let disposition = reply.headers.first(name: "content-disposition") ?? ""
        let name = disposition.split(separator: "\"").dropFirst().first.map(String.init) ?? "file"
        return File(mediaType: reply.headers.first(name: "content-type") ?? "", name: name, bytes: reply.body)
    }

    /// The fields of `body` as a query.
    private static func query(_ body: some Encodable) throws -> String {
        let fields = try StrictJSON.decode([String: QueryValue].self, from: StrictJSON.encode(body))
        guard !fields.isEmpty else { return "" }
        return "?"
            + fields.sorted { $0.key < $1.key }.map { "\(escape($0.key))=\(escape($0.value.text))" }.joined(
                separator: "&")
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}

/// A scalar in a query.
private struct QueryValue: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self.text = text
        } else if let number = try? container.decode(Int64.self) {
            text = String(number)
        } else {
            text = String(try container.decode(Bool.self))
        }
    }
}
