import Contracts
import Cryptography
import Foundation
import NIOCore
import NIOPosix
import SecureTransport
import Testing

@testable import ServiceRuntime

@Suite("Callback signatures")
struct CallbackSignatureTests {
    let signature = CallbackSignature(keys: [Array("0123456789abcdef0123456789abcdef".utf8)])
    let now = Instant(milliseconds: 1_800_000_000_000)

    @Test("a signed body is accepted within five minutes, and after a change of keys")
    func accepted() throws {
        let signed = signature.sign(id: "msg_1", at: now, body: [1, 2])
        let rotated = CallbackSignature(keys: [randomBytes(32), Array("0123456789abcdef0123456789abcdef".utf8)])
        for verifier in [signature, rotated] {
            try verifier.verify(
                id: "msg_1", timestamp: "\(now.seconds)", signature: signed, body: [1, 2], now: now + .minutes(5))
            try verifier.verify(
                id: "msg_1", timestamp: "\(now.seconds)", signature: "v1,x \(signed)", body: [1, 2], now: now)
        }
    }

    @Test("another ID, time, body or key, and an old time, are refused")
    func refused() {
        let signed = signature.sign(id: "msg_1", at: now, body: [1, 2])
        let stamp = "\(now.seconds)"
        func code(_ id: String?, _ time: String?, _ text: String?, _ body: [UInt8], _ at: Instant) -> ProblemCode? {
            do {
                try signature.verify(id: id, timestamp: time, signature: text, body: body, now: at)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code("msg_2", stamp, signed, [1, 2], now) == .signatureInvalid)
        #expect(code("msg_1", "\(now.seconds + 1)", signed, [1, 2], now) == .signatureInvalid)
        #expect(code("msg_1", stamp, signed, [1, 3], now) == .signatureInvalid)
        #expect(code("msg_1", stamp, nil, [1, 2], now) == .signatureInvalid)
        #expect(code("msg_1", stamp, signed, [1, 2], now + .minutes(6)) == .replayed)
        #expect(code("msg_1", stamp, signed, [1, 2], now - .minutes(6)) == .replayed)
    }
}

@Suite("Sessions")
struct SessionTests {
    let now = ServiceClock().now
    let person: Person

    init() throws {
        person = Person(
            enterprise: EnterpriseID(), role: .bidder, standing: .holder, name: try Words("宏远"),
            creditCode: try UnifiedSocialCreditCode("91350100M000100Y43"), insurer: nil, session: SessionID())
    }

