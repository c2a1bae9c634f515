import Contracts
import Foundation
import NIOCore
import NIOPosix
import Persistence
import Testing

@testable import Baohan

@Suite("Connections and bad requests")
struct ConnectionTests {
    private struct Answer {
        let status: Int
        let headers: String
        let body: String
        var code: String? {
            body.split(separator: "\"code\":\"").dropFirst().first?.split(separator: "\"").first.map(String.init)
        }
    }

    private func curl(
        _ world: World, _ service: String, _ path: String, as certificate: String? = "tool", _ more: [String] = []
    ) async throws -> Answer {
        let pki = world.deployment.pki
        var arguments = ["-s", "-i", "--max-time", "20", "--cacert", pki.path("root.pem")]
        if let certificate {
            arguments += ["--cert", pki.path("\(certificate).pem"), "--key", pki.path("\(certificate).key")]
        }
        let result = try await run(
            "curl", arguments + more + ["https://localhost:\(world.deployment.port(service))\(path)"])
        let parts = result.output.components(separatedBy: "\r\n\r\n").filter { !$0.hasPrefix("HTTP/1.1 100") }
        let status = parts.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Answer(
            status: status, headers: parts.first?.lowercased() ?? "",
            body: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }

    @Test(
        "curl with a certificate of the deployment reaches each service, and without one none",
        arguments: LocalDeployment.services.filter { $0 != "portal" })
    func certificates(_ service: String) async throws {
        let world = try await TestDeployment.world
        let ready = try await curl(world, service, "/readyz")
        #expect(ready.status == 200 && ready.body.contains("\"status\":\"ready\""))
        #expect(try await curl(world, service, "/livez").status == 200)
        #expect(try await curl(world, service, "/readyz", as: nil).status == 0)
        // A bidder's certificate comes from another authority.
        #expect(try await curl(world, service, "/readyz", as: "bidder-1").status == 0)
    }

    @Test("openssl s_client reaches a service with both versions", arguments: ["-tls1_2", "-tls1_3"])
    func opensslClient(_ version: String) async throws {
        let world = try await TestDeployment.world
        let pki = world.deployment.pki
        let command =
            "printf 'GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -quiet -connect localhost:\(world.deployment.port("order")) \(version) -verify_return_error -CAfile \(pki.path("root.pem")) -cert \(pki.path("tool.pem")) -key \(pki.path("tool.key"))"
        let result = try await run("sh", ["-c", command])
        #expect(result.output.contains("HTTP/1.1 200 OK") && result.output.contains("alive"), "\(result.output)")
    }

    /// Sends bytes as they are through `openssl s_client`.
    private func raw(_ world: World, _ text: String) async throws -> String {
        let pki = world.deployment.pki
        let options = [
            "-quiet", "-connect", "localhost:\(world.deployment.port("order"))", "-CAfile", pki.path("root.pem"),
            "-cert",
            pki.path("tool.pem"), "-key", pki.path("tool.key"),
        ]
        return try await run("sh", ["-c", "printf '\(text)' | openssl s_client \(options.joined(separator: " "))"])
            .output
    }

    @Test("requests sent ahead are answered in order, a body in pieces is one body, and what is not HTTP is told so")
    func rawRequests() async throws {
        let world = try await TestDeployment.world
        let end = #"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"#
        let ahead = try await raw(
            world, #"GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /v1/lots HTTP/1.1\r\nHost: a\r\n\r\n"# + end)
        let statuses = ahead.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0.prefix(3)) }
        #expect(statuses == ["200", "401", "200"], "\(ahead)")
        let head = #"POST /v1/policy-verification HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"#
        let pieces = #"Transfer-Encoding: chunked\r\n\r\n5\r\n{"num\r\n16\r\nber":"x","code":"yyy"}\r\n0\r\n\r\n"#
        #expect(try await raw(world, head + pieces + end).contains("HTTP/1.1 404 Not Found"))
        for text in [head + #"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"#, #"GARBAGE\r\n\r\n"#] {
            #expect(try await raw(world, text).contains("malformed_request"))
        }
    }

