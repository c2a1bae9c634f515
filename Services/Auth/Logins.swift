import Contracts
import Cryptography
import ServiceRuntime
import StrictJSON

/// The ways in, all ending in the same session (A1, A2).
struct Logins: Sendable {
    /// A session ends by itself after this time.
    private static let sessionLifetime = Duration.minutes(30)
    /// A challenge is answered by a program, not by a person.
    private static let challengeLifetime = Duration.seconds(120)
    /// A ticket only has to survive one redirect.
    private static let ticketLifetime = Duration.seconds(60)

    let store: Store
    let issuer: SessionIssuer
    let certificates: CertificatePolicy
    let ticketKey: PublicKey
    let origin: String
    let staff: [StaffMember]
    let clock: ServiceClock

    var keySet: KeySet { issuer.keySet }

    // MARK: Mutual TLS

    /// The peer proved in the handshake that it owns the first certificate's key.
    ///
    /// - Parameter chain: DER, leaf first.
    func logIn(chain: [[UInt8]]) async throws -> Session {
        let certificates: [Certificate]
        do {
            certificates = try chain.map { try Certificate(der: $0) }
        } catch {
            throw Problem(.certificateMalformed)
        }
        return try await session(for: try self.certificates.identity(of: certificates, at: clock.now))
    }

    // MARK: Signed challenge

    /// A text that names where and what for, so that a signature over it is good for nothing else.
    func startChallenge() async throws -> LoginChallenge {
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
        try await store.add(challenge)
        return challenge
    }

    /// Uses the challenge up, whatever the answer is worth.
    func answer(_ id: ChallengeID, _ answer: ChallengeAnswer) async throws -> Session {
        guard let text = try await store.useChallenge(id, at: clock.now) else { throw Problem(.challengeUnknown) }
        let chain = try signers(of: Array(text.utf8), answer)
        return try await session(for: try certificates.identity(of: chain, at: clock.now))
    }

    // MARK: Hand-off (A2)

    /// Takes a trading platform's signed ticket: short-lived, for us, and once.
    func handOff(_ ticket: String) async throws -> Session {
        let now = clock.now
        guard let token = try? JWS.Token(ticket),
            let header = try? StrictJSON.decode(TicketHeader.self, from: token.header), header.alg == "ES256",
            let payload = try? token.verify(with: ticketKey),
            let claims = try? StrictJSON.decode(TicketClaims.self, from: payload), claims.aud == "baohan",
            claims.iat <= now.seconds + 5, now.seconds < claims.exp,
            claims.exp - claims.iat <= Self.ticketLifetime.components.seconds
        else { throw Problem(.ticketInvalid) }
        guard try await store.useTicket("\(claims.iss) \(claims.jti)", at: now) else { throw Problem(.ticketInvalid) }
        let enterprise = try await store.enterprise(claims.sub, named: claims.name, at: now)
        return try await open(
            enterprise, name: claims.name, creditCode: claims.sub, staff: nil, lot: claims.lot, proof: "ticket")
    }

    // MARK: Session

    private func session(for identity: CertificateIdentity) async throws -> Session {
        let enterprise = try await store.enterprise(identity.creditCode, named: identity.name, at: clock.now)
        return try await open(
            enterprise, name: identity.name, creditCode: identity.creditCode,
            staff: staff.first { $0.creditCode == identity.creditCode }, lot: nil, proof: identity.fingerprint)
    }

    private func open(
        _ enterprise: EnterpriseID, name: Words, creditCode: UnifiedSocialCreditCode, staff: StaffMember?, lot: LotID?,
        proof: String
    ) async throws -> Session {
        let now = clock.now
        let person = Person(
            enterprise: enterprise, role: staff?.role ?? .bidder, name: name, creditCode: creditCode,
            insurer: staff?.insurer, session: SessionID())
        let expiresAt = now + Self.sessionLifetime
        try await store.add(person, proof: proof, from: now, until: expiresAt)
        return Session(
            token: try issuer.token(for: person, from: now, until: expiresAt), expiresAt: expiresAt,
            enterprise: enterprise, name: name, creditCode: creditCode, role: person.role, lot: lot)
    }
}

private struct TicketHeader: Codable {
    let alg: String
}

/// What the trading platform says in its ticket (RFC 7519).
struct TicketClaims: Codable {
    let iss: String
    let aud: String
    let sub: UnifiedSocialCreditCode
    let name: Words
    let lot: LotID
    let iat: Int64
    let exp: Int64
    let jti: String
}
