import Contracts
import Cryptography
import Foundation
import Persistence
import ServiceRuntime
import Testing

@testable import Baohan

@Suite("A1–A7. Applying")
struct ApplyingTests {
    // MARK: A1, A2

    @Test("A1: the CA certificate logs in by mutual TLS and by a signed challenge, into the same enterprise")
    func certificateLogin() async throws {
        let world = try await TestDeployment.world
        let byTLS = try await Given.bidder(in: world)
        let byChallenge = try await Agent.logInByChallenge(byTLS.sample, in: world)
        #expect(byTLS.session.enterprise == byChallenge.session.enterprise)
        #expect(byTLS.session.creditCode == byTLS.sample.registered.creditCode && byTLS.session.role == .bidder)
    }

    @Test("A1: an RSA certificate logs in both ways")
    func rsaLogin() async throws {
        let world = try await TestDeployment.world
        let rsa = try SampleBidder.all()[1]
        let (first, second) = (try await Agent.logIn(rsa, in: world), try await Agent.logInByChallenge(rsa, in: world))
        #expect(first.session.enterprise == second.session.enterprise)
    }

    @Test("A1: SM2 certificates log in by raw and CMS signatures, into the enterprise that an older certificate opened")
    func nationalLogin() async throws {
        let world = try await TestDeployment.world
        let sample = try SampleBidder.all()[0]
        let first = try await Agent.logIn(sample, in: world)
        let pki = world.deployment.pki
        let certificate = "\(sample.certificate)-sm2"
        let byRaw = try await Agent.answer(
            try await world.auth.call(.startChallenge), with: certificate, in: world)
        #expect(byRaw.enterprise == first.session.enterprise)
        let key = try PrivateKey(pem: pki.read("\(certificate).key"))
        let chain = try Certificate.chain(pem: pki.read("\(certificate).pem"))
        for isAttached in [true, false] {
            let challenge = try await world.auth.call(.startChallenge)
            func answer(_ text: String) throws -> ChallengeAnswer {
                ChallengeAnswer(
                    form: .cms,
                    signature: Base64.standard.encode(
                        try SignedMessage.sign(Array(text.utf8), chain: chain, key: key, isAttached: isAttached)))
            }
            let session = try await world.auth.call(.answerChallenge, challenge.id, answer(challenge.text))
            #expect(session.enterprise == first.session.enterprise)
            let other = try await world.auth.call(.startChallenge)
            await refused(.signatureInvalid) {
                try await world.auth.call(.answerChallenge, other.id, answer(challenge.text))
            }
        }
    }

    @Test("A1: every algorithm logs in by a raw signature")
    func algorithms() async throws {
        let world = try await TestDeployment.world
        let pki = world.deployment.pki
        let families: [(ChallengeAnswer.Algorithm, SignatureAlgorithm, PrivateKey)] = [
            (.rsaSHA256, .rsa(.sha256), try .rsa()), (.rsaPSSSHA256, .rsaPSS(.sha256), try .rsa()),
            (.ecdsaSHA256, .ecdsa(.sha256), try .p256()), (.ecdsaSHA384, .ecdsa(.sha384), try .p384()),
            (.sm2SM3, .sm2, try .sm2()), (.ed25519, .ed25519, try .ed25519()),
        ]
        for (name, algorithm, key) in families {
            let sample = try Given.newBidder(named: "算法公司")
            try pki.issueCALock(
                sample.certificate, name: sample.registered.name, creditCode: sample.registered.creditCode, key: key)
            let pem = String(decoding: try pki.read("\(sample.certificate).pem"), as: UTF8.self)
            let challenge = try await world.auth.call(.startChallenge)
            let signature = try key.sign(Array(challenge.text.utf8), by: algorithm)
            let session = try await world.auth.call(
                .answerChallenge, challenge.id,
                ChallengeAnswer(
                    algorithm: name, certificates: pem, signature: Base64.standard.encode(signature)))
            #expect(session.creditCode == sample.registered.creditCode)
        }
    }

