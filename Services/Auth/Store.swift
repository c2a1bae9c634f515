import Contracts
import Persistence
import ServiceRuntime

/// All SQL of Auth.
struct Store: Sendable {
    let database: Database

    // MARK: Staff

    /// Records which roles `staff` gives and takes since the last start. What counts is the file; this is its history.
    func takeRoles(of staff: [StaffMember], at now: Instant) async throws {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            let before = try transaction.rows("SELECT credit_code, role, insurer FROM staff").map { row in
                StaffMember(creditCode: try row["credit_code"], role: try row["role"], insurer: try row["insurer"])
            }
            for member in before where !staff.contains(member) {
                try transaction.execute("DELETE FROM staff WHERE credit_code = ?", member.creditCode)
                try transaction.audit(
                    AuditRecord("role_taken", by: "staff.file", on: "\(member)"), at: now)
            }
            for member in staff where !before.contains(member) {
                try transaction.execute(
                    "INSERT INTO staff (credit_code, role, insurer) VALUES (?, ?, ?)", member.creditCode, member.role,
                    member.insurer)
                try transaction.audit(
                    AuditRecord("role_given", by: "staff.file", on: "\(member)"), at: now)
            }
        }
    }

    // MARK: Enterprises

    func profile(_ id: EnterpriseID) async throws -> EnterpriseProfile? {
        try await database.read { try Self.profile(id, in: $0) }
    }

    private static func profile(_ id: EnterpriseID, in transaction: Transaction) throws -> EnterpriseProfile? {
        guard
            let row = try transaction.row(
                """
                SELECT id, credit_code, name, registered, synchronised_at, contact, is_saved, version
                FROM enterprise WHERE id = ?
                """, id)
        else { return nil }
        let registered: JSONColumn<RegisteredEnterprise>? = try row["registered"]
        let contact: JSONColumn<ContactDetails>? = try row["contact"]
        return EnterpriseProfile(
            id: try row["id"], creditCode: try row["credit_code"], name: try row["name"], registered: registered?.value,
            synchronisedAt: try row["synchronised_at"], contact: contact?.value, isSaved: try row["is_saved"],
            version: try row["version"])
    }

    private static func requiredProfile(_ id: EnterpriseID, in transaction: Transaction) throws -> EnterpriseProfile {
        guard let profile = try profile(id, in: transaction) else { throw Problem(.notFound) }
        return profile
    }

    func synchronise(
        _ id: EnterpriseID, with registered: RegisteredEnterprise, at now: Instant
    ) async throws -> EnterpriseProfile {
        try await database.write { transaction in
            let before = try Self.requiredProfile(id, in: transaction)
            try transaction.execute(
                """
                UPDATE enterprise SET registered = ?, name = ?, synchronised_at = ?, is_saved = ?, version = version + 1
                WHERE id = ?
                """, JSONColumn(registered), registered.name, now, before.isSaved && before.registered == registered, id
            )
            return try Self.requiredProfile(id, in: transaction)
        }
    }

    func save(_ request: SaveEnterprise, for id: EnterpriseID) async throws -> EnterpriseProfile {
        try await database.write { transaction in
            let changed = try transaction.execute(
                """
                UPDATE enterprise SET contact = ?, is_saved = 1, version = version + 1
                WHERE id = ? AND version = ? AND registered IS NOT NULL
                """, JSONColumn(request.contact), id, request.version)
            let profile = try Self.requiredProfile(id, in: transaction)
            guard changed == 1 else {
                throw Problem(profile.registered == nil ? .enterpriseNotSaved : .versionConflict)
            }
            return profile
        }
    }

    // MARK: Things that are used once

    /// What is over goes with every new one, so that nobody can fill the disk with them.
    func add(
        _ challenge: LoginChallenge, limits: [(key: String, limit: AttemptLimit)], at now: Instant
    ) async throws {
        try await database.write { transaction in
            try Self.admit(limits, at: now, in: transaction)
            try transaction.execute("DELETE FROM challenge WHERE expires_at <= ?", now)
            try transaction.execute("DELETE FROM ticket WHERE used_at <= ?", now - .hours(1))
            try transaction.execute(
                "INSERT INTO challenge (id, text, expires_at) VALUES (?, ?, ?)", challenge.id, challenge.text,
                challenge.expiresAt)
        }
    }

    /// The text to which an answer is due; nil when it was answered before, or too late.
    func useChallenge(_ id: ChallengeID, at now: Instant) async throws -> String? {
        try await database.write { transaction in
            let changed = try transaction.execute(
                "UPDATE challenge SET used_at = ? WHERE id = ? AND used_at IS NULL AND expires_at > ?", now, id, now)
            guard changed == 1 else { return nil }
            return try transaction.row("SELECT text FROM challenge WHERE id = ?", id)?["text"]
        }
    }

    func addLoginCode(hash: String, challenge: String, chain: String, until end: Instant) async throws {
        try await database.write { transaction in
            try transaction.execute(
                "INSERT INTO login_code (hash, challenge, chain, expires_at) VALUES (?, ?, ?, ?)", hash, challenge,
                chain, end)
        }
    }

    /// The chain in PEM for which the code stands; nil when it was used, is over, or another one asked for it.
    func useLoginCode(hash: String, challenge: String, at now: Instant) async throws -> String? {
        try await database.write { transaction in
            let row = try transaction.row(
                "SELECT chain FROM login_code WHERE hash = ? AND challenge = ? AND expires_at > ?", hash, challenge,
                now)
            // Used up, right or wrong; what nobody came for goes with it.
            try transaction.execute("DELETE FROM login_code WHERE hash = ? OR expires_at <= ?", hash, now)
            return try row?["chain"]
        }
    }

    func useTicket(_ id: String, at now: Instant) async throws -> Bool {
        try await database.write { transaction in
            try transaction.execute(
                "INSERT INTO ticket (id, used_at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", id, now) == 1
        }
    }

    // MARK: Step-up

    func add(_ consent: Consent, hash: String, by enterprise: EnterpriseID, key: IdempotencyKey) async throws -> Consent
    {
        try await database.once(key, at: consent.at) { transaction in
            try transaction.execute(
                "INSERT INTO consent (id, enterprise, version, hash, at) VALUES (?, ?, ?, ?, ?)", consent.id,
                enterprise,
                consent.version, hash, consent.at)
            return consent
        }
    }

    func addCaptcha(
        _ id: CaptchaID, answerHash: String, for enterprise: EnterpriseID, until end: Instant,
        limits: [(key: String, limit: AttemptLimit)], at now: Instant
    ) async throws {
        try await database.write { transaction in
            try Self.admit(limits, at: now, in: transaction)
            try transaction.execute("DELETE FROM captcha WHERE expires_at <= ?", now)
            try transaction.execute(
                "INSERT INTO captcha (id, enterprise, answer_hash, expires_at) VALUES (?, ?, ?, ?)", id, enterprise,
                answerHash, end)
        }
    }

    /// Uses the captcha up, right or wrong.
    func useCaptcha(_ id: CaptchaID, answerHash: String, by enterprise: EnterpriseID, at now: Instant) async throws
        -> Bool
    {
        try await database.write { transaction in
            let changed = try transaction.execute(
                """
                UPDATE captcha SET used_at = ?
                WHERE id = ? AND enterprise = ? AND used_at IS NULL AND expires_at > ?
                """, now, id, enterprise, now)
            guard changed == 1 else { return false }
            return try transaction.row("SELECT id FROM captcha WHERE id = ? AND answer_hash = ?", id, answerHash) != nil
        }
    }

    func add(
        _ code: SMSCode, codeHash: String, text: TextMessage, for enterprise: EnterpriseID, notBefore: Instant,
        limits: [(key: String, limit: AttemptLimit)], at now: Instant, key: IdempotencyKey
    ) async throws -> SMSCode {
        try await database.once(key, at: now) { transaction in
            let recent = try transaction.row(
                "SELECT sent_at FROM sms_code WHERE (mobile = ? OR enterprise = ?) AND sent_at > ? ORDER BY sent_at DESC",
                text.to, enterprise, notBefore)
            if let recent {
                let sentAt: Instant = try recent["sent_at"]
                throw Problem(.smsTooSoon, retryAfter: sentAt - notBefore)
            }
            try Self.admit(limits, at: now, in: transaction)
            try transaction.execute(
                """
                INSERT INTO sms_code (id, enterprise, mobile, code_hash, sent_at, expires_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """, code.id, enterprise, text.to, codeHash, now, code.expiresAt)
            try transaction.send(AuthMessage.sms(text), at: now)
            return code
        }
    }

    /// Whether the code is right; a wrong one is counted.
    func tryCode(_ id: SMSCodeID, codeHash: String, by enterprise: EnterpriseID, at now: Instant) async throws -> Bool {
        try await database.write { transaction in
            let changed = try transaction.execute(
                """
                UPDATE sms_code SET tries = tries + 1
                WHERE id = ? AND enterprise = ? AND used_at IS NULL AND expires_at > ? AND tries < ?
                """, id, enterprise, now, StepUps.triesPerCode)
            guard changed == 1 else { return false }
            return try transaction.row("SELECT id FROM sms_code WHERE id = ? AND code_hash = ?", id, codeHash) != nil
        }
    }

    /// Uses a code up that was found right, together with the consent.
    func useCode(_ request: CheckStepUp, notice: String, at now: Instant, key: IdempotencyKey) async throws -> StepUp {
        try await database.once(key, at: now) { transaction in
            let changed = try transaction.execute(
                "UPDATE sms_code SET used_at = ? WHERE id = ? AND used_at IS NULL", now, request.smsCode)
            guard changed == 1,
                let code = try transaction.row("SELECT mobile FROM sms_code WHERE id = ?", request.smsCode)
            else { throw Problem(.smsCodeWrong) }
            guard
                let consent = try transaction.row(
                    "SELECT version, hash, at FROM consent WHERE id = ? AND enterprise = ? AND version = ?",
                    request.consent, request.enterprise, notice)
            else { throw Problem(.consentMissing) }
            return StepUp(
                mobile: try code["mobile"], mobileVerifiedAt: now, consentVersion: try consent["version"],
                consentHash: try consent["hash"], consentAt: try consent["at"])
        }
    }
}
