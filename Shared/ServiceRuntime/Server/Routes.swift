import Contracts
import Cryptography
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import SecureTransport
import ServiceLifecycle
import StrictJSON

/// The routes of one API, made from its endpoints.
public struct Routes<API: ServiceAPI> {
    /// Where a handler runs. The connection's loop is for handlers that only wait; what computes or blocks for longer
    /// than a millisecond would hold up every other connection of the loop.
    public enum Place: Sendable {
        case loop
        case offLoop
    }

    let router: Router<CallContext>
    private let gate: Gate

    init(_ router: Router<CallContext>, gate: Gate) {
        self.router = router
        self.gate = gate
    }

    /// Routes on a router of their own, with the envelope around every call.
    package init(
        sessions: SessionVerifier?, callbacks: CallbackSignature?, audit: Runtime.Audit? = nil, clock: ServiceClock
    ) {
        let router = Router(context: CallContext.self)
        router.add(middleware: CallEnvelope())
        self.init(
            router,
            gate: Gate(sessions: sessions, callbacks: callbacks, trail: audit.map(GateTrail.init), clock: clock))
    }

    /// The server of these routes.
    package func server(
        at address: Address, tls: ReloadingTLSContext, group: any EventLoopGroup, logger: Logger,
        limits: ServerLimits = ServerLimits()
    ) throws -> any Service {
        let channel = SecureChildChannel(
            responder: router.buildResponder(), context: tls, limits: limits, logger: logger)
        return channel.server(
            configuration: ServerConfiguration(
                address: .hostname(address.host, port: address.port), backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
            onServerRunning: { channel in
                logger.info("listening", metadata: ["address": "\(channel.localAddress?.description ?? "")"])
            }, eventLoopGroup: group, logger: logger.quiet)
    }

    /// The same router for another API, where one process plays several parties.
    public func and<Other: ServiceAPI>(_ api: Other.Type) -> Routes<Other> {
        Routes<Other>(router, gate: gate)
    }

    /// Serves `endpoint`.
    public func on<ID, Body, Reply>(
        _ endpoint: Endpoint<API, ID, Body, Reply>, _ place: Place = .loop,
        _ handler: @escaping @Sendable (Call<ID, Body>) async throws -> Reply
    ) {
        let gate = gate
        router.on(RouterPath(endpoint.path), method: HTTPRequest.Method(endpoint.method)) { request, context in
            let call = try await gate.admit(request, context, to: endpoint)
            let reply = try await gate.record(call, to: endpoint) {
                switch place {
                case .loop: try await handler(call)
                case .offLoop:
                    try await withTaskExecutorPreference(globalConcurrentExecutor) { try await handler(call) }
                }
            }
            return try response(for: reply)
        }
    }
}

extension HTTPRequest.Method {
    fileprivate init<API, ID, Body, Reply>(_ method: Endpoint<API, ID, Body, Reply>.Method) {
        switch method {
        case .get: self = .get
        case .post: self = .post
        case .put: self = .put
        }
    }
}

private func response(for reply: some Encodable) throws -> Response {
    if let file = reply as? File {
        return Response(
            status: .ok,
            headers: [
                .contentType: file.mediaType, .contentDisposition: "attachment; filename=\"\(file.name)\"",
                .cacheControl: "private, no-store",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }
    if let redirect = reply as? Redirect {
        return Response(status: .seeOther, headers: [.location: redirect.location, .cacheControl: "no-store"])
    }
    return Response(
        status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: try StrictJSON.encode(reply))))
}

/// Everything that is checked before a handler runs: the caller's certificate, a callback's signature, the session, the
/// idempotency key, the path, the body.
struct Gate: Sendable {
    let sessions: SessionVerifier?
    let callbacks: CallbackSignature?
    let trail: GateTrail?
    let clock: ServiceClock

    /// Runs `handler`, and records the call when only staff or the operator's tool may make it. What could not be
    /// recorded is not answered.
    func record<API, ID, Body, Reply>(
        _ call: Call<ID, Body>, to endpoint: Endpoint<API, ID, Body, Reply>, _ handler: () async throws -> Reply
    ) async throws -> Reply {
        guard let trail, endpoint.access.isPrivileged(for: call.callers) else { return try await handler() }
        func record(_ result: String) async throws {
            try await trail.record(
                AuditRecord(
                    "privileged_call", by: call.verifiedPerson?.enterprise.text ?? names(of: call.callers),
                    on: "\(endpoint.method.rawValue) \(endpoint.path(for: call.id))",
                    certificate: call.peerChain.first.map { sha256($0).hex }, from: maskedAddress(call.address),
                    result: result), clock.now)
        }
        do {
            let reply = try await handler()
            try await record("done")
            return reply
        } catch {
            try await record(Problem.of(error, logger: nil).code.rawValue)
            throw error
        }
    }