    @Test("A1: a certificate that its authority revoked is refused")
    func revokedCertificate() async throws {
        let deployment = try await TestDeployment()
        defer { deployment.stop() }
        let world = deployment.world
        let (revoked, other) = (try await Given.bidder(in: world), try await Given.bidder(in: world))
        let certificate = try Certificate.chain(
            pem: world.deployment.pki.read("\(revoked.sample.certificate).pem"))[0]
        try world.deployment.pki.revoke([certificate.serialNumber])
        let end = ContinuousClock.now + .seconds(30)
        while true {
            do {
                _ = try await Agent.logIn(with: revoked.sample.certificate, in: world)
            } catch let problem as Problem where problem.code == .certificateRevoked {
                break
            }
            try #require(ContinuousClock.now < end, "the new list is not taken")
            try await Task.sleep(for: .milliseconds(100))
        }
        _ = try await Agent.logIn(with: other.sample.certificate, in: world)
        // The session that it has open ends too, and the other's goes on.
        while true {
            do {
                _ = try await world.auth.on(behalfOf: revoked.session).call(.sessions)
            } catch let problem as Problem where problem.code == .sessionRevoked {
                break
            }
            try #require(ContinuousClock.now < end, "its session goes on")
            try await Task.sleep(for: .milliseconds(100))
        }
        _ = try await world.auth.on(behalfOf: other.session).call(.sessions)
    }

    @Test("A2: a ticket makes nobody more than a bidder, and does not rename an enterprise")
    func ticketPowers() async throws {
        let world = try await TestDeployment.world
        let lot = try await Given.lot(in: world)
        let insurer = try #require(try sampleProviders().flatMap(\.insurers).first)
        let underwriter = try await Agent.logIn(with: "underwriter-\(insurer.id)", in: world)
        #expect(underwriter.role == .underwriter)
        let ticket = try await world.sandbox.call(
            .makeTicket, MakeTicket(creditCode: insurer.creditCode, name: try Words("别的名称"), lot: lot.id))
        let handed = try await world.auth.call(.handOff, ticket)
        #expect(handed.role == .bidder && handed.enterprise == underwriter.enterprise)
        #expect(handed.name == underwriter.name)
    }

