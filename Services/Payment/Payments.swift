import Contracts
import Persistence
import ServiceRuntime

/// Premiums in, refunds and strays out (A9, R6).
struct Payments: Sendable {
    let store: Store
    let bank: Bank
    let clock: ServiceClock

    func create(_ request: CreatePaymentOrder, key: IdempotencyKey) async throws -> PaymentOrderDetails {
        if let stored: PaymentOrderDetails = try await store.database.stored(key) { return stored }
        guard request.amount > .zero else { throw Problem(.invalidField, "must be positive", field: "/amount") }
        let payTo = try await bank.collectionAccount()
        return try await store.create(request, payTo: payTo, at: clock.now, key: key)
    }

    func details(of id: PaymentOrderID) async throws -> PaymentOrderDetails {
        guard let order = try await store.paymentOrder(id) else { throw Problem(.notFound) }
        return order.details
    }

    /// The bank's word, by callback or from its statement; the same movement may be told any number of times.
    func take(_ notice: BankNotice) async throws {
        let now = clock.now
        switch notice.kind {
        case .credit:
            guard let payer = notice.payer, notice.amount > .zero else {
                throw Problem(.invalidField, "a credit has a payer and a positive amount")
            }
            let credit = Credit(
                transaction: notice.transaction, amount: notice.amount, reference: notice.reference ?? "", payer: payer,
                isBasicAccount: notice.isBasicAccount ?? false, at: notice.at)
            try await store.book(credit, at: now)
        case .payoutDone, .payoutFailed:
            guard let key = notice.key else { throw Problem(.invalidField, "is missing", field: "/key") }
            try await store.settle(key, isDone: notice.kind == .payoutDone, transaction: notice.transaction, at: now)
        }
    }

    /// Order cannot use what was paid.
    func sendBack(_ id: PaymentOrderID, because reason: PaymentSentBack.Reason, key: IdempotencyKey) async throws
        -> Nothing
    {
        try await store.sendBack(id, because: reason, at: clock.now, key: key)
    }

    func refund(_ request: CreatePayout, key: IdempotencyKey) async throws -> PayoutDetails {
        try await store.refund(request, at: clock.now, key: key)
    }

    func payout(_ id: PayoutID) async throws -> PayoutDetails {
        guard let payout = try await store.payout(id) else { throw Problem(.notFound) }
        return PayoutDetails(id: payout.id, state: payout.state)
    }

    func trialBalance() async throws -> [AccountBalance] { try await store.trialBalance() }

    // MARK: Background

    /// Carries out one payout; called again until the bank has answered.
    func payOut(_ id: PayoutID, key: MessageID, isRepeated: Bool) async throws {
        guard let payout = try await store.payout(id), payout.state == .sending else { return }
        let status = try await bank.payOut(
            payout.amount, to: payout.account, purpose: payout.purpose, key: key, isRepeated: isRepeated)
        switch status.state {
        case .sending: break  // The notice, or the statement, tells the end.
        case .done, .failed:
            try await store.settle(
                key, isDone: status.state == .done, transaction: status.transaction ?? key.text, at: clock.now)
        }
    }

    /// Reads what the statement has beyond the last look: notices get lost.
    func readStatement() async throws {
        let position = try await store.statementPosition()
        let statement = try await bank.statement(after: position)
        for notice in statement.notices { try await take(notice) }
        if statement.position != position { try await store.setStatementPosition(statement.position) }
    }

    func expire() async throws { try await store.expire(at: clock.now) }
}