    @Test("a certificate of the wrong service gets 403 with its code, and an audit record")
    func wrongCaller() async throws {
        let world = try await TestDeployment.world
        for _ in 1...3 {
            let answer = try await curl(world, "order", "/v1/lots", as: "invoice")
            #expect(answer.status == 403 && answer.code == "caller_not_allowed")
        }
        let records = try await audit(world, "order", "event = 'caller_refused' AND subject = 'GET /v1/lots'")
        // One for each minute, however often it is tried.
        #expect((1...2).contains(records.count))
        #expect(records.allSatisfy { $0.hasPrefix("invoice caller_not_allowed 127.0.0.0/24 ") && $0.count > 90 })
        let callback = try await curl(world, "payment", "/v1/callbacks/bank", ["-X", "POST", "-d", "{}"])
        #expect(callback.status == 403)
    }

    @Test("what staff and the operator's tool do is recorded, done or refused")
    func privilegedCalls() async throws {
        let world = try await TestDeployment.world
        _ = try await world.payments.call(.trialBalance)
        let read = try await audit(world, "payment", "subject = 'GET /v1/ledger/trial-balance'")
        #expect(read.contains { $0.hasPrefix("tool done ") })
        let insurer = try await Given.preparedBidder(in: world).providers()[0].insurers[0].id
        let underwriter = try await Agent.logIn(with: "underwriter-\(insurer)", in: world)
        let desk = world.orders.on(behalfOf: underwriter)
        _ = try await desk.call(.underwritingCases)
        let order = OrderID()
        await refused(.notFound) {
            try await desk.call(
                .decideUnderwriting, order, DecideUnderwriting(verdict: .approve, note: nil), key: Agent.key())
        }
        let actor = underwriter.enterprise.text
        let calls = try await audit(world, "order", "event = 'privileged_call' AND actor = '\(actor)'")
        #expect(calls.contains { $0.hasPrefix("\(actor) done ") })
        let decided = try await audit(world, "order", "subject LIKE '%\(order.text)%'")
        #expect(decided.map { $0.hasPrefix("\(actor) not_found ") } == [true])
    }

    /// The records of one service's audit trail: actor, result, origin, certificate.
    private func audit(_ world: World, _ service: String, _ condition: String) async throws -> [String] {
        return try await Database(reading: world.deployment.database(of: service)).read { transaction in
            try transaction.rows("SELECT actor, result, origin, certificate FROM audit WHERE \(condition)").map { row in
                let fields: [String?] = [
                    try row["actor"], try row["result"], try row["origin"], try row["certificate"],
                ]
                return fields.map { $0 ?? "-" }.joined(separator: " ")
            }
        }
    }

    @Test("a callback with the right certificate and no signature, or an old one, is refused")
    func callbackSignatures() async throws {
        let world = try await TestDeployment.world
        let body = ["-X", "POST", "-H", "content-type: application/json", "-d", "{}"]
        let unsigned = try await curl(world, "payment", "/v1/callbacks/bank", as: "sandbox", body)
        #expect(unsigned.status == 401 && unsigned.code == "signature_invalid")
        let forged = try await curl(
            world, "payment", "/v1/callbacks/bank", as: "sandbox",
            body + [
                "-H", "webhook-id: msg_1", "-H", "webhook-timestamp: \(Int(Date().timeIntervalSince1970))", "-H",
                "webhook-signature: v1,AAAA",
            ])
        #expect(forged.status == 401 && forged.code == "signature_invalid")
    }