    @Test("A1: whoever writes a party's name into a certificate of his own is not believed at the login")
    func forgedParty() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let deployment = running.deployment
        let now = Int64(Date().timeIntervalSince1970)
        let authority = try CertificateAuthority(name: "自造", notBefore: now - 60, notAfter: now + 3_600)
        let key = try PrivateKey.p256()
        var request = CertificateAuthority.Request(
            subject: [("CN", "portal")], notBefore: now - 60, notAfter: now + 3_600)
        request.alternativeNames = ["URI:\(Party.portal.uri)"]
        let folder = deployment.state.appendingPathComponent("pki")
        try Data(authority.issue(request, for: key.publicKey).pem()).write(
            to: folder.appendingPathComponent("forged.pem"))
        try Data(key.pem()).write(to: folder.appendingPathComponent("forged.key"))
        let result = try await run(
            "curl",
            [
                "-s", "--cacert", deployment.pki.path("root.pem"), "--cert", deployment.pki.path("forged.pem"), "--key",
                deployment.pki.path("forged.key"), "-H", "X-Forwarded-For: 203.0.113.7", "-X", "POST",
                "https://localhost:\(deployment.port("login"))/v1/sessions",
            ])
        #expect(result.output.contains("certificate_"))
        let origin = try await Database(reading: deployment.database(of: "auth")).read {
            try $0.row("SELECT origin FROM audit ORDER BY number DESC LIMIT 1")?["origin"] as String?
        }
        #expect(origin == "127.0.0.0/24")
    }

    @Test("A1: a challenge is answered once, by its own key, in time")
    func challenges() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let challenge = try await world.auth.call(.startChallenge)
        #expect(challenge.text.contains("purpose: login") && challenge.text.contains("nonce: "))
        _ = try await Agent.answer(challenge, with: bidder.sample.certificate, in: world)
        await refused(.challengeUnknown) {
            try await Agent.answer(challenge, with: bidder.sample.certificate, in: world)
        }
        let second = try await world.auth.call(.startChallenge)
        let forged = ChallengeAnswer(
            certificates: String(
                decoding: try world.deployment.pki.read("\(bidder.sample.certificate).pem"), as: UTF8.self),
            signature: Base64.standard.encode(try PrivateKey.p256().sign(Array(second.text.utf8))))
        await refused(.signatureInvalid) { try await world.auth.call(.answerChallenge, second.id, forged) }
        await refused(.challengeUnknown) { try await world.auth.call(.answerChallenge, second.id, forged) }
    }

    @Test("A1: certificates that must not log in are refused by name, on both ways in")
    func refusedCertificates() async throws {
        let world = try await TestDeployment.world
        let sample = try Given.newBidder(named: "坏证书公司")
        let past = Int64(Date().timeIntervalSince1970) - 86_400
        let faults: [(String, ProblemCode, (inout CertificateAuthority.Request) -> Void)] = [
            (
                "expired", .certificateExpired,
                {
                    $0.notBefore = past - 86_400; $0.notAfter = past
                }
            ),
            ("encryption", .certificateEncryption, { $0.keyUsage = "critical,keyEncipherment" }),
            (
                "nameless", .certificateWithoutCreditCode,
                {
                    $0.texts = []; $0.subject = [("O", "无代码公司")]
                }
            ),
        ]
        for (name, code, change) in faults {
            let file = "\(sample.certificate)-\(name)"
            try world.deployment.pki.issueCALock(
                file, name: sample.registered.name, creditCode: sample.registered.creditCode, key: .p256(),
                change: change)
            let challenge = try await world.auth.call(.startChallenge)
            await refused(code) { try await Agent.answer(challenge, with: file, in: world) }
            await refused(code) { try await Agent.logIn(with: file, in: world) }
        }
        // A certificate of the deployment is none of a bidder.
        await refused(.certificateUntrusted) { try await Agent.logIn(with: "tool", in: world) }
    }

    @Test("A2: the hand-off brings the lot, once")
    func handOff() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let lot = try await Given.lot(in: world)
        let (handed, ticket) = try await Agent.handOff(bidder.sample, to: lot.id, in: world)
        #expect(handed.session.lot == lot.id && handed.session.enterprise == bidder.session.enterprise)
        await refused(.ticketInvalid) { try await world.auth.call(.handOff, ticket) }
        await refused(.ticketInvalid) { try await world.auth.call(.handOff, HandOff(ticket: "a.b.c")) }
        let parts = ticket.ticket.split(separator: ".")
        let foreign = try JWS.sign(
            header: try #require(Base64.url.decode(String(parts[0]))),
            payload: try #require(Base64.url.decode(String(parts[1]))), key: .p256())
        await refused(.ticketInvalid) { try await world.auth.call(.handOff, HandOff(ticket: foreign)) }
    }

    private struct Ticket: Codable {
        var iss = "xuancheng"
        var aud = handOffAudience
        var sub: UnifiedSocialCreditCode
        var name: Words
        var lot: LotID
        var iat: Int64
        var exp: Int64
        var jti = MessageID().text
    }

    @Test("A2: a ticket that is wrong in one thing is refused, and counts in its platform's region only")
    func tickets() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world, region: "430100")
        let now = try await world.now().seconds
        let good = Ticket(
            sub: bidder.sample.registered.creditCode, name: bidder.sample.registered.name, lot: lot.id, iat: now,
            exp: now + 60)
        func handOff(
            header: String = #"{"alg":"ES256","typ":"JWT"}"#, by key: String = "handoff",
            _ change: (inout Ticket) -> Void
        ) async throws -> Session {
            var ticket = good
            ticket.jti = MessageID().text
            change(&ticket)
            let text = try JWS.sign(
                header: Array(header.utf8), payload: [UInt8](try JSONEncoder().encode(ticket)),
                key: try PrivateKey(pem: world.deployment.pki.read("\(key).key")))
            return try await world.auth.call(.handOff, HandOff(ticket: text))
        }
        let wrong: [(String, (inout Ticket) -> Void)] = [
            ("for somebody else", { $0.aud = "baohan" }), ("of nobody known", { $0.iss = "nowhere" }),
            ("of another platform than signed it", { $0.iss = "changsha" }),
            (
                "over",
                {
                    $0.iat = now - 61; $0.exp = now - 1
                }
            ),
            (
                "of tomorrow",
                {
                    $0.iat = now + 30; $0.exp = now + 60
                }
            ),
            ("good for too long", { $0.exp = now + 61 }),
        ]
        for (what, change) in wrong {
            let problem = await refused(.ticketInvalid) { try await handOff(change) }
            #expect(problem != nil, "\(what)")
        }
        for header in [
            #"{"alg":"none","typ":"JWT"}"#, #"{"alg":"HS256","typ":"JWT"}"#, #"{"alg":"ES256","typ":"JOSE"}"#,
        ] {
            await refused(.ticketInvalid) { try await handOff(header: header) { _ in } }
        }
        let here = Agent(world: world, sample: bidder.sample, session: try await handOff { _ in })
        await refused(.regionNotCovered) { try await here.order(for: lot.id) }
        let there = Agent(
            world: world, sample: bidder.sample,
            session: try await handOff(by: "handoff-changsha") { $0.iss = "changsha" })
        _ = try await there.order(for: lot.id)
    }

    // MARK: A3

    @Test("A3: nothing can be applied for before the enterprise is synchronised and saved")
    func enterprise() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let lot = try await Given.lot(in: world)
        await refused(.enterpriseNotSaved) { try await bidder.order(for: lot.id) }
        let synchronised = try await bidder.synchronise()
        #expect(synchronised.registered == bidder.sample.registered && !synchronised.isSaved)
        await refused(.enterpriseNotSaved) { try await bidder.order(for: lot.id) }
        let saved = try await bidder.save(synchronised)
        #expect(saved.isSaved)
        await refused(.versionConflict) { try await bidder.save(synchronised) }
        _ = try await bidder.order(for: lot.id)
    }

    @Test("A3: an enterprise that the registry does not know cannot synchronise")
    func unregistered() async throws {
        let world = try await TestDeployment.world
        let sample = try Given.newBidder(named: "未登记公司")
        try world.deployment.pki.issueCALock(
            sample.certificate, name: sample.registered.name, creditCode: sample.registered.creditCode, key: .p256())
        let bidder = try await Agent.logIn(sample, in: world)
        await refused(.enterpriseNotRegistered) { try await bidder.synchronise() }
    }

    // MARK: A4 to A6

    @Test("A4: lots are found by their words, and only while they take applications")
    func lots() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let name = "查找\(UInt32.random(in: 0 ... .max))"
        let (first, second) = (try await world.publishLot(name + "甲"), try await world.publishLot(name + "乙"))
        #expect(Set(try await bidder.openLots(name).items.map(\.id)) == [first.id, second.id])
        let orders = world.orders.on(behalfOf: bidder.session)
        let page = try await orders.call(.lots, LotQuery(text: name, cursor: nil, limit: 1))
        let rest = try await orders.call(.lots, LotQuery(text: name, cursor: page.next, limit: 1))
        #expect(Set((page.items + rest.items).map(\.id)) == [first.id, second.id] && rest.next == nil)
        try await world.move(first.id, .suspend)
        #expect(try await bidder.openLots(name).items.map(\.id) == [second.id])
        #expect(try await bidder.openLots("100%_").items.isEmpty)
        await refused(.invalidField) { try await orders.call(.lots, LotQuery(text: nil, cursor: nil, limit: 0)) }
        await refused(.invalidField) { try await orders.call(.lots, LotQuery(text: nil, cursor: "x", limit: nil)) }
        await refused(.lotUnknown) { try await orders.call(.lot, LotID()) }
    }

    @Test("A4: unknown lots and lots past their deadline are refused, and nothing is stored")
    func closedLots() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        await refused(.lotUnknown) { try await bidder.order(for: LotID()) }
        let past = try await Given.lot(in: world, opens: .seconds(-1))
        await refused(.lotClosed) { try await bidder.order(for: past.id) }
        let terminated = try await Given.lot(in: world)
        try await world.move(terminated.id, .terminate)
        await refused(.lotClosed) { try await bidder.order(for: terminated.id) }
        let orders = world.orders.on(behalfOf: bidder.session)
        #expect(try await orders.call(.orders, PageQuery(cursor: nil, limit: nil)).items.isEmpty)
    }

    @Test("A5: two providers with five insurers; an unknown one is refused")
    func providers() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let providers = try await bidder.providers()
        #expect(providers.count == 2 && providers.flatMap(\.insurers).count == 5)
        let lot = try await Given.lot(in: world)
        await refused(.providerUnknown) { try await bidder.order(for: lot.id, provider: "nobody") }
        _ = try await bidder.order(for: lot.id, provider: "xinbao")
    }

    @Test("A6: a draft is resumed, checked on one page, submitted once, and a second live order refused")
    func draft() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.order(for: lot.id)
        await refused(.orderExists) { try await bidder.order(for: lot.id) }
        await refused(.applicationIncomplete) { try await bidder.submit(order) }
        #expect(try await bidder.summary(order.id).missing == ["handler"])
        let saved = try await bidder.saveDraft(order)
        await refused(.versionConflict) { try await bidder.saveDraft(order) }
        let summary = try await bidder.summary(order.id)
        #expect(summary.missing.isEmpty && summary.lot.id == lot.id && summary.order.quote?.premium.text == "200.00")
        #expect(
            summary.enterprise.registered == bidder.sample.registered && summary.order.handler == bidder.sample.handler)
        let submitted = try await bidder.submit(try await bidder.order(saved.id))
        #expect(submitted.application == .ready && submitted.quote?.rulesVersion == "xuancheng-2026-1")
        await refused(.wrongState) { try await bidder.submit(submitted) }
        let cancelled = try await world.orders.on(behalfOf: bidder.session).call(.cancelOrder, order.id)
        #expect(cancelled.application == .cancelled)
        _ = try await bidder.order(for: lot.id)
    }

    @Test("A6: twenty clicks at once make one order")
    func clicks() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let made = await withTaskGroup(of: OrderID?.self) { group in
            for _ in 0..<20 { group.addTask { try? await bidder.order(for: lot.id).id } }
            return await group.reduce(into: []) { if let id = $1 { $0.append(id) } }
        }
        #expect(made.count == 1)
    }

    // MARK: A7

    @Test("A7: without consent, captcha and SMS code nothing is insured; each is good once")
    func stepUp() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.submit(try await bidder.saveDraft(try await bidder.order(for: lot.id)))
        let auth = world.auth.on(behalfOf: bidder.session)
        let orders = world.orders.on(behalfOf: bidder.session)

        await refused(.consentMissing) {
            try await auth.call(.giveConsent, GiveConsent(version: "1999", hash: ""), key: Agent.key())
        }
        let captcha = try await bidder.captcha()
        let answer = try #require(captcha.sandboxAnswer)
        await refused(.captchaWrong) { try await bidder.askCode(captcha, answer: "WRONG") }
        await refused(.captchaWrong) { try await bidder.askCode(captcha, answer: answer) }
        let second = try await bidder.captcha()
        let sms = try await bidder.askCode(second, answer: try #require(second.sandboxAnswer).lowercased())
        // The last one by ear.
        let third = try await bidder.captcha(.sound)
        #expect(third.form == .sound && third.sandboxAnswer?.count == 6)
        let tooSoon = await refused(.smsTooSoon) {
            try await bidder.askCode(third, answer: try #require(third.sandboxAnswer))
        }
        #expect(tooSoon?.retryAfter != nil)

        let code = try await bidder.readCode(after: 0)
        let consent = try await bidder.consent()
        func insure(_ code: String, consent: ConsentID, key: String = Agent.key()) async throws -> OrderDetails {
            try await orders.call(
                .insure, order.id, Insure(version: order.version, consent: consent, smsCode: sms.id, code: code),
                key: key)
        }
        await refused(.smsCodeWrong) { try await insure(code == "111111" ? "222222" : "111111", consent: consent.id) }
        await refused(.consentMissing) { try await insure(code, consent: ConsentID()) }
        let key = Agent.key()
        let insured = try await insure(code, consent: consent.id, key: key)
        #expect(insured.application == .reviewing && insured.insurer != nil)
        // The same key and body get the stored answer, whatever has happened since.
        #expect(try await insure(code, consent: consent.id, key: key).version == insured.version)
        await refused(.idempotencyKeyReused) { try await insure("000000", consent: consent.id, key: key) }
        // A used code opens nothing else.
        let other = try await Given.lot(in: world)
        let next = try await bidder.submit(try await bidder.saveDraft(try await bidder.order(for: other.id)))
        await refused(.smsCodeWrong) {
            try await orders.call(
                .insure, next.id, Insure(version: next.version, consent: consent.id, smsCode: sms.id, code: code),
                key: Agent.key())
        }
    }

    @Test("A7: five wrong codes, and the right one is worth nothing any more")
    func guessing() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.submit(try await bidder.saveDraft(try await bidder.order(for: lot.id)))
        let consent = try await bidder.consent()
        let (sms, code) = try await bidder.verifiedCode()
        let orders = world.orders.on(behalfOf: bidder.session)
        for guess in ["000001", "000002", "000003", "000004", "000005", code] {
            await refused(.smsCodeWrong) {
                try await orders.call(
                    .insure, order.id,
                    Insure(version: order.version, consent: consent.id, smsCode: sms.id, code: guess),
                    key: Agent.key())
            }
        }
    }

    @Test("A7: the draw is committed to before, and can be replayed by anybody after the opening")
    func draw() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        #expect(lot.drawCommitment != nil && lot.drawSeed == nil)
        let order = try await bidder.apply(for: lot.id)
        let before = try await bidder.draw(order.id)
        #expect(before.commitment == lot.drawCommitment && before.seed == nil && before.insurer == order.insurer?.id)
        let opened = try await world.move(lot.id, .openBids)
        let after = try await bidder.draw(order.id)
        #expect(after.seed == opened.drawSeed && isDrawRight(after))
        let forged = DrawRecord(
            order: OrderID(), commitment: after.commitment, candidates: after.candidates, insurer: "nobody",
            drawnAt: after.drawnAt, seed: after.seed)
        #expect(!isDrawRight(forged))
    }
}
