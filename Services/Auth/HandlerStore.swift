import Contracts
import Persistence
import ServiceRuntime

extension EnterpriseHandler.State: SQLRepresentable {}
extension Approval.State: SQLRepresentable {}

/// The SQL of handlers, of what certificates are, and of approvals.
extension Store {
    func admit(_ keys: [(key: String, limit: AttemptLimit)], at now: Instant) async throws {
        try await database.write { try Self.admit(keys, at: now, in: $0) }
    }

    // MARK: Standing

    /// What a certificate is to its enterprise, when it is seen for the first time.
    ///
    /// While an enterprise has no handlers every certificate with its credit code is the enterprise itself. Afterwards a
    /// new one counts as the renewal of those with the same issuer and subject, where these are all the same; else the
    /// holder has to say what it is.
    private static func standing(
        ofNew certificate: CertificateIdentity, of enterprise: EnterpriseID, in transaction: Transaction
    ) throws -> Standing {
        guard try hasHandlers(enterprise, in: transaction) else { return .holder }
        let predecessors: [Standing] = try transaction.rows(
            "SELECT DISTINCT standing FROM certificate WHERE enterprise = ? AND issuer = ? AND subject = ?", enterprise,
            certificate.issuer, certificate.subject
        ).map { try $0["standing"] }
        return predecessors.count == 1 ? predecessors[0] : .unassigned
    }

    static func hasHandlers(_ enterprise: EnterpriseID, in transaction: Transaction) throws -> Bool {
        try transaction.row("SELECT id FROM handler WHERE enterprise = ? LIMIT 1", enterprise) != nil
    }

    /// One certificate never opens two enterprises, and two certificates of one issuer never share a number.
    ///
    /// - Returns: in what capacity it acts.
    static func bind(
        _ certificate: CertificateIdentity, to enterprise: EnterpriseID, at now: Instant, in transaction: Transaction
    ) throws -> Standing {
        try transaction.execute(
            """
            INSERT INTO certificate
            (fingerprint, enterprise, serial_number, issuer, subject, chain, standing, first_used_at, expires_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
            """, certificate.fingerprint, enterprise, certificate.serialNumber, certificate.issuer, certificate.subject,
            certificate.chain, try standing(ofNew: certificate, of: enterprise, in: transaction), now,
            certificate.notAfter)
        let known = try transaction.row(
            "SELECT enterprise, standing FROM certificate WHERE fingerprint = ?", certificate.fingerprint)
        guard let known, try known["enterprise"] == enterprise else { throw Problem(.certificateAmbiguous) }
        return try known["standing"]
    }

    func certificates(of enterprise: EnterpriseID) async throws -> [KnownCertificate] {
        try await database.read { transaction in
            try transaction.rows(
                """
                SELECT fingerprint, issuer, subject, serial_number, first_used_at, expires_at, standing
                FROM certificate WHERE enterprise = ? ORDER BY first_used_at DESC LIMIT 200
                """, enterprise
            ).map { row in
                KnownCertificate(
                    fingerprint: try row["fingerprint"], issuer: try row["issuer"], subject: try row["subject"],
                    serialNumber: try row["serial_number"], firstUsedAt: try row["first_used_at"],
                    expiresAt: try row["expires_at"], standing: try row["standing"])
            }
        }
    }