    @Test("a token says who is there until it expires, and a hundred at once fetch the keys once")
    func tokens() async throws {
        let issuer = try SessionIssuer(keys: [.p256()])
        let clock = ServiceClock()
        let fetches = Fetches()
        let verifier = SessionVerifier(clock: clock) {
            await fetches.count()
            return issuer.keySet
        }
        let token = try issuer.token(for: person, from: now, until: now + .minutes(5))
        let people = try await withThrowingTaskGroup(of: Person.self) { group in
            for _ in 0..<100 { group.addTask { try await verifier.verify(token) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(people.allSatisfy { $0 == person })
        #expect(await fetches.number == 1)
        clock.move(to: ClockOffset(milliseconds: 301_000))
        await #expect(throws: Problem(.sessionExpired)) { try await verifier.verify(token) }
    }

    private actor Fetches {
        private(set) var number = 0
        func count() { number += 1 }
    }

    @Test("RFC 8725: tokens that were made another way are refused", arguments: BadToken.allCases)
    func refused(_ bad: BadToken) async throws {
        let key = try PrivateKey.p256()
        let issuer = try SessionIssuer(keys: [key])
        let verifier = SessionVerifier(clock: ServiceClock()) { issuer.keySet }
        let token = try issuer.token(for: person, from: now, until: now + .minutes(5))
        #expect(try await verifier.verify(token) == person)
        let parts = token.split(separator: ".").map(String.init)
        func encoded(_ text: String) -> String { Base64.url.encode(Array(text.utf8)) }
        func decoded(_ part: String) -> String { String(decoding: Base64.url.decode(part) ?? [], as: UTF8.self) }
        func signed(_ header: String, _ payload: String) throws -> String {
            try JWS.sign(header: Array(header.utf8), payload: Array(payload.utf8), key: key)
        }
        let kid = issuer.keySet.keys[0].kid
        let forged: String
        switch bad {
        case .otherKey:
            forged = try SessionIssuer(keys: [.p256()]).token(for: person, from: now, until: now + .minutes(5))
        case .noAlgorithm: forged = encoded(#"{"alg":"none","typ":"JWT","kid":"\#(kid)"}"#) + ".\(parts[1])."
        // Signed by Auth's own key, so that nothing but the one thing is wrong.
        case .noneWithSignature: forged = try signed(#"{"alg":"none","typ":"JWT","kid":"\#(kid)"}"#, decoded(parts[1]))
        case .keyConfusion:
            // The public key, which everybody knows, as the secret of an HMAC.
            let input = encoded(#"{"alg":"HS256","typ":"JWT","kid":"\#(kid)"}"#) + "." + parts[1]
            let secret = Base64.url.decode(issuer.keySet.keys[0].x) ?? []
            forged = input + "." + Base64.url.encode(hmacSHA256(input.utf8, key: secret))
        case .changedClaims:
            forged = "\(parts[0]).\(encoded(decoded(parts[1]).replacing("bidder", with: "operator"))).\(parts[2])"
        case .unknownKeyID: forged = encoded(#"{"alg":"ES256","typ":"JWT","kid":"0"}"#) + ".\(parts[1]).\(parts[2])"
        case .otherType: forged = try signed(#"{"alg":"ES256","typ":"at+jwt","kid":"\#(kid)"}"#, decoded(parts[1]))
        case .otherAudience:
            forged = try signed(
                decoded(parts[0]), decoded(parts[1]).replacing(#""aud":"baohan""#, with: #""aud":"other""#))
        case .otherIssuer:
            forged = try signed(
                decoded(parts[0]), decoded(parts[1]).replacing(#""iss":"baohan-auth""#, with: #""iss":"other""#))
        case .keyInHeader:
            // A key of the attacker's choice, in the place where a careless reader would take it from.
            let own = try PrivateKey.p256()
            let (x, y) = try own.publicKey.coordinates()
            let header =
                #"{"alg":"ES256","typ":"JWT","kid":"own","jwk":{"kty":"EC","crv":"P-256","x":"\#(Base64.url.encode(x))","y":"\#(Base64.url.encode(y))"}}"#
            forged = try JWS.sign(header: Array(header.utf8), payload: Array(decoded(parts[1]).utf8), key: own)
        case .fromTheFuture: forged = try issuer.token(for: person, from: now + .minutes(1), until: now + .minutes(5))
        case .tooLong: forged = try issuer.token(for: person, from: now, until: now + .hours(1))
        case .noSignature: forged = "\(parts[0]).\(parts[1])."
        case .twoParts: forged = "\(parts[0]).\(parts[1])"
        case .paddedBase64: forged = "\(parts[0]).\(parts[1]).\(parts[2])=="
        case .oversized: forged = token + String(repeating: "A", count: 5_000)
        }
        await #expect(throws: Problem(.sessionInvalid)) { try await verifier.verify(forged) }
    }

    enum BadToken: CaseIterable {
        case otherKey, noAlgorithm, noneWithSignature, keyConfusion, changedClaims, unknownKeyID, otherType, keyInHeader
        case otherAudience, otherIssuer
        case fromTheFuture, tooLong, noSignature, twoParts, paddedBase64, oversized
    }

    @Test("keys are changed while tokens of the old one are about, and a key that was withdrawn is forgotten")
    func rotation() async throws {
        let (old, new) = (try PrivateKey.p256(), try PrivateKey.p256())
        let issuer = try SessionIssuer(keys: [old])
        let verifierClock = ServiceClock()
        let verifier = SessionVerifier(clock: verifierClock) { issuer.keySet }
        func header(_ token: String) -> String { String(token.prefix { $0 != "." }) }
        let before = try issuer.token(for: person, from: now, until: now + .minutes(5))
        #expect(try await verifier.verify(before) == person)
        try issuer.replace(with: [new, old], at: now)
        #expect(issuer.keySet.keys.count == 2)
        // Nobody may have heard of the new one yet.
        #expect(
            try issuer.token(for: person, from: now + .seconds(9), until: now + .minutes(5)).hasPrefix(header(before)))
        let after = try issuer.token(for: person, from: now + .seconds(10), until: now + .minutes(5))
        #expect(!after.hasPrefix(header(before)))
        verifierClock.move(to: ClockOffset(milliseconds: 10_000))
        try await verifier.refreshKeys()
        #expect(try await verifier.verify(before) == person)
        #expect(try await verifier.verify(after) == person)
        try issuer.replace(with: [new], at: now)
        try await verifier.refreshKeys()
        await #expect(throws: Problem(.sessionInvalid)) { try await verifier.verify(before) }
        #expect(try await verifier.verify(after) == person)
    }

    @Test("an ended session is refused, remembered token or not")
    func revoked() async throws {
        let issuer = try SessionIssuer(keys: [.p256()])
        let verifier = SessionVerifier(clock: ServiceClock()) { issuer.keySet }
        let token = try issuer.token(for: person, from: now, until: now + .minutes(5))
        #expect(try await verifier.verify(token) == person)
        verifier.setRevoked([person.session])
        await #expect(throws: Problem(.sessionRevoked)) { try await verifier.verify(token) }
    }
}

@Suite("Queries")
struct QueryTests {
    struct Query: Codable, Equatable {
        let text: String?
        let limit: Int?
        let flag: Bool?
    }

    @Test("a query is read into its fields")
    func read() throws {
        #expect(
            try QueryDecoder.decode(Query.self, from: "text=%E6%A0%87+%2B&limit=5&flag=true")
                == Query(text: "标 +", limit: 5, flag: true))
        #expect(try QueryDecoder.decode(Query.self, from: "") == Query(text: nil, limit: nil, flag: nil))
    }

    @Test(
        "unknown and repeated names, and wrong values, are refused",
        arguments: ["x=1", "limit=1&limit=2", "limit=a", "text=%zz", "text=%ff"])
    func refused(_ query: String) {
        #expect(throws: Problem.self) { try QueryDecoder.decode(Query.self, from: query) }
    }
}

/// A server that does to connections what a test wants, and a pool that calls it.
@Suite("Connection pool")
struct ConnectionPoolTests {
    /// Answers each request of a connection by its number; nil closes without an answer, empty text never answers.
    private final class Script: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let answer: @Sendable (Int) -> String?
        var requests = 0
        init(_ answer: @escaping @Sendable (Int) -> String?) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            requests += 1
            guard let text = answer(requests) else { return context.close(promise: nil) }
            guard !text.isEmpty else { return }
            let reply = "HTTP/1.1 200 OK\r\ncontent-length: \(text.utf8.count)\r\n\r\n\(text)"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply)), promise: nil)
        }
    }

    private func withPool(
        limits: ConnectionPool.Limits = ConnectionPool.Limits(), _ answer: @escaping @Sendable (Int) -> String?,
        _ work: (ConnectionPool) async throws -> Void
    ) async throws {
        let pki = try RuntimePKI()
        let server = try TLSContext(.server, pki.configuration)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TLSHandler(server))
                    try channel.pipeline.syncOperations.addHandler(Script(answer))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        let pool = ConnectionPool(
            Address(host: "127.0.0.1", port: channel.localAddress?.port ?? 0),
            context: try ReloadingTLSContext(.client, pki.configuration),
            expecting: .host("localhost"), limits: limits, group: MultiThreadedEventLoopGroup.singleton)
        try await work(pool)
        pool.shutDown()
        try await channel.close()
    }

    private func request(isRepeatable: Bool = true) -> ClientRequest {
        ClientRequest(
            head: .init(version: .http1_1, method: .GET, uri: "/", headers: ["host": "localhost"]), body: [],
            isRepeatable: isRepeatable)
    }

    private func failure(_ call: () async throws -> ClientReply) async -> ClientFailure? {
        do {
            _ = try await call()
            return nil
        } catch {
            return error as? ClientFailure
        }
    }

    @Test("a hundred calls share a few connections")
    func sharing() async throws {
        var limits = ConnectionPool.Limits()
        limits.connections = 4
        try await withPool(limits: limits, { "answer \($0)" }) { pool in
            let replies = try await withThrowingTaskGroup(of: ClientReply.self) { group in
                for _ in 0..<100 {
                    group.addTask { try await pool.execute(request(), deadline: .now() + .minutes(2)) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(replies.count == 100 && replies.allSatisfy { $0.status == 200 })
        }
    }

    @Test("a connection that died idle is replaced for what may be repeated, and for nothing else")
    func retries() async throws {
        try await withPool({ $0 == 1 ? "first" : nil }) { pool in
            let deadline = NIODeadline.now() + .minutes(2)
            _ = try await pool.execute(request(), deadline: deadline)
            // The second request on the connection kills it; a new connection answers its first.
            #expect(try await pool.execute(request(), deadline: deadline).status == 200)
            #expect(
                await failure { try await pool.execute(request(isRepeatable: false), deadline: deadline) }
                    == .closedBeforeAnswer)
            // A new connection that dies is nobody's accident of idling.
        }
        try await withPool({ _ in nil }) { pool in
            #expect(
                await failure { try await pool.execute(request(), deadline: .now() + .minutes(2)) }
                    == .closedBeforeAnswer)
        }
    }

    @Test("a call ends at its deadline, one more than may wait is refused, and places come back")
    func bounds() async throws {
        var limits = ConnectionPool.Limits()
        limits.connections = 1
        limits.waiting = 1
        try await withPool(limits: limits, { $0 == 1 ? "" : "late" }) { pool in
            async let first = failure { try await pool.execute(request(), deadline: .now() + .seconds(3)) }
            while pool.load.connections < 1 { await Task.yield() }
            async let second = failure { try await pool.execute(request(), deadline: .now() + .seconds(2)) }
            while pool.load.waiting < 1 { await Task.yield() }
            #expect(await failure { try await pool.execute(request(), deadline: .now() + .seconds(5)) } == .overloaded)
            #expect(await second == .deadline)
            #expect(await first == .deadline)
            // Every connection of this server leaves its first request unanswered, but the place is free again.
            #expect(
                await failure { try await pool.execute(request(), deadline: .now() + .milliseconds(200)) } == .deadline)
        }
    }

    @Test("nobody listens: the failure says so, again and again")
    func nobody() async throws {
        let pki = try RuntimePKI()
        let pool = ConnectionPool(
            Address(host: "127.0.0.1", port: 1), context: try ReloadingTLSContext(.client, pki.configuration),
            expecting: .host("localhost"), group: MultiThreadedEventLoopGroup.singleton)
        for _ in 0..<100 {
            guard case .connect = await failure({ try await pool.execute(request(), deadline: .now() + .seconds(5)) })
            else {
                Issue.record("connected to nobody")
                return
            }
        }
    }
}

/// One identity that serves both ends.
private final class RuntimePKI {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("runtime-\(UUID().uuidString)")
    let configuration: TLSConfiguration

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let now = Int64(Date().timeIntervalSince1970)
        let authority = try CertificateAuthority(name: "root", notBefore: now - 60, notAfter: now + 3_600)
        let key = try PrivateKey.p256()
        var request = CertificateAuthority.Request(
            subject: [("CN", "both")], notBefore: now - 60, notAfter: now + 3_600)
        request.alternativeNames = ["DNS:localhost"]
        let files = ["root.pem", "both.pem", "both.key"].map { [folder] in folder.appendingPathComponent($0) }
        try Data(authority.certificate.pem()).write(to: files[0])
        try Data(authority.issue(request, for: key.publicKey).pem()).write(to: files[1])
        try Data(key.pem()).write(to: files[2])
        configuration = TLSConfiguration(
            identity: .init(certificateChainFile: files[1].path, privateKeyFile: files[2].path),
            trustRootsFile: files[0].path, clientCertificates: .required)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
}
