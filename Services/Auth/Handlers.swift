import Contracts
import Cryptography
import ServiceRuntime

/// Who acts for an enterprise beside its holder, and what each may do.
struct Handlers: Sendable {
    private static let invitationLifetime = Duration.days(7)
    /// Sixty random bits against guessing; this against trying.
    private static let triesPerSession = AttemptLimit(limit: 5, window: .hours(1))
    private static let invitationsPerNumber = AttemptLimit(limit: 5, window: .days(1))
    private static let invitationsPerEnterprise = AttemptLimit(limit: 50, window: .days(1))
    /// Who does not come back by then has to ask again.
    static let approvalLifetime = Duration.days(1)

    let store: Store
    let clock: ServiceClock

    // MARK: The holder's decisions

    func invite(_ request: InviteHandler, by person: Person, key: IdempotencyKey) async throws -> EnterpriseHandler {
        try await demandHolder(person)
        try Self.check(request.rights)
        let now = clock.now
        let handler = EnterpriseHandler(
            id: HandlerID(), name: request.name, mobile: request.mobile, rights: request.rights, state: .invited,
            invitedAt: now)
        // Twelve of thirty characters that cannot be mistaken for one another.
        let alphabet = Array("23456789ABCDEFGHJKMNPQRSTUVWXY")
        let code = String((0..<12).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
        let text = TextMessage(
            to: request.mobile,
            text: "【保函平台】\(person.name.text) 邀请您为经办人，邀请码 \(code)，7 天内有效。请用您的证书登录后填写。")
        return try await store.invite(
            handler, of: person, codeHash: Self.hash(code, person.enterprise), until: now + Self.invitationLifetime,
            text: text,
            limits: [
                ("invitations to \(sha256(request.mobile.text.utf8).hex)", Self.invitationsPerNumber),
                ("invitations by \(person.enterprise.text)", Self.invitationsPerEnterprise),
            ], at: now, key: key)
    }

    func list(for person: Person) async throws -> HandlerList {
        try await demandHolder(person)
        return HandlerList(handlers: try await store.handlers(of: person.enterprise))
    }

    func set(_ rights: HandlerRights, of id: HandlerID, by person: Person) async throws -> EnterpriseHandler {
        try await demandHolder(person)
        try Self.check(rights)
        return try await store.set(rights, of: id, by: person, at: clock.now)
    }

    func end(_ id: HandlerID, by person: Person) async throws -> EnterpriseHandler {
        try await demandHolder(person)
        return try await store.end(id, by: person, at: clock.now)
    }

    func certificates(for person: Person) async throws -> CertificateList {
        try await demandHolder(person)
        return CertificateList(certificates: try await store.certificates(of: person.enterprise))
    }

    func assign(_ request: AssignCertificate, by person: Person) async throws -> CertificateList {
        try await demandHolder(person)
        try await store.assign(request, by: person, at: clock.now)
        return try await certificates(for: person)
    }

    /// By a certificate of its own: a trading platform's word is not enough to say who may act for an enterprise.
    private func demandHolder(_ person: Person) async throws {
        guard person.standing == .holder, try await store.beganWithCertificate(person.session) else {
            throw Problem(.rightMissing)
        }
    }

    private static func check(_ rights: HandlerRights) throws {
        guard rights.limit.fen >= 0 else { throw Problem(.invalidField, "must not be negative", field: "/limit") }
    }

    // MARK: The handler

    func accept(_ request: AcceptInvitation, by person: Person) async throws -> EnterpriseHandler {
        let now = clock.now
        let codeHash = Self.hash(request.code.uppercased(), person.enterprise)
        // In a transaction of its own: a wrong guess must not come back with the rollback.
        try await store.admit([("invitation in \(person.session.text)", Self.triesPerSession)], at: now)
        return try await store.accept(codeHash: codeHash, by: person, at: now)
    }

    private static func hash(_ code: String, _ enterprise: EnterpriseID) -> String {
        sha256(Array("\(enterprise.text) \(code)".utf8)).hex
    }

    // MARK: Acts

    /// - Throws: ``ProblemCode/rightMissing``, ``ProblemCode/aboveLimit``, ``ProblemCode/approvalNeeded``,
    ///   ``ProblemCode/approvalRefused``.
    func permit(_ request: AskPermission) async throws {
        switch request.standing {
        case .holder: return
        case .unassigned: throw Problem(.rightMissing)
        case .handler(let id):
            // The request for an approval has to outlive the refusal, so it is thrown after the transaction.
            if let refusal = try await store.permit(request, handler: id, at: clock.now) { throw Problem(refusal) }
        }
    }

    func approvals(for person: Person) async throws -> ApprovalList {
        ApprovalList(approvals: try await store.approvals(for: person, since: clock.now - Self.approvalLifetime))
    }

    func decide(_ id: ApprovalID, _ decision: DecideApproval, by person: Person) async throws -> Approval {
        guard try await store.beganWithCertificate(person.session) else { throw Problem(.rightMissing) }
        return try await store.decide(id, decision.isApproved, by: person, at: clock.now)
    }
}
