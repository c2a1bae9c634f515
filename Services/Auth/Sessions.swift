import Contracts
import Cryptography
import Persistence
import ServiceRuntime

/// Sessions: short access tokens that every service verifies by itself, and refresh tokens that only Auth knows, by their
/// hash.
struct Sessions: Sendable {
    private static let accessLifetime = Duration.minutes(5)
    /// Without a sign of life a session ends after this time.
    private static let refreshLifetime = Duration.minutes(30)
    /// A working day; then the certificate is due again.
    private static let sessionLifetime = Duration.hours(10)
    /// An access token of an ended session is refused for as long as one may live, and a little.
    private static let revocationMemory = Duration.minutes(6)

    let store: Store
    let issuer: SessionIssuer
    let staff: [StaffMember]
    let clock: ServiceClock

    var keySet: KeySet { issuer.keySet }

    // MARK: Beginning and going on

    func open(_ proof: Proof, lot: LotID?, from address: String) async throws -> Session {
        let now = clock.now
        let refresh = Self.newRefreshToken()
        let session = try await store.openSession(
            proof, role: staff(proof.creditCode, by: proof.way)?.role ?? .bidder, refreshHash: refresh.hash,
            refreshUntil: now + Self.refreshLifetime, until: now + Self.sessionLifetime, from: maskedAddress(address),
            at: now)
        return try reply(session, refreshToken: refresh.token, lot: lot, at: now)
    }

    /// - Parameter certificate: SHA-256 of the certificate of the connection, where it is a person's own.
    func refresh(_ request: RefreshSession, certificate: String?, from address: String) async throws -> Session {
        let now = clock.now
        let next = Self.newRefreshToken()
        let session = try await store.refreshSession(
            hash: Self.hash(request.refreshToken), next: next.hash, refreshUntil: now + Self.refreshLifetime,
            certificate: certificate, from: maskedAddress(address), at: now)
        guard let session else { throw Problem(.sessionRevoked) }
        return try reply(session, refreshToken: next.token, lot: nil, at: now)
    }

    private func reply(_ session: StoredSession, refreshToken: String, lot: LotID?, at now: Instant) throws -> Session {
        let staff = staff(session.creditCode, by: session.way)
        let person = Person(
            enterprise: session.enterprise, role: staff?.role ?? .bidder, standing: session.standing,
            name: session.name, creditCode: session.creditCode, insurer: staff?.insurer, session: session.id,
            regions: session.regions)
        let expiresAt = now + Self.accessLifetime
        let daysLeft = session.certificateExpiresAt.map { Int(($0 - now).components.seconds / 86_400) }
        return Session(
            token: try issuer.token(for: person, from: now, until: expiresAt), expiresAt: expiresAt,
            refreshToken: refreshToken, refreshExpiresAt: now + Self.refreshLifetime, id: session.id,
            enterprise: session.enterprise, name: session.name, creditCode: session.creditCode, role: person.role,
            standing: person.standing, lot: lot, certificateExpiresInDays: daysLeft.flatMap { $0 <= 60 ? $0 : nil })
    }

    /// Staff are known by their certificate's credit code; everybody else is a bidder. A trading platform vouches for
    /// bidders only.
    private func staff(_ creditCode: UnifiedSocialCreditCode, by way: LoginWay) -> StaffMember? {
        way == .ticket ? nil : staff.first { $0.creditCode == creditCode }
    }

    private static func newRefreshToken() -> (token: String, hash: String) {
        let token = Base64.url.encode(randomBytes(32))
        return (token, hash(token))
    }

    /// 256 random bits need neither salt nor slowness.
    private static func hash(_ token: String) -> String { sha256(token.utf8).hex }

    // MARK: Ending

    func list(for person: Person) async throws -> SessionList {
        SessionList(
            sessions: try await store.sessions(of: person, at: clock.now))
    }

    /// - Parameter session: nil for all.
    func end(_ session: SessionID?, by person: Person) async throws -> SessionList {
        try await store.endSessions(of: person, only: session, at: clock.now)
        return try await list(for: person)
    }

    /// Judges every certificate that has a session again: one that was revoked since then is let in no more.
    func recheck(by authorities: Authorities) async throws {
        let now = clock.now
        for (fingerprint, chain) in try await store.certificatesInUse(at: now) {
            do throws(Problem) {
                guard let certificates = try? Certificate.chain(pem: Array(chain.utf8)) else {
                    throw Problem(.certificateMalformed)
                }
                _ = try await authorities.identity(of: certificates, at: now)
            } catch {
                // Revocation data that cannot be had are a reason not to let in, not to put out.
                guard error.code != .revocationUnknown else { continue }
                try await store.endSessions(ofCertificate: fingerprint, because: error.code, at: now)
            }
        }
    }

    func revoked() async throws -> RevokedSessions {
        RevokedSessions(sessions: try await store.sessionsEnded(since: clock.now - Self.revocationMemory))
    }

    func set(_ block: Block, by actor: String) async throws {
        // A block with a slip of the pen would shut nobody out, and nobody would know.
        switch block.kind {
        case .certificate:
            guard bytes(hex: block.value)?.count == 32, block.value == block.value.lowercased() else {
                throw Problem(.invalidField, "must be a SHA-256 in lower-case hexadecimal digits", field: "/value")
            }
        case .enterprise: _ = try UnifiedSocialCreditCode(block.value)
        }
        try await store.set(block, by: actor, at: clock.now)
    }
}