    @Test("without a session, with a broken one, and with a foreign one: 401 with its code")
    func sessions() async throws {
        let world = try await TestDeployment.world
        #expect(try await curl(world, "order", "/v1/orders").code == "session_missing")
        for token in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            let answer = try await curl(world, "order", "/v1/orders", ["-H", "authorization: Bearer \(token)"])
            #expect(answer.status == 401 && answer.code == "session_invalid")
        }
    }

    struct BadRequest: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let body: String
        var headers = ["content-type: application/json", "idempotency-key: k1"]
        let status: Int
        let code: String
    }

    static let badRequestCases = [
        BadRequest(testDescription: "malformed JSON", body: #"{"lot":"#, status: 400, code: "malformed_json"),
        BadRequest(testDescription: "trailing comma", body: #"{"lot":"a",}"#, status: 400, code: "malformed_json"),
        BadRequest(
            testDescription: "duplicate key", body: #"{"lot":"a","lot":"b"}"#, status: 400, code: "malformed_json"),
        BadRequest(
            testDescription: "missing field", body: #"{"lot":"lot_00000000000000000000000000"}"#, status: 422,
            code: "invalid_field"),
        BadRequest(
            testDescription: "wrong type", body: #"{"lot":1,"provider":"x"}"#, status: 422, code: "invalid_field"),
        BadRequest(
            testDescription: "wrong kind of identifier",
            body: #"{"lot":"ord_00000000000000000000000000","provider":"x"}"#, status: 422, code: "invalid_field"),
        BadRequest(
            testDescription: "unknown field",
            body: #"{"lot":"lot_00000000000000000000000000","provider":"x","price":1}"#, status: 422,
            code: "unknown_field"),
        BadRequest(
            testDescription: "no key", body: "{}", headers: ["content-type: application/json"], status: 422,
            code: "invalid_field"),
        BadRequest(
            testDescription: "not JSON", body: "lot=1", headers: ["content-type: text/plain", "idempotency-key: k1"],
            status: 415, code: "unsupported_media_type"),
    ]

    @Test("bad requests get their code and sentence, and nothing is stored", arguments: badRequestCases)
    func badRequests(_ row: BadRequest) async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let arguments =
            ["-X", "POST", "-d", row.body, "-H", "authorization: Bearer \(bidder.session.token)"]
            + row.headers.flatMap { ["-H", $0] }
        let answer = try await curl(world, "order", "/v1/orders", arguments)
        #expect(answer.status == row.status && answer.code == row.code, "\(answer)")
        #expect(answer.headers.contains("content-type: application/problem+json"))
        #expect(answer.body.contains("\"title\":\"") && answer.body.contains("\"instance\":\""))
        let orders = world.orders.on(behalfOf: bidder.session)
        #expect(try await orders.call(.orders, PageQuery(cursor: nil, limit: nil)).items.isEmpty)
    }

    @Test("an idempotency key is demanded, and a sentence comes in the caller's language")
    func keysAndLanguages() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let body = #"{"lot":"lot_00000000000000000000000000","provider":"x"}"#
        let common = [
            "-X", "POST", "-d", body, "-H", "content-type: application/json", "-H",
            "authorization: Bearer \(bidder.session.token)",
        ]
        let chinese = try await curl(world, "order", "/v1/orders", common)
        #expect(chinese.code == "idempotency_key_missing" && chinese.body.contains("缺少"))
        let english = try await curl(world, "order", "/v1/orders", common + ["-H", "accept-language: en-GB,en;q=0.9"])
        #expect(english.body.contains("is missing"))
    }

    @Test("a number where money must be a string is refused with the field")
    func moneyAsNumber() async throws {
        let world = try await TestDeployment.world
        let account = #"{"name":"a","number":"12345678","bank":"b"}"#
        let answer = try await curl(
            world, "sandbox", "/sandbox/v1/transfers",
            [
                "-X", "POST", "-H", "content-type: application/json", "-d",
                #"{"from":\#(account),"isBasicAccount":true,"reference":"x","amount":200.00}"#,
            ])
        #expect(answer.status == 422 && answer.code == "invalid_field" && answer.body.contains("/amount"))
    }

    @Test("a body over the limit is refused, and so is an unknown route and method")
    func limits() async throws {
        let world = try await TestDeployment.world
        let file = world.deployment.state.appendingPathComponent("large-\(UUID().uuidString)")
        try Data(repeating: 0x20, count: 2 * 1_024 * 1_024).write(to: file)
        let large = try await curl(
            world, "order", "/v1/orders",
            ["-X", "POST", "-H", "content-type: application/json", "--data-binary", "@\(file.path)"])
        #expect(large.status == 413 && large.code == "body_too_large")
        let nowhere = try await curl(world, "order", "/v1/nowhere")
        #expect(nowhere.status == 404 && nowhere.code == "not_found")
        #expect(try await curl(world, "order", "/livez", ["-X", "DELETE"]).status >= 400)
    }

    @Test("request IDs are taken over and given back, and a strange one is replaced")
    func requestIDs() async throws {
        let world = try await TestDeployment.world
        let kept = try await curl(world, "order", "/livez", ["-H", "x-request-id: abc-12345678"])
        #expect(kept.headers.contains("x-request-id: abc-12345678"))
        let replaced = try await curl(world, "order", "/livez", ["-H", "x-request-id: a b"])
        #expect(replaced.headers.contains("x-request-id: ") && !replaced.headers.contains("a b"))
    }

    @Test("no executable carries another TLS library", arguments: LocalDeployment.services + ["baohan"])
    func linkedSymbols(_ executable: String) async throws {
        let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let path = folder.appendingPathComponent(executable).path
        let symbols = try await run("sh", ["-c", "nm \(path) | grep -cE 'BoringSSL|NIOSSL|CCrypto|[0-9]Crypto[0-9]'"])
        #expect(symbols.output.trimmingCharacters(in: .whitespacesAndNewlines) == "0")
        let libraries = try await run("ldd", [path])
        #expect(libraries.output.contains("libssl.so.3") && libraries.output.contains("libcrypto.so.3"))
    }

    @Test("no personal data stand in any log")
    func logs() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        _ = try? await bidder.policyFile(order.id)
        let secrets = [
            bidder.sample.handler.mobile.text, bidder.sample.handler.citizenID.text,
            bidder.sample.registered.basicAccount.number.text,
            bidder.session.token,
        ]
        for service in LocalDeployment.services {
            let log = try String(
                contentsOf: world.deployment.logs.appendingPathComponent("\(service).log"), encoding: .utf8)
            for secret in secrets { #expect(!log.contains(secret), "\(service)") }
        }
    }

    @Test("400 connections that never end their handshake are shut out, and nobody else waits for them")
    func slowSockets() async throws {
        let world = try await TestDeployment.world
        let port = world.deployment.port("invoice")
        var slow: [any Channel] = []
        for _ in 0..<400 {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(
                host: "127.0.0.1", port: port
            ).get()
            try await channel.writeAndFlush(ByteBuffer(bytes: [0x16, 3, 1, 2, 0, 1]))
            slow.append(channel)
        }
        for _ in 0..<100 { _ = try await world.invoices.call(.ready) }
        // The server's limit is ten seconds.
        for channel in slow { try await channel.closeFuture.get() }
    }

    @Test("baohan pki rotate changes the root and every certificate while calls go on, and the old root ends")
    func rotation() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let deployment = running.deployment
        let before = try deployment.pki.read("root.pem")
        let oldTool = (certificate: try deployment.pki.read("tool.pem"), key: try deployment.pki.read("tool.key"))
        let over = End()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var calls = 0
                    while await !over.isReached {
                        // New connections all the time, with the files of the moment.
                        let client = try deployment.client(AuthAPI.self)
                        defer { client.shutDown() }
                        _ = try await client.call(.ready)
                        calls += 1
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    return calls
                }
            }
            try await deployment.pki.rotate { _ in try await Task.sleep(for: .seconds(6)) }
            try await Task.sleep(for: .seconds(4))
            await over.reach()
            for try await calls in group { #expect(calls > 0) }
        }
        #expect(try deployment.pki.read("root.pem") != before)
        // Between the services too: a login, and a call on which Auth calls the trading centre.
        let bidder = try await Given.bidder(in: try World(deployment))
        _ = try await bidder.synchronise()
        let folder = deployment.state
        try Data(oldTool.certificate).write(to: folder.appendingPathComponent("pki/old.pem"))
        try Data(oldTool.key).write(to: folder.appendingPathComponent("pki/old.key"))
        let end = ContinuousClock.now + .seconds(30)
        while true {
            let old = try deployment.client(AuthAPI.self, as: "old")
            defer { old.shutDown() }
            do {
                _ = try await old.call(.ready)
            } catch let problem as Problem where problem.code == .unavailable {
                break
            }
            try #require(ContinuousClock.now < end, "a certificate of the old root is still taken")
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}

/// Tells others to stop.
private actor End {
    private(set) var isReached = false
    func reach() { isReached = true }
}
