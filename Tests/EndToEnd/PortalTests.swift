import Contracts
import Cryptography
import Foundation
import Testing

@testable import Baohan

@Suite("The portal")
struct PortalTests {
    /// The script that drives the browser lies beside the tests.
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Browser/login.py").standardizedFileURL.path
    /// A browser without a screen is told by a managed policy which certificate to show, and only root may set one.
    private static let mayDrive = getuid() == 0

    @Test(
        "A1: a browser logs in by the key agent with each kind of key, and by its own certificate",
        .enabled(if: mayDrive))
    func browser() async throws {
        let world = try await TestDeployment.world
        let deployment = world.deployment
        let result = try await run(
            "/usr/bin/python3",
            [
                Self.script, deployment.pki.folder.path, deployment.portalAddress,
                "https://localhost:\(deployment.port("login"))",
                deployment.state.appendingPathComponent("pictures").path,
            ])
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.split(separator: "\n").filter { $0.hasPrefix("done:") }.count == 4, "\(result.output)")
    }

    private func curl(_ world: World, _ arguments: [String]) async throws -> String {
        try await run(
            "curl", ["-s", "-i", "--cacert", world.deployment.pki.path("root.pem")] + arguments
        ).output
    }

    @Test("forms of other sites, and forms without a browser of ours, are refused")
    func foreignForms() async throws {
        let world = try await TestDeployment.world
        let portal = world.deployment.portalAddress
        let page = try await curl(world, ["\(portal)/login"])
        let field = try #require(page.split(whereSeparator: \.isNewline).first { $0.hasPrefix("set-cookie: ") })
        let cookie = String(field.dropFirst(12).prefix { $0 != ";" })
        let token = String(try #require(page.split(separator: "\"").first { $0.count == 64 }))
        func challenge(_ token: String, cookie: String?, origin: String) async throws -> String {
            try await curl(
                world,
                ["-H", "Origin: \(origin)", "-H", "Content-Type: application/json", "-d", "{\"token\":\"\(token)\"}"]
                    + (cookie.map { ["-H", "Cookie: \($0)"] } ?? []) + ["\(portal)/login/challenge"])
        }
        #expect(try await challenge(token, cookie: cookie, origin: portal).contains("origin: \(portal)"))
        #expect(try await challenge(token, cookie: cookie, origin: "https://evil.example").contains("403"))
        #expect(try await challenge(token, cookie: nil, origin: portal).contains("403"))
        #expect(
            try await challenge(token.dropLast() + "x", cookie: cookie, origin: portal).contains("403"))
    }

    @Test("a login code is good once, for the portal that asked, and no cookie of another making opens anything")
    func loginCodes() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let deployment = world.deployment
        let portal = try deployment.client(AuthAPI.self, as: "portal")
        defer { portal.shutDown() }
        let verifier = "a verifier of the test"
        func code() async throws -> String {
            let answer = try await run(
                "curl",
                [
                    "-s", "-o", "/dev/null", "-w", "%{redirect_url}", "--cacert", deployment.pki.path("root.pem"),
                    "--cert", deployment.pki.path("\(bidder.sample.certificate).pem"), "--key",
                    deployment.pki.path("\(bidder.sample.certificate).key"),
                    "https://localhost:\(deployment.port("login"))/v1/browser-logins?challenge=\(sha256(verifier.utf8).hex)",
                ]
            ).output
            #expect(answer.hasPrefix("\(deployment.portalAddress)/login/done?code="))
            return try #require(answer.split(separator: "=").last.map(String.init))
        }
        let first = try await code()
        await refused(.challengeUnknown) {
            try await portal.call(.exchangeLoginCode, ExchangeLoginCode(code: first, verifier: "another's"))
        }
        // Shown with a wrong verifier it is used up.
        await refused(.challengeUnknown) {
            try await portal.call(.exchangeLoginCode, ExchangeLoginCode(code: first, verifier: verifier))
        }
        let second = try await code()
        let session = try await portal.call(.exchangeLoginCode, ExchangeLoginCode(code: second, verifier: verifier))
        #expect(session.enterprise == bidder.session.enterprise)
        await refused(.challengeUnknown) {
            try await portal.call(.exchangeLoginCode, ExchangeLoginCode(code: second, verifier: verifier))
        }
        await refused(.callerNotAllowed) {
            try await world.auth.call(.exchangeLoginCode, ExchangeLoginCode(code: second, verifier: verifier))
        }
        let forged = try SealingKey.random().seal(Array("{}".utf8), context: "__Host-baohan")
        let page = try await curl(
            world, ["-H", "Cookie: __Host-baohan=\(Base64.url.encode(forged))", "\(deployment.portalAddress)/"])
        #expect(page.contains("303") && page.contains("/login?refused=session_missing"))
    }
}

@Suite("The key agent")
struct KeyAgentTests {
    /// A deployment of its own: a locked key stays locked.
    @Test("five wrong PINs lock a key, over a restart too; texts for other pages and pages not on the list are refused")
    func locking() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let deployment = running.deployment
        let agent = "https://127.0.0.1:\(deployment.port("agent"))"
        let portal = deployment.portalAddress
        func ask(_ path: String, _ body: String?, origin: String?) async throws -> String {
            try await run(
                "curl",
                ["-s", "--cacert", deployment.pki.path("root.pem")] + (origin.map { ["-H", "Origin: \($0)"] } ?? [])
                    + (body.map { ["-H", "Content-Type: application/json", "-d", $0] } ?? []) + [agent + path]
            ).output
        }
        for origin in ["https://evil.example", "null", nil] {
            #expect(try await ask("/v1/certificates", nil, origin: origin).contains("caller_not_allowed"))
        }
        let certificate = try Certificate.chain(pem: deployment.pki.read("bidder-1.pem"))[0]
        let id = try certificate.fingerprint()
        #expect(try await ask("/v1/certificates", nil, origin: portal).contains(id))
        func sign(_ pin: String, origin line: String) async throws -> String {
            try await ask(
                "/v1/signatures", #"{"certificate":"\#(id)","pin":"\#(pin)","text":"Login\norigin: \#(line)"}"#,
                origin: portal)
        }
        #expect(try await sign("123456", origin: portal).contains("signature"))
        // What another page got from us is not signed for this one.
        #expect(try await sign("123456", origin: "https://evil.example").contains("invalid_field"))
        for _ in 0..<4 { #expect(try await sign("654321", origin: portal).contains("pin_wrong")) }
        // The right one in time begins the count anew.
        #expect(try await sign("123456", origin: portal).contains("signature"))
        for _ in 0..<5 { #expect(try await sign("654321", origin: portal).contains("pin_wrong")) }
        #expect(try await sign("123456", origin: portal).contains("key_locked"))
        running.processes.kill("sandbox")
        try running.processes.launch("sandbox")
        try await running.processes.waitUntilReady()
        #expect(try await sign("123456", origin: portal).contains("key_locked"))
        #expect(try await ask("/v1/certificates", nil, origin: portal).contains(#""triesLeft":0,"isLocked":true"#))
    }
}