    func admit<API, ID, Body, Reply>(
        _ request: Request, _ context: CallContext, to endpoint: Endpoint<API, ID, Body, Reply>
    ) async throws -> Call<ID, Body> {
        // An endpoint without callers is open to everybody who reaches the listener.
        guard endpoint.access.callers.isEmpty || !endpoint.access.callers.isDisjoint(with: context.source.callers)
        else {
            try await trail?.refuse(
                context.source, "\(endpoint.method.rawValue) \(endpoint.path)", at: clock.now)
            throw Problem(.callerNotAllowed)
        }
        var body = context.source.body
        let bytes = body.readBytes(length: body.readableBytes) ?? []
        if endpoint.access.isSignedCallback { try verify(request, bytes) }
        let person = endpoint.access.roles.isEmpty ? nil : try await person(request, endpoint.access.roles)
        let id: ID
        do {
            id = try ID(pathText: context.parameters.get("id") ?? "")
        } catch {
            throw Problem(.notFound)
        }
        return Call(
            id: id,
            body: try decode(
                Body.self, request, bytes,
                isPublic: !endpoint.access.roles.isEmpty || endpoint.access.callers.contains(.portal)),
            callers: context.source.callers, insurers: context.source.insurers, peerChain: context.source.peerChain,
            address: address(request, context),
            verifiedPerson: person,
            verifiedKey: try key(request, endpoint, context, person, bytes))
    }

    /// The peer's own, or the one that a portal names: anybody else's word for it counts for nothing.
    private func address(_ request: Request, _ context: CallContext) -> String {
        guard context.source.callers.contains(.portal), let forwarded = request.headers[.forwardedFor],
            forwarded.utf8.count <= 45,
            forwarded.utf8.allSatisfy({
                $0 == 0x2E || $0 == 0x3A || ($0 < 0x80 && Character(Unicode.Scalar($0)).isHexDigit)
            })
        else { return context.source.address }
        return forwarded
    }

    private func verify(_ request: Request, _ bytes: [UInt8]) throws {
        guard let callbacks else { throw Problem(.callerNotAllowed) }
        try callbacks.verify(
            id: request.headers[.webhookID], timestamp: request.headers[.webhookTimestamp],
            signature: request.headers[.webhookSignature], body: bytes, now: clock.now)
    }

    private func person(_ request: Request, _ roles: Set<Role>) async throws -> Person {
        guard let sessions, let field = request.headers[.authorization], field.hasPrefix("Bearer ") else {
            throw Problem(.sessionMissing)
        }
        let person = try await sessions.verify(String(field.dropFirst(7)))
        guard roles.contains(person.role) else { throw Problem(.notAllowed) }
        return person
    }

    private func decode<Body: Decodable>(
        _ type: Body.Type, _ request: Request, _ bytes: [UInt8], isPublic: Bool
    ) throws -> Body {
        if request.method == .get {
            return try QueryDecoder.decode(type, from: request.uri.query ?? "")
        }
        if type == Nothing.self, bytes.isEmpty, let nothing = Nothing() as? Body { return nothing }
        guard let media = request.headers[.contentType],
            media.hasPrefix("application/json") || media.lowercased().hasPrefix("application/json")
        else { throw Problem(.unsupportedMediaType) }
        return try StrictJSON.decode(type, from: bytes, rules: isPublic ? .publicAPI : .services)
    }

    private func key<API, ID, Body, Reply>(
        _ request: Request, _ endpoint: Endpoint<API, ID, Body, Reply>, _ context: CallContext, _ person: Person?,
        _ bytes: [UInt8]
    ) throws -> IdempotencyKey? {
        guard endpoint.isKeyed || endpoint.access.isSignedCallback else { return nil }
        let name: HTTPField.Name = endpoint.access.isSignedCallback ? .webhookID : .idempotencyKey
        guard let given = request.headers[name], (1...128).contains(given.utf8.count) else {
            throw Problem(.idempotencyKeyMissing)
        }
        let caller = person?.enterprise.text ?? names(of: context.source.callers)
        return IdempotencyKey(
            text: "\(caller) \(endpoint.method.rawValue) \(request.uri.path) \(given)", fingerprint: sha256(bytes).hex)
    }
}
