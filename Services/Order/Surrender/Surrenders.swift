import Contracts
import Persistence
import ServiceRuntime

/// Giving a policy back: decided here, where lot and policy are, in one transaction that also stops the policy (R1 to R6).
struct Surrenders: Sendable {
    let store: Store
    let regions: Regions
    let auth: Client<AuthAPI>
    let clock: ServiceClock

    /// Refund asks under the refund's own ID; asked again, by whomever, it gets the same decision.
    func decide(_ id: OrderID, _ request: AskSurrender) async throws -> SurrenderDecision {
        guard let (order, _) = try await store.orderAndLot(id), order.enterprise == request.enterprise else {
            throw Problem(.notFound)
        }
        if let decision = order.surrender(for: request.refund) { return decision }
        try await permit(order, request)
        let regions = regions
        let clock = clock
        return try await store.database.write { transaction in
            // Taken inside the transaction: whoever commits first, this or the opening, has decided.
            let now = clock.now
            guard case (var order, let lot)? = try transaction.orderAndLot(id), order.enterprise == request.enterprise
            else {
                throw Problem(.notFound)
            }
            if let decision = order.surrender(for: request.refund) { return decision }
            let rules = try regions.rules(for: lot.details.region)
            let ground = try surrenderGround(
                policy: order.policy, tender: lot.details.state, isOpened: lot.isOpened, opening: lot.details.opening,
                rules: rules, at: now)
            guard let issued = order.issued, let insurer = order.insurer, let quote = order.quote,
                let payer = order.payer
            else { throw Problem(.refundNoLivePolicy) }
            try order.advance(PolicyState.Event.askSurrender)
            order.refund = request.refund
            let decision = SurrenderDecision(
                order: id, enterprise: order.enterprise, policyNumber: issued.number, insurer: insurer.id,
                amount: quote.premium, ground: ground, rulesVersion: rules.version, payer: payer, decidedAt: now)
            order.surrender = decision
            try transaction.update(&order, at: now)
            try transaction.send(
                OrderMessage.toRefund(.surrenderAllowed(SurrenderAllowed(refund: request.refund, decision: decision))),
                at: now)
            return decision
        }
    }

    private func permit(_ order: InsuranceOrder, _ request: AskSurrender) async throws {
        guard request.standing != .holder else { return }
        guard let premium = order.quote?.premium else { throw Problem(.refundNoLivePolicy) }
        try await auth.permit(
            .refund, on: order.id, version: order.version, premium: premium, for: request.enterprise,
            as: request.standing)
    }

    /// The insurer refused: the policy lives again, and is opened at once when the bids were in the meantime.
    static func refuse(_ id: OrderID, _ refund: RefundID, _ transaction: Transaction, at now: Instant) throws {
        guard case (var order, let lot)? = try transaction.orderAndLot(id) else { throw Problem(.notFound) }
        guard order.refund == refund, order.policy == .surrendering else { return }
        if lot.isOpened {
            try order.advance(PolicyState.Event.refuseSurrenderAfterOpening)
            try transaction.send(OrderMessage.endorse(id), at: now)
        } else {
            try order.advance(PolicyState.Event.refuseSurrender)
        }
        order.refund = nil
        order.surrender = nil
        try transaction.notify(order, "您的退保申请未通过保险公司审核，保单继续有效。", at: now)
        try transaction.update(&order, at: now)
    }

    /// 退保成功.
    static func finish(_ id: OrderID, _ refund: RefundID, _ transaction: Transaction, at now: Instant) throws {
        guard var (order, _) = try transaction.orderAndLot(id) else { throw Problem(.notFound) }
        guard order.refund == refund, order.policy == .surrendering else { return }
        try order.advance(PolicyState.Event.surrender)
        try order.advance(PaymentState.Event.refundRest)
        try transaction.notify(order, "退保成功，保费已退回。", at: now)
        try transaction.update(&order, at: now)
    }
}
