import Contracts
import Cryptography
import ServiceRuntime
import StrictJSON

/// The ways in, all ending in the same session (A1, A2).
struct Logins: Sendable {
    /// A challenge is answered by a program, not by a person.
    private static let challengeLifetime = Duration.seconds(120)
    /// A ticket only has to survive one redirect.
    private static let ticketLifetime = Duration.seconds(60)
    /// So has a browser's code.
    private static let codeLifetime = Duration.seconds(60)

    /// An office behind one address has some dozens of clerks.
    private static let challengesPerAddress = AttemptLimit(limit: 1_000, window: .minutes(5))

    let store: Store
    let sessions: Sessions
    let guardian: LoginGuard
    let authorities: Authorities
    let platforms: [TradingPlatform]
    /// Of the portal: what a signed challenge names, and where a browser is sent back to.
    let origin: String
    let clock: ServiceClock

    // MARK: Mutual TLS

    /// The peer proved in the handshake that it owns the first certificate's key.
    ///
    /// - Parameter chain: DER, leaf first.
    func logIn(chain: [[UInt8]], from address: String) async throws -> Session {
        try await guardian.admit(chain.first.map { sha256($0).hex }, from: address) {
            guard let chain = try? chain.map({ try Certificate(der: $0) }) else {
                throw Problem(.certificateMalformed)
            }
            return try await open(.mutualTLS, try await authorities.identity(of: chain, at: clock.now), from: address)
        }
    }

    // MARK: A browser's certificate

    /// The same as ``logIn(chain:from:)`` for a browser, which cannot carry a token away: it takes a code to the portal.
    func logIn(browser request: BrowserLogin, chain: [[UInt8]], from address: String) async throws -> Redirect {
        guard bytes(hex: request.challenge)?.count == 32 else { throw Problem(.invalidField, field: "/challenge") }
        do {
            return try await guardian.admit(chain.first.map { sha256($0).hex }, from: address) {
                guard let chain = try? chain.map({ try Certificate(der: $0) }) else {
                    throw Problem(.certificateMalformed)
                }
                let identity = try await authorities.identity(of: chain, at: clock.now)
                let code = Base64.url.encode(randomBytes(32))
                try await store.addLoginCode(
                    hash: sha256(code.utf8).hex, challenge: request.challenge.lowercased(), chain: identity.chain,
                    until: clock.now + Self.codeLifetime)
                return Redirect(to: "\(origin)/login/done?code=\(code)")
            }
        } catch let problem as Problem where problem.code.status < 500 {
            return Redirect(to: "\(origin)/login?refused=\(problem.code.rawValue)")
        }
    }

    func exchange(_ request: ExchangeLoginCode, from address: String) async throws -> Session {
        try await guardian.admit(nil, from: address) {
            let chain = try await store.useLoginCode(
                hash: sha256(request.code.utf8).hex, challenge: sha256(request.verifier.utf8).hex, at: clock.now)
            guard let chain, let certificates = try? Certificate.chain(pem: Array(chain.utf8)) else {
                throw Problem(.challengeUnknown)
            }
            let identity = try await authorities.identity(of: certificates, at: clock.now)
            return try await open(.browser, identity, from: address)
        }
    }

    // MARK: Signed challenge

    /// A text that names where and what for, so that a signature over it is good for nothing else.
    func startChallenge(from address: String) async throws -> LoginChallenge {
        let id = ChallengeID()
        let now = clock.now
        let text = """
            Baohan login
            origin: \(origin)
            purpose: login
            session: \(sha256(Array(id.text.utf8)).hex)
            time: \(now.text)
            nonce: \(Base64.url.encode(randomBytes(32)))
            """
        let challenge = LoginChallenge(id: id, text: text, expiresAt: now + Self.challengeLifetime)
        try await store.add(challenge, limits: [("challenges from \(address)", Self.challengesPerAddress)], at: now)
        return challenge
    }

    /// Uses the challenge up, whatever the answer is worth.
    func answer(_ id: ChallengeID, _ answer: ChallengeAnswer, from address: String) async throws -> Session {
        try await guardian.admit(shownCertificate(answer), from: address) {
            guard let text = try await store.useChallenge(id, at: clock.now) else { throw Problem(.challengeUnknown) }
            let chain = try signers(of: Array(text.utf8), answer)
            return try await open(.challenge, try await authorities.identity(of: chain, at: clock.now), from: address)
        }
    }

    // MARK: Hand-off (A2)

    /// Takes a trading platform's signed ticket: short-lived, for us, and once.
    func handOff(_ ticket: String, from address: String) async throws -> Session {
        try await guardian.admit(nil, from: address) {
            let now = clock.now
            guard let token = try? JWS.Token(ticket),
                let header = try? StrictJSON.decode(TicketHeader.self, from: token.header), header.alg == "ES256",
                header.typ == "JWT",
                let (claims, platform) = try claims(of: token, at: now), claims.aud == handOffAudience,
                claims.iat <= now.seconds + 5, now.seconds < claims.exp,
                claims.exp - claims.iat <= Self.ticketLifetime.components.seconds
            else { throw Problem(.ticketInvalid) }
            guard try await store.useTicket("\(claims.iss) \(claims.jti)", at: now) else {
                throw Problem(.ticketInvalid)
            }
            let proof = Proof(
                way: .ticket, creditCode: claims.sub, name: claims.name, certificate: nil,
                ticketCertificate: claims.certificate, regions: platform.regions)
            return try await sessions.open(proof, lot: claims.lot, from: address)
        }
    }

    /// What the ticket says, when the platform that it names has signed it: no platform's key is good for another's name.
    private func claims(of token: JWS.Token, at now: Instant) throws -> (TicketClaims, TradingPlatform)? {
        for platform in platforms {
            guard let key = try? platform.signer.publicKey, let payload = try? token.verify(with: key),
                let claims = try? StrictJSON.decode(TicketClaims.self, from: payload), claims.iss == platform.issuer
            else { continue }
            guard (platform.signer.notBefore...platform.signer.notAfter).contains(now.seconds) else {
                throw Problem(.ticketInvalid, "the trading platform's certificate is not valid now")
            }
            return (claims, platform)
        }
        return nil
    }

    private func open(_ way: LoginWay, _ identity: CertificateIdentity, from address: String) async throws -> Session {
        let proof = Proof(
            way: way, creditCode: identity.creditCode, name: identity.name, certificate: identity,
            regions: identity.regions)
        return try await sessions.open(proof, lot: nil, from: address)
    }
}

/// A trading platform that may hand bidders over (A2).
struct TradingPlatform: Sendable {
    /// What its tickets say in `iss`.
    let issuer: String
    let signer: Certificate
    /// Codes of the regions for which it may; nil for all.
    let regions: [String]?
}

private struct TicketHeader: Codable {
    let alg: String
    let typ: String
}

/// What the trading platform says in its ticket (RFC 7519).
struct TicketClaims: Codable {
    let iss: String
    let aud: String
    let sub: UnifiedSocialCreditCode
    let name: Words
    let lot: LotID
    /// SHA-256 of the certificate with which the person logged in there, in hexadecimal digits, where the platform says so.
    let certificate: String?
    let iat: Int64
    let exp: Int64
    let jti: String
}
