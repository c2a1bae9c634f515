import Contracts
import Persistence
import ServiceRuntime

extension LoginWay: SQLRepresentable {}

/// Who has proved to be there, and how.
struct Proof: Sendable {
    let way: LoginWay
    let creditCode: UnifiedSocialCreditCode
    let name: Words
    /// nil where a trading platform vouches for the person.
    let certificate: CertificateIdentity?
    /// SHA-256 of the certificate that the trading platform saw, where it says so.
    var ticketCertificate: String?
    /// Codes of the regions in which the session may apply; nil for all.
    let regions: [String]?
}

/// A session as it is stored.
struct StoredSession: Sendable {
    let id: SessionID
    let enterprise: EnterpriseID
    let creditCode: UnifiedSocialCreditCode
    let name: Words
    let way: LoginWay
    let standing: Standing
    let regions: [String]?
    let certificate: String?
    let certificateExpiresAt: Instant?
    let expiresAt: Instant
}

/// The SQL of sessions, certificates, blocks and attempts.
extension Store {
    /// Whether the session began with a certificate, shown or used to sign, and not with a trading platform's word.
    func beganWithCertificate(_ session: SessionID) async throws -> Bool {
        try await database.read { transaction in
            try transaction.row("SELECT id FROM session WHERE id = ? AND certificate IS NOT NULL", session) != nil
        }
    }

    // MARK: Beginning

