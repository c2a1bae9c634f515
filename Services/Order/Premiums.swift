import Contracts
import Persistence
import ServiceRuntime

/// 确定付款, and what Payment says afterwards (A9, A10).
struct Premiums: Sendable {
    let store: Store
    let regions: Regions
    let auth: Client<AuthAPI>
    let payments: Client<PaymentAPI>
    let clock: ServiceClock

    /// Where and how to pay. Asked again, it is the same payment order.
    func pay(_ id: OrderID, by person: Person, key: IdempotencyKey) async throws -> PaymentInstruction {
        if let stored: PaymentInstruction = try await store.database.stored(key) { return stored }
        guard let (order, lot) = try await store.orderAndLot(id), order.enterprise == person.enterprise else {
            throw Problem(.notFound)
        }
        let now = clock.now
        if let instruction = order.instruction {
            // Whoever paid on a dead order would get the money back, and lose a day.
            guard order.payment == .awaiting, lot.takesApplications(at: now) else { throw Problem(.wrongState) }
            return instruction
        }
        guard order.application == .approved, let quote = order.quote else { throw Problem(.wrongState) }
        guard lot.takesApplications(at: now) else { throw Problem(.lotClosed) }
        guard now < quote.validUntil else { throw Problem(.quoteExpired) }
        try await auth.permit(
            .pay, on: id, version: order.version, premium: quote.premium, for: person.enterprise, as: person.standing)
        let rules = try regions.rules(for: lot.details.region)
        let created = try await payments.call(
            .createPaymentOrder,
            CreatePaymentOrder(
                order: id, enterprise: order.enterprise, payerName: order.applicant.name,
                basicAccount: order.applicant.basicAccount,
                requiresBasicAccount: rules.requiresBasicAccount, amount: quote.premium, expiresAt: quote.validUntil,
                region: lot.details.region, payouts: rules.payouts),
            key: id.text)
        return try await store.database.once(key, at: now) { transaction in
            guard var (order, _) = try transaction.orderAndLot(id) else { throw Problem(.notFound) }
            if let instruction = order.instruction { return instruction }
            guard order.application == .approved else { throw Problem(.wrongState) }
            try order.advance(PaymentState.Event.request)
            order.instruction = created.instruction
            order.paymentOrder = created.instruction.paymentOrder
            try transaction.update(&order, at: now)
            return created.instruction
        }
    }

    func take(_ envelope: EventEnvelope) async throws {
        let now = clock.now
        try await store.database.write { transaction in
            guard try transaction.takeIn(envelope.id, at: now) else { return }
            switch envelope.event {
            case .paymentReceived(let received): try take(received, transaction, at: now)
            case .paymentSentBack(let sentBack): try Self.take(sentBack, transaction, at: now)
            case .paymentExpired(let id):
                guard var (order, _) = try transaction.orderAndLot(id) else { throw Problem(.notFound) }
                try order.advance(PaymentState.Event.expire)
                if order.application == .approved { try order.advance(ApplicationState.Event.expire) }
                try transaction.update(&order, at: now)
            case .surrenderRefused(let id, let refund): try Surrenders.refuse(id, refund, transaction, at: now)
            case .surrenderDone(let id, let refund): try Surrenders.finish(id, refund, transaction, at: now)
            case .payoutDone, .payoutFailed, .surrenderAllowed, .policyIssued: break
            }
        }
    }

    /// The premium is there: the policy is ordered, or the money goes back if nobody can use it any more.
    private func take(_ received: PaymentReceived, _ transaction: Transaction, at now: Instant) throws {
        guard case (var order, let lot)? = try transaction.orderAndLot(received.order) else { throw Problem(.notFound) }
        // The event may overtake the reply that told us of the payment order.
        if order.payment == .none { try order.advance(PaymentState.Event.request) }
        try order.advance(PaymentState.Event.receive)
        try order.advance(PaymentState.Event.accept)
        order.payer = received.payer
        order.paymentOrder = received.paymentOrder
        order.paymentNote = nil
        // The bank's time decides: who paid before the opening is covered, however late we hear of it.
        if order.application == .approved, lot.covers(received.at) {
            try order.advance(PolicyState.Event.order)
            // Fixed here, so that every attempt asks the insurer for the same.
            order.coverage = try regions.rules(for: lot.details.region).coverage(
                opening: lot.details.opening, issuedAt: now, validityDays: lot.details.validityDays)
            try transaction.send(OrderMessage.issue(order.id), at: now)
        } else {
            if order.application == .approved { try order.advance(ApplicationState.Event.expire) }
            try transaction.send(OrderMessage.returnPayment(order.id, received.paymentOrder, .orderClosed), at: now)
        }
        try transaction.update(&order, at: now)
    }

    private static func take(_ sentBack: PaymentSentBack, _ transaction: Transaction, at now: Instant) throws {
        guard var (order, _) = try transaction.orderAndLot(sentBack.order) else { throw Problem(.notFound) }
        order.paymentNote = sentBack.reason
        if sentBack.reason == .orderClosed { try order.advance(PaymentState.Event.refundRest) }
        try transaction.notify(order, "您支付的 \(sentBack.amount.text) 元未能入账，正在原路退回，请登录平台查看原因。", at: now)
        try transaction.update(&order, at: now)
    }
}
