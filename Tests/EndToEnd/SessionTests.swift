import Contracts
import Cryptography
import Foundation
import Persistence
import ServiceRuntime
import Testing

@testable import Baohan

@Suite("Sessions")
struct SessionFlowTests {
    @Test("a refresh token brings a new token once; when an old one is used again the whole session ends")
    func refresh() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let session = try await Agent.logInByChallenge(bidder.sample, in: world).session
        #expect(session.expiresAt - Instant(milliseconds: 0) < session.refreshExpiresAt - Instant(milliseconds: 0))
        let second = try await world.auth.call(
            .refreshSession, RefreshSession(refreshToken: session.refreshToken))
        #expect(second.id == session.id && second.refreshToken != session.refreshToken)
        _ = try await world.orders.on(behalfOf: second).call(.lots, LotQuery())
        // A thief has the first one.
        await refused(.sessionRevoked) {
            try await world.auth.call(.refreshSession, RefreshSession(refreshToken: session.refreshToken))
        }
        await refused(.sessionRevoked) {
            try await world.auth.call(.refreshSession, RefreshSession(refreshToken: second.refreshToken))
        }
        try await endsEverywhere(second, in: world)
    }

    @Test("a session that began with a certificate goes on with that certificate only")
    func bound() async throws {
        let world = try await TestDeployment.world
        let (first, other) = (try await Given.bidder(in: world), try await Given.bidder(in: world))
        let own = try world.deployment.loginClient(with: first.sample.certificate)
        let foreign = try world.deployment.loginClient(with: other.sample.certificate)
        defer {
            own.shutDown()
            foreign.shutDown()
        }
        let next = try await own.call(
            .refreshBoundSession, RefreshSession(refreshToken: first.session.refreshToken))
        #expect(next.id == first.session.id)
        await refused(.sessionRevoked) {
            try await foreign.call(.refreshBoundSession, RefreshSession(refreshToken: next.refreshToken))
        }
        await refused(.sessionRevoked) {
            try await own.call(.refreshBoundSession, RefreshSession(refreshToken: next.refreshToken))
        }
    }

    @Test("one sees one's own sessions, ends one and ends all; every service refuses them within five seconds")
    func endings() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let other = try await Agent.logInByChallenge(bidder.sample, in: world).session
        let auth = world.auth.on(behalfOf: bidder.session)
        let listed = try await auth.call(.sessions).sessions
        #expect(Set(listed.map(\.id)) == [bidder.session.id, other.id])
        #expect(listed.first { $0.isCurrent }?.id == bidder.session.id)
        #expect(Set(listed.map(\.way)) == [.mutualTLS, .challenge])
        let stranger = try await Given.bidder(in: world)
        await refused(.notFound) {
            try await world.auth.on(behalfOf: stranger.session).call(.endSession, other.id)
        }
        #expect(try await auth.call(.endSession, other.id).sessions.map(\.id) == [bidder.session.id])
        try await endsEverywhere(other, in: world)
        _ = try await auth.call(.endAllSessions)
        try await endsEverywhere(bidder.session, in: world)
    }

    @Test("a certificate or an enterprise that is shut out is refused by every service within five seconds")
    func blocks() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let certificate = try Certificate.chain(pem: world.deployment.pki.read("\(bidder.sample.certificate).pem"))[0]
        let subjects: [(Block.Kind, String)] = [
            (.certificate, try certificate.fingerprint()), (.enterprise, bidder.sample.registered.creditCode.text),
        ]
        let lot = try await Given.lot(in: world)
        func handOff() async throws -> Session {
            // Logged in at the trading platform with the same key.
            try await Agent.handOff(
                bidder.sample, to: lot.id, certificate: try certificate.fingerprint(), in: world
            ).agent.session
        }
        for (kind, value) in subjects {
            let handedOff = try await handOff()
            let session = try await Agent.logIn(with: bidder.sample.certificate, in: world)
            func block(_ isBlocked: Bool) -> Block {
                Block(kind: kind, value: value, reason: reason, isBlocked: isBlocked)
            }
            let reason = try Words("钥匙遗失")
            try await world.auth.call(.block, block(true))
            await refused(.blocked) { try await Agent.logIn(with: bidder.sample.certificate, in: world) }
            await refused(.blocked) { try await handOff() }
            try await endsEverywhere(session, in: world)
            try await endsEverywhere(handedOff, in: world)
            try await world.auth.call(.block, block(false))
            _ = try await Agent.logIn(with: bidder.sample.certificate, in: world)
        }
    }

    /// Every service has to refuse the token within five seconds.
    private func endsEverywhere(_ session: Session, in world: World) async throws {
        let end = ContinuousClock.now + .seconds(5 * patience)
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await world.auth.on(behalfOf: session).call(.sessions) },
            { _ = try await world.orders.on(behalfOf: session).call(.lots, LotQuery()) },
            { _ = try await world.refunds.on(behalfOf: session).call(.refunds, OrderQuery(order: OrderID())) },
            { _ = try await world.invoices.on(behalfOf: session).call(.invoices, OrderQuery(order: OrderID())) },
        ]
        for call in calls {
            while true {
                do {
                    try await call()
                } catch let problem as Problem where problem.code == .sessionRevoked {
                    break
                }
                try #require(ContinuousClock.now < end, "the token is still taken")
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// A machine that does other things too is given more time; the product's rounds are two seconds.
    private var patience: Int { 3 }

    @Test("a flood of wrong signatures with somebody else's certificate stops the flooder, not the enterprise")
    func flood() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        func forge() async throws {
            let challenge = try await world.auth.call(.startChallenge)
            let forged = ChallengeAnswer(
                certificates: String(
                    decoding: try world.deployment.pki.read("\(bidder.sample.certificate).pem"), as: UTF8.self),
                signature: Base64.standard.encode(try PrivateKey.p256().sign(Array(challenge.text.utf8))))
            _ = try await world.auth.call(.answerChallenge, challenge.id, forged)
        }
        for _ in 0..<5 { await refused(.signatureInvalid) { try await forge() } }
        let refusal = await refused(.tooManyAttempts) { try await forge() }
        #expect(try #require(refusal?.retryAfter) > .zero)
        // Another certificate from the same address goes on.
        _ = try await Given.bidder(in: world)
    }

    @Test("session keys change while everything runs: old tokens go on until the old key is taken out")
    func keys() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let world = running.world
        let file = running.deployment.state.appendingPathComponent("pki/session.key")
        let before = try await Given.bidder(in: world)
        let old = try Data(contentsOf: file)
        try (Data(PrivateKey.p256().pem()) + old).write(to: file, options: .atomic)
        let end = ContinuousClock.now + .seconds(30)
        while try await world.auth.call(.keys).keys.count < 2 {
            try #require(ContinuousClock.now < end, "the new key is not published")
            try await Task.sleep(for: .milliseconds(100))
        }
        func header(_ session: Session) -> String { String(session.token.prefix { $0 != "." }) }
        // Every token is good on the way, whichever key signs it.
        while true {
            let after = try await Agent.logIn(with: before.sample.certificate, in: world)
            for session in [before.session, after] {
                _ = try await world.orders.on(behalfOf: session).call(.lots, LotQuery())
                _ = try await world.auth.on(behalfOf: session).call(.sessions)
            }
            if header(after) != header(before.session) { break }
            try #require(ContinuousClock.now < end + .seconds(30), "the new key does not sign")
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    @Test("every login, refusal and ending stands in a chain that baohan audit verify finds whole")
    func audit() async throws {
        let deployment = try await TestDeployment()
        defer { deployment.stop() }
        let bidder = try await Given.bidder(in: deployment.world)
        _ = try await deployment.world.auth.on(behalfOf: bidder.session).call(.endAllSessions)
        let file = deployment.deployment.database(of: "auth")
        let baohan = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("baohan").path
        let whole = try await run(baohan, ["audit", "verify", file])
        #expect(whole.status == 0 && whole.output.contains("records, whole"))
        deployment.processes.stop()
        try await Database(file, migrations: []).write { transaction in
            try transaction.execute("UPDATE audit SET result = 'x' WHERE number = 1")
        }
        let broken = try await run(baohan, ["audit", "verify", file])
        #expect(broken.status == 1 && broken.output.contains("record 1"))
    }
}