    /// Opens a session for whoever was proved to be there, and writes it down.
    ///
    /// - Throws: ``ProblemCode/blocked``; ``ProblemCode/certificateAmbiguous`` for a certificate that belongs to another
    ///   enterprise already.
    func openSession(
        _ proof: Proof, role: Role, refreshHash: String, refreshUntil: Instant, until end: Instant, from origin: String,
        at now: Instant
    ) async throws -> StoredSession {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            let enterprise = try Self.enterprise(proof, at: now, in: transaction)
            try Self.refuseBlocked(
                proof.creditCode, proof.certificate?.fingerprint ?? proof.ticketCertificate, in: transaction)
            let standing = try Self.standing(of: proof, in: enterprise.id, at: now, transaction)
            let session = StoredSession(
                id: SessionID(), enterprise: enterprise.id, creditCode: proof.creditCode, name: enterprise.name,
                way: proof.way, standing: standing, regions: proof.regions, certificate: proof.certificate?.fingerprint,
                certificateExpiresAt: proof.certificate?.notAfter,
                expiresAt: end)
            try transaction.execute(
                """
                INSERT INTO session
                (id, enterprise, role, proof, way, standing, regions, certificate, ticket_certificate,
                 certificate_expires_at, started_at, last_used_at, expires_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """, session.id, enterprise.id, role, proof.certificate?.fingerprint ?? "ticket", proof.way, standing,
                proof.regions.map(JSONColumn.init),
                session.certificate, proof.ticketCertificate, session.certificateExpiresAt, now, now, end)
            try Self.addRefreshToken(refreshHash, session.id, until: refreshUntil, in: transaction)
            try transaction.audit(
                AuditRecord(
                    "login_\(proof.way.rawValue)", by: enterprise.id.text, on: session.id.text,
                    certificate: session.certificate, from: origin), at: now)
            return session
        }
    }

    /// The enterprise with this credit code, made known if it is new: a renewed certificate leads to the same one.
    ///
    /// Its name is what a certificate says, and later what the registry says: refund accounts are compared with it, so a
    /// ticket's word for it counts only until there is a better one.
    private static func enterprise(
        _ proof: Proof, at now: Instant, in transaction: Transaction
    ) throws -> (id: EnterpriseID, name: Words) {
        try transaction.execute(
            """
            INSERT INTO enterprise (id, credit_code, name, created_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (credit_code) DO NOTHING
            """, EnterpriseID(), proof.creditCode, proof.name, now)
        if proof.certificate != nil {
            try transaction.execute(
                "UPDATE enterprise SET name = ? WHERE credit_code = ? AND registered IS NULL", proof.name,
                proof.creditCode)
        }
        guard let row = try transaction.row("SELECT id, name FROM enterprise WHERE credit_code = ?", proof.creditCode)
        else { throw Problem(.notFound) }
        return (try row["id"], try row["name"])
    }

    /// In what capacity somebody comes in. A trading platform that does not say with which certificate it was may vouch for
    /// the enterprise only while there is nobody to be mistaken for.
    private static func standing(
        of proof: Proof, in enterprise: EnterpriseID, at now: Instant, _ transaction: Transaction
    ) throws -> Standing {
        if let certificate = proof.certificate {
            return try bind(certificate, to: enterprise, at: now, in: transaction)
        }
        guard try hasHandlers(enterprise, in: transaction) else { return .holder }
        let known = try proof.ticketCertificate.flatMap {
            try transaction.row(
                "SELECT standing FROM certificate WHERE fingerprint = ? AND enterprise = ?", $0, enterprise)
        }
        return try known?["standing"] ?? .unassigned
    }

    // MARK: Going on

    private static func addRefreshToken(
        _ hash: String, _ session: SessionID, until end: Instant, in transaction: Transaction
    ) throws {
        try transaction.execute(
            "INSERT INTO refresh_token (hash, session, expires_at) VALUES (?, ?, ?)", hash, session, end)
    }

    /// Exchanges a refresh token for the next one. One that was used before was stolen, from whomever: its session ends.
    ///
    /// - Parameter certificate: of the connection on which it was shown.
    /// - Returns: nil when the token is not good for anything.
    func refreshSession(
        hash: String, next: String, refreshUntil: Instant, certificate: String?, from origin: String, at now: Instant
    ) async throws -> StoredSession? {
        try await database.write { transaction in
            guard
                let row = try transaction.row(
                    """
                    SELECT session.id, session.enterprise, enterprise.credit_code, enterprise.name, session.way,
                           session.standing, session.regions, session.certificate, session.certificate_expires_at, session.expires_at, session.ended_at,
                           refresh_token.used_at, refresh_token.expires_at AS token_expires_at
                    FROM refresh_token
                    JOIN session ON session.id = refresh_token.session
                    JOIN enterprise ON enterprise.id = session.enterprise
                    WHERE refresh_token.hash = ?
                    """, hash)
            else { return nil }
            let regions: JSONColumn<[String]>? = try row["regions"]
            let session = StoredSession(
                id: try row["id"], enterprise: try row["enterprise"], creditCode: try row["credit_code"],
                name: try row["name"], way: try row["way"], standing: try row["standing"],
                regions: regions?.value, certificate: try row["certificate"],
                certificateExpiresAt: try row["certificate_expires_at"], expiresAt: try row["expires_at"])
            let usedAt: Instant? = try row["used_at"]
            let endedAt: Instant? = try row["ended_at"]
            let tokenExpiresAt: Instant = try row["token_expires_at"]
            guard endedAt == nil else { return nil }
            // A session that began with a certificate in the handshake goes on with the same one only.
            let isBound = session.way != .mutualTLS || session.certificate == certificate
            guard usedAt == nil, isBound else {
                try Self.end(session.id, at: now, in: transaction)
                try transaction.audit(
                    AuditRecord(
                        "refresh_token_misused", by: session.enterprise.text, on: session.id.text,
                        certificate: certificate, from: origin, result: ProblemCode.sessionRevoked.rawValue), at: now)
                return nil
            }
            guard now < tokenExpiresAt, now < session.expiresAt,
                session.certificateExpiresAt.map({ now < $0 }) ?? true
            else { return nil }
            guard
                try transaction.execute(
                    "UPDATE refresh_token SET used_at = ? WHERE hash = ? AND used_at IS NULL", now, hash) == 1
            else { return nil }
            try Self.addRefreshToken(next, session.id, until: refreshUntil, in: transaction)
            try transaction.execute("UPDATE session SET last_used_at = ? WHERE id = ?", now, session.id)
            return session
        }
    }

    // MARK: Ending

    private static func end(_ id: SessionID, at now: Instant, in transaction: Transaction) throws {
        try transaction.execute("UPDATE session SET ended_at = ? WHERE id = ? AND ended_at IS NULL", now, id)
    }

    /// Ends one of one's own sessions, or all of them: of the enterprise's holder those of everybody, of a handler its own.
    func endSessions(of person: Person, only session: SessionID?, at now: Instant) async throws {
        let (own, values) = Self.own(person)
        try await database.write(isolation: .serializableWithAudit) { transaction in
            let these = session == nil ? own : "\(own) AND id = ?"
            let changed = try transaction.execute(
                "UPDATE session SET ended_at = ? WHERE \(these) AND ended_at IS NULL",
                [now] + values + (session.map { [$0] } ?? []))
            guard session == nil || changed == 1 else { throw Problem(.notFound) }
            try transaction.audit(
                AuditRecord("session_ended", by: person.enterprise.text, on: session?.text ?? "all \(changed)"), at: now
            )
        }
    }

    func sessions(of person: Person, at now: Instant) async throws -> [SessionSummary] {
        let (own, values) = Self.own(person)
        return try await database.read { transaction in
            try transaction.rows(
                """
                SELECT id, way, standing, started_at, last_used_at FROM session
                WHERE \(own) AND ended_at IS NULL AND expires_at > ? ORDER BY last_used_at DESC LIMIT 100
                """, values + [now]
            ).map { row in
                let id: SessionID = try row["id"]
                return SessionSummary(
                    id: id, way: try row["way"], standing: try row["standing"], startedAt: try row["started_at"],
                    lastUsedAt: try row["last_used_at"], isCurrent: id == person.session)
            }
        }
    }

    /// The sessions that a person may see and end.
    private static func own(_ person: Person) -> (condition: String, values: [any SQLRepresentable]) {
        switch person.standing {
        case .holder: ("enterprise = ?", [person.enterprise])
        case .handler: ("enterprise = ? AND standing = ?", [person.enterprise, person.standing])
        case .unassigned: ("enterprise = ? AND id = ?", [person.enterprise, person.session])
        }
    }

    /// Sessions that were ended after `start`.
    func sessionsEnded(since start: Instant) async throws -> [SessionID] {
        try await database.read { transaction in
            try transaction.rows("SELECT id FROM session WHERE ended_at > ?", start).map { try $0["id"] }
        }
    }

    /// Certificates with which sessions go on, and their chains in PEM.
    func certificatesInUse(at now: Instant) async throws -> [(fingerprint: String, chain: String)] {
        try await database.read { transaction in
            try transaction.rows(
                """
                SELECT DISTINCT certificate.fingerprint, certificate.chain FROM certificate
                JOIN session ON session.certificate = certificate.fingerprint
                WHERE session.ended_at IS NULL AND session.expires_at > ?
                """, now
            ).map { (try $0["fingerprint"], try $0["chain"]) }
        }
    }

    /// Ends what a certificate opened that would not be let in any more.
    func endSessions(ofCertificate fingerprint: String, because code: ProblemCode, at now: Instant) async throws {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            try transaction.execute(
                """
                UPDATE session SET ended_at = ?
                WHERE (certificate = ? OR ticket_certificate = ?) AND ended_at IS NULL
                """, now, fingerprint, fingerprint)
            try transaction.audit(
                AuditRecord("sessions_ended", by: "auth", certificate: fingerprint, result: code.rawValue), at: now)
        }
    }

    // MARK: Blocks

    private static func refuseBlocked(
        _ creditCode: UnifiedSocialCreditCode, _ fingerprint: String?, in transaction: Transaction
    ) throws {
        let found = try transaction.row(
            "SELECT reason FROM block WHERE (kind = ? AND value = ?) OR (kind = ? AND value = ?)",
            Block.Kind.enterprise.rawValue, creditCode.text, Block.Kind.certificate.rawValue, fingerprint ?? "")
        if found != nil { throw Problem(.blocked) }
    }

    func set(_ block: Block, by actor: String, at now: Instant) async throws {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            if block.isBlocked {
                try transaction.execute(
                    "INSERT INTO block (kind, value, reason, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    block.kind.rawValue, block.value, block.reason, now)
                let isMeant =
                    block.kind == .certificate
                    ? "? IN (session.certificate, session.ticket_certificate)" : "? = enterprise.credit_code"
                try transaction.execute(
                    """
                    UPDATE session SET ended_at = ? WHERE ended_at IS NULL AND id IN (
                        SELECT session.id FROM session JOIN enterprise ON enterprise.id = session.enterprise
                        WHERE \(isMeant))
                    """, now, block.value)
            } else {
                try transaction.execute(
                    "DELETE FROM block WHERE kind = ? AND value = ?", block.kind.rawValue, block.value)
            }
            try transaction.audit(
                AuditRecord(
                    block.isBlocked ? "block" : "unblock", by: actor, on: "\(block.kind.rawValue) \(block.value)"),
                at: now)
        }
    }
}
