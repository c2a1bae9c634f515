import Contracts
import Foundation
import ServiceRuntime
import Testing

@testable import Baohan

/// What runs out, on clocks that are moved.
@Suite("What runs out")
struct TimeTests {
    @Test(
        "A1 A7: challenges and captchas after two minutes, SMS codes after five, tokens after five, sessions after thirty minutes without a sign of life and after ten hours with it"
    )
    func ends() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let world = running.world
        let start = try await world.now()
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let ready = try await bidder.submit(try await bidder.saveDraft(try await bidder.order(for: lot.id)))

        let challenge = try await world.auth.call(.startChallenge)
        let captcha = try await bidder.captcha()
        let consent = try await bidder.consent()
        let (code, digits) = try await bidder.verifiedCode()
        try await world.advance(by: .seconds(121))
        await refused(.challengeUnknown) {
            try await Agent.answer(challenge, with: bidder.sample.certificate, in: world)
        }
        await refused(.captchaWrong) { try await bidder.askCode(captcha, answer: captcha.sandboxAnswer ?? "") }
        // The token lives five minutes, of which a busy machine has used some.
        let left = start + .seconds(280) - (try await world.now())
        if left > .zero {
            try await world.advance(by: left)
            _ = try await bidder.order(ready.id)
        }
        try await world.advance(by: .minutes(3))
        await refused(.sessionExpired) { try await bidder.order(ready.id) }
        let again = try await Agent.logIn(bidder.sample, in: world)
        await refused(.smsCodeWrong) {
            try await world.orders.on(behalfOf: again.session).call(
                .insure, ready.id,
                Insure(version: ready.version, consent: consent.id, smsCode: code.id, code: digits), key: Agent.key())
        }

        var session = try await Agent.logInByChallenge(bidder.sample, in: world).session
        let began = try await world.now()
        try await world.advance(by: .minutes(29))
        session = try await world.auth.call(.refreshSession, RefreshSession(refreshToken: session.refreshToken))
        let idle = session
        try await world.advance(by: .minutes(31))
        await refused(.sessionRevoked) {
            try await world.auth.call(.refreshSession, RefreshSession(refreshToken: idle.refreshToken))
        }
        session = try await Agent.logInByChallenge(bidder.sample, in: world).session
        let second = try await world.now()
        #expect(second - began > .minutes(59))
        for _ in 0..<23 {
            try await world.advance(by: .minutes(26))
            session = try await world.auth.call(.refreshSession, RefreshSession(refreshToken: session.refreshToken))
        }
        #expect(try await world.now() - second < .hours(10))
        try await world.advance(by: .minutes(26))
        await refused(.sessionRevoked) {
            try await world.auth.call(.refreshSession, RefreshSession(refreshToken: session.refreshToken))
        }
    }

    @Test(
        "A1: a certificate says sixty days before its end that it ends, and one at an address is refused after sixty failures there"
    )
    func warningsAndLimits() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let world = running.world
        for (days, warning) in [(62, nil), (60, 60), (30, 30), (7, 7), (1, 1)] as [(Int, Int?)] {
            let sample = try Given.newBidder(named: "到期")
            try world.deployment.pki.issueCALock(
                sample.certificate, name: sample.registered.name, creditCode: sample.registered.creditCode, key: .p256()
            ) { $0.notAfter = Int64(Date().timeIntervalSince1970) + Int64(days) * 86_400 + 600 }
            #expect(
                try await Agent.logIn(with: sample.certificate, in: world).certificateExpiresInDays == warning)
        }
        var answer: ProblemCode?
        // Twice sixty: the window may end in between.
        for _ in 0..<125 where answer != .tooManyAttempts {
            do {
                _ = try await world.auth.call(.handOff, HandOff(ticket: "a.b.c"))
            } catch let problem as Problem {
                answer = problem.code
                #expect(problem.code != .tooManyAttempts || problem.retryAfter != nil)
            }
        }
        #expect(answer == .tooManyAttempts)
        // The window is over after five minutes.
        try await world.advance(by: .minutes(5))
        await refused(.ticketInvalid) { try await world.auth.call(.handOff, HandOff(ticket: "a.b.c")) }
    }
}
