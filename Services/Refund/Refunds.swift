import Contracts
import ServiceRuntime

/// Giving a policy back (R4 to R6). Whether that is allowed is decided in Order, which owns policy and lot; here it is
/// carried through.
struct Refunds: Sendable {
    let store: Store
    let orders: Client<OrderAPI>
    let insurers: Insurers
    let clock: ServiceClock

    /// 申请退保 (R4). The request is stored before Order is asked, so that a lost answer is found again under its ID.
    func request(_ request: RequestRefund, by person: Person, key: IdempotencyKey) async throws -> RefundDetails {
        if let stored: RefundDetails = try await store.database.stored(key) { return stored }
        let refund = try await store.open(
            request, for: person.enterprise, standing: person.standing, at: clock.now)
        guard refund.state == .applied else { return refund.details }
        let decision = try await ask(refund, as: person.standing)
        return try await store.allow(refund.id, decision, at: clock.now, key: key)
    }

    /// Asks Order. Only a word on the policy itself ends the request: that one person may not ask says nothing about the
    /// next one.
    private func ask(_ refund: Refund, as standing: Standing) async throws -> SurrenderDecision {
        do {
            return try await orders.call(
                .askSurrender, refund.order,
                AskSurrender(
                    refund: refund.id, enterprise: refund.enterprise, standing: standing, reason: refund.reason),
                key: refund.id.text)
        } catch let problem as Problem where Self.isFinal(problem.code) {
            try await store.refuse(refund.id, note: problem.code.rawValue, at: clock.now)
            throw problem
        }
    }

    private static func isFinal(_ code: ProblemCode) -> Bool {
        [.refundAfterOpening, .refundNotInRegion, .refundNoLivePolicy, .notFound].contains(code)
    }

    func refunds(of order: OrderID, for person: Person) async throws -> [RefundDetails] {
        try await store.refunds(of: order, for: person.enterprise).map(\.details)
    }

    func refund(_ id: RefundID, for person: Person) async throws -> RefundDetails {
        guard let refund = try await store.refund(id), refund.enterprise == person.enterprise else {
            throw Problem(.notFound)
        }
        return refund.details
    }

    /// 完善退保账户信息 (R5): the account that paid, or another one in the bidder's own name.
    func fill(_ id: RefundID, _ request: FillRefundAccount, by person: Person) async throws -> RefundDetails {
        guard let refund = try await store.refund(id), refund.enterprise == person.enterprise,
            let decision = refund.decision
        else { throw Problem(.notFound) }
        let account = request.account ?? decision.payer
        guard account.name.isSameName(as: person.name) else {
            throw Problem(.accountNameDiffers, field: "/account/name")
        }
        // Where the money goes is for the enterprise itself to say.
        guard account == decision.payer || person.standing == .holder else { throw Problem(.rightMissing) }
        return try await store.fill(id, account, at: clock.now).details
    }

    /// The insurer's word (R6).
    ///
    /// - Parameter insurers: who says so; nil when we asked. Nobody decides on another insurer's policies.
    func decide(_ notice: SurrenderNotice, from insurers: Set<String>? = nil) async throws {
        if let insurers {
            guard let refund = try await store.refund(notice.refund), let decision = refund.decision,
                insurers.contains(decision.insurer)
            else { throw Problem(.notFound) }
        }
        try await store.decide(notice.refund, isApproved: notice.isApproved, note: notice.note, at: clock.now)
    }

    func take(_ envelope: EventEnvelope) async throws {
        switch envelope.event {
        case .surrenderAllowed(let allowed):
            try await store.allow(allowed.refund, allowed.decision, message: envelope.id, at: clock.now)
        case .payoutDone(let result): try await store.settle(result, isDone: true, message: envelope.id, at: clock.now)
        case .payoutFailed(let result):
            try await store.settle(result, isDone: false, message: envelope.id, at: clock.now)
        case .paymentReceived, .paymentSentBack, .paymentExpired, .surrenderRefused, .surrenderDone, .policyIssued:
            break
        }
    }

    // MARK: Background

    func askInsurer(_ id: RefundID, isRepeated: Bool) async throws {
        guard let refund = try await store.refund(id), refund.state == .reviewing, let decision = refund.decision else {
            return
        }
        let answer = try await insurers.ask(id, decision, isRepeated: isRepeated)
        if let isApproved = answer.isApproved {
            try await decide(SurrenderNotice(refund: id, isApproved: isApproved, note: answer.note))
        }
    }

    /// Asks about reviews whose answer may have been lost, and carries on with requests that a crash cut off. One that
    /// cannot be asked about does not hide the others.
    func askAgain() async throws {
        let limit = clock.now - .seconds(3)
        for id in try await store.refunds(in: .reviewing, since: limit) {
            if let answer = try? await insurers.answer(to: id), let isApproved = answer.isApproved {
                try await decide(SurrenderNotice(refund: id, isApproved: isApproved, note: answer.note))
            }
        }
        for id in try await store.refunds(in: .applied, since: limit) {
            guard let refund = try await store.refund(id), let standing = refund.standing else { continue }
            if let decision = try? await ask(refund, as: standing) {
                try await store.allow(id, decision, message: MessageID(), at: clock.now)
            }
        }
    }
}