    /// - Throws: ``ProblemCode/notFound``; ``ProblemCode/wrongState`` when nobody would be left to hold the enterprise.
    func assign(_ request: AssignCertificate, by person: Person, at now: Instant) async throws {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            if case .handler(let id) = request.standing {
                guard try Self.handler(id, of: person.enterprise, in: transaction)?.state == .active else {
                    throw Problem(.notFound)
                }
            }
            guard
                try Self.set(request.standing, of: request.fingerprint, in: person.enterprise, at: now, transaction)
            else { throw Problem(.notFound) }
            try Self.demandHolderLeft(in: person.enterprise, at: now, transaction)
            try transaction.audit(
                AuditRecord(
                    "certificate_assigned", by: person.enterprise.text, on: request.standing.text,
                    certificate: request.fingerprint), at: now)
        }
    }

    /// Says what a certificate is; what it opened as something else ends.
    private static func set(
        _ standing: Standing, of fingerprint: String, in enterprise: EnterpriseID, at now: Instant,
        _ transaction: Transaction
    ) throws -> Bool {
        let changed = try transaction.execute(
            "UPDATE certificate SET standing = ? WHERE fingerprint = ? AND enterprise = ?", standing, fingerprint,
            enterprise)
        guard changed == 1 else { return false }
        try transaction.execute(
            """
            UPDATE session SET ended_at = ?
            WHERE (certificate = ? OR ticket_certificate = ?) AND standing <> ? AND ended_at IS NULL
            """, now, fingerprint, fingerprint, standing)
        return true
    }

    /// Without this an enterprise could shut itself out of its own rights.
    private static func demandHolderLeft(
        in enterprise: EnterpriseID, at now: Instant, _ transaction: Transaction
    ) throws {
        let holder = try transaction.row(
            "SELECT fingerprint FROM certificate WHERE enterprise = ? AND standing = 'holder' AND expires_at > ? LIMIT 1",
            enterprise, now)
        guard holder != nil else {
            throw Problem(.wrongState, "one valid certificate has to remain the enterprise's own")
        }
    }

    // MARK: Handlers

    private static func handler(
        _ id: HandlerID, of enterprise: EnterpriseID, in transaction: Transaction
    ) throws -> EnterpriseHandler? {
        try handlers("enterprise = ? AND id = ?", [enterprise, id], in: transaction).first
    }

    private static func handlers(
        _ condition: String, _ values: [any SQLRepresentable], in transaction: Transaction
    ) throws -> [EnterpriseHandler] {
        try transaction.rows(
            "SELECT id, name, mobile, rights, state, invited_at FROM handler WHERE \(condition) ORDER BY invited_at DESC",
            values
        ).map { row in
            let rights: JSONColumn<HandlerRights> = try row["rights"]
            return EnterpriseHandler(
                id: try row["id"], name: try row["name"], mobile: try row["mobile"], rights: rights.value,
                state: try row["state"], invitedAt: try row["invited_at"])
        }
    }

    private static func required(
        _ id: HandlerID, of enterprise: EnterpriseID, in transaction: Transaction
    ) throws -> EnterpriseHandler {
        guard let handler = try handler(id, of: enterprise, in: transaction) else { throw Problem(.notFound) }
        return handler
    }

    func handlers(of enterprise: EnterpriseID) async throws -> [EnterpriseHandler] {
        try await database.read { try Self.handlers("enterprise = ?", [enterprise], in: $0) }
    }

    func invite(
        _ handler: EnterpriseHandler, of person: Person, codeHash: String, until end: Instant, text: TextMessage,
        limits: [(key: String, limit: AttemptLimit)], at now: Instant, key: IdempotencyKey
    ) async throws -> EnterpriseHandler {
        try await database.once(key, at: now) { transaction in
            try Self.admit(limits, at: now, in: transaction)
            // Whoever may invite is there with a certificate, which thereby is known to be the enterprise's own.
            try Self.demandHolderLeft(in: person.enterprise, at: now, transaction)
            try transaction.execute(
                """
                INSERT INTO handler (id, enterprise, name, mobile, rights, state, code_hash, code_until, invited_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """, handler.id, person.enterprise, handler.name, handler.mobile, JSONColumn(handler.rights),
                handler.state, codeHash, end, now)
            try transaction.send(AuthMessage.sms(text), at: now)
            try transaction.audit(
                AuditRecord("handler_invited", by: person.enterprise.text, on: handler.id.text), at: now)
            return handler
        }
    }

    /// Makes the certificate of the person's session the handler's.
    func accept(codeHash: String, by person: Person, at now: Instant) async throws -> EnterpriseHandler {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            guard
                let row = try transaction.row(
                    """
                    SELECT id FROM handler
                    WHERE enterprise = ? AND code_hash = ? AND state = 'invited' AND code_until > ?
                    """, person.enterprise, codeHash, now),
                let session = try transaction.row("SELECT certificate FROM session WHERE id = ?", person.session)
            else { throw Problem(.invitationInvalid) }
            let certificate: String? = try session["certificate"]
            guard let certificate else {
                throw Problem(.wrongState, "accept with a login by your own certificate")
            }
            let id: HandlerID = try row["id"]
            try transaction.execute("UPDATE handler SET state = 'active' WHERE id = ?", id)
            _ = try Self.set(.handler(id), of: certificate, in: person.enterprise, at: now, transaction)
            try Self.demandHolderLeft(in: person.enterprise, at: now, transaction)
            try transaction.audit(
                AuditRecord(
                    "handler_accepted", by: person.enterprise.text, on: id.text, certificate: certificate), at: now)
            return try Self.required(id, of: person.enterprise, in: transaction)
        }
    }

    func set(
        _ rights: HandlerRights, of id: HandlerID, by person: Person, at now: Instant
    ) async throws -> EnterpriseHandler {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            let changed = try transaction.execute(
                "UPDATE handler SET rights = ? WHERE id = ? AND enterprise = ? AND state <> 'ended'",
                JSONColumn(rights), id, person.enterprise)
            guard changed == 1 else { throw Problem(.notFound) }
            try transaction.audit(AuditRecord("rights_changed", by: person.enterprise.text, on: id.text), at: now)
            return try Self.required(id, of: person.enterprise, in: transaction)
        }
    }

    func end(_ id: HandlerID, by person: Person, at now: Instant) async throws -> EnterpriseHandler {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            let changed = try transaction.execute(
                "UPDATE handler SET state = 'ended' WHERE id = ? AND enterprise = ?", id, person.enterprise)
            guard changed == 1 else { throw Problem(.notFound) }
            let standing = Standing.handler(id)
            try transaction.execute(
                "UPDATE certificate SET standing = ? WHERE enterprise = ? AND standing = ?", Standing.unassigned,
                person.enterprise, standing)
            try transaction.execute(
                "UPDATE session SET ended_at = ? WHERE enterprise = ? AND standing = ? AND ended_at IS NULL", now,
                person.enterprise, standing)
            try transaction.audit(AuditRecord("handler_ended", by: person.enterprise.text, on: id.text), at: now)
            return try Self.required(id, of: person.enterprise, in: transaction)
        }
    }

    // MARK: Acts and approvals

    /// - Returns: why not; nil when it may be done.
    func permit(_ request: AskPermission, handler id: HandlerID, at now: Instant) async throws -> ProblemCode? {
        try await database.write { transaction in
            guard let handler = try Self.handler(id, of: request.enterprise, in: transaction), handler.state == .active,
                handler.rights.rights.contains(request.right)
            else { return .rightMissing }
            guard request.premium <= handler.rights.limit else { return .aboveLimit }
            guard handler.rights.needsSecondPerson else { return nil }
            let known = try transaction.row(
                """
                SELECT state FROM approval
                WHERE handler = ? AND right_asked = ? AND order_id = ? AND version = ? AND premium = ? AND asked_at > ?
                """, id, request.right, request.order, request.version, request.premium,
                now - Handlers.approvalLifetime)
            if let known {
                let state: Approval.State = try known["state"]
                switch state {
                case .approved: return nil
                case .refused: return .approvalRefused
                case .asked: return .approvalNeeded
                }
            }
            let approval = ApprovalID()
            try transaction.execute(
                """
                INSERT INTO approval
                (id, enterprise, handler, right_asked, order_id, version, premium, state, asked_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, 'asked', ?)
                """, approval, request.enterprise, id, request.right, request.order, request.version, request.premium,
                now)
            try transaction.audit(AuditRecord("approval_asked", by: id.text, on: approval.text), at: now)
            return .approvalNeeded
        }
    }

    /// What the person has asked for or may decide on, the newest first.
    func approvals(for person: Person, since start: Instant) async throws -> [Approval] {
        guard person.standing != .unassigned else { return [] }
        return try await database.read { transaction in
            try Self.approvals("approval.enterprise = ? AND asked_at > ?", [person.enterprise, start], in: transaction)
        }
    }

    private static func approvals(
        _ condition: String, _ values: [any SQLRepresentable], in transaction: Transaction
    ) throws -> [Approval] {
        try transaction.rows(
            """
            SELECT approval.id, handler, name, right_asked, order_id, premium, approval.state, asked_at
            FROM approval JOIN handler ON handler.id = approval.handler
            WHERE \(condition) ORDER BY asked_at DESC LIMIT 200
            """, values
        ).map { row in
            Approval(
                id: try row["id"], handler: try row["handler"], handlerName: try row["name"],
                right: try row["right_asked"], order: try row["order_id"], premium: try row["premium"],
                state: try row["state"], askedAt: try row["asked_at"])
        }
    }

    /// - Throws: ``ProblemCode/notFound``, ``ProblemCode/rightMissing``, ``ProblemCode/aboveLimit``;
    ///   ``ProblemCode/notAllowed`` for whoever asked; ``ProblemCode/wrongState`` when it is decided otherwise.
    func decide(
        _ id: ApprovalID, _ isApproved: Bool, by person: Person, at now: Instant
    ) async throws -> Approval {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            guard
                let approval = try Self.approvals(
                    "approval.id = ? AND approval.enterprise = ? AND asked_at > ?",
                    [id, person.enterprise, now - Handlers.approvalLifetime], in: transaction
                ).first
            else { throw Problem(.notFound) }
            switch person.standing {
            case .holder: break
            case .unassigned: throw Problem(.rightMissing)
            case .handler(approval.handler): throw Problem(.notAllowed, "a second person is needed")
            case .handler(let other):
                guard let handler = try Self.handler(other, of: person.enterprise, in: transaction),
                    handler.state == .active, handler.rights.rights.contains(approval.right)
                else { throw Problem(.rightMissing) }
                guard approval.premium <= handler.rights.limit else { throw Problem(.aboveLimit) }
            }
            let state: Approval.State = isApproved ? .approved : .refused
            guard approval.state == .asked || approval.state == state else { throw Problem(.wrongState) }
            try transaction.execute("UPDATE approval SET state = ? WHERE id = ?", state, id)
            try transaction.audit(
                AuditRecord("approval_\(state.rawValue)", by: person.standing.text, on: id.text), at: now)
            return Approval(
                id: approval.id, handler: approval.handler, handlerName: approval.handlerName, right: approval.right,
                order: approval.order, premium: approval.premium, state: state, askedAt: approval.askedAt)
        }
    }
}
