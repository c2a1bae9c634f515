import Contracts
import Logging
import Persistence
import ServiceRuntime

/// Premiums in, refunds and strays out (A9, R6).
struct Payments: Sendable {
    /// The bank is asked about a payout that it has had for this long without a word.
    private static let silence = Duration.seconds(10)

    let store: Store
    let bank: Bank
    /// Where a region says nothing, and for money that belongs to none.
    let rules: PayoutRules
    let clock: ServiceClock
    let logger: Logger

    // MARK: For other services

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

    func take(_ envelope: EventEnvelope) async throws {
        switch envelope.event {
        case .policyIssued(let issued): try await store.earn(issued, message: envelope.id, at: clock.now)
        case .paymentReceived, .paymentSentBack, .paymentExpired, .payoutDone, .payoutFailed, .surrenderAllowed,
            .surrenderRefused, .surrenderDone:
            break
        }
    }

    /// Order cannot use what was paid.
    func sendBack(_ id: PaymentOrderID, because reason: PaymentSentBack.Reason, key: IdempotencyKey) async throws
        -> Nothing
    {
        try await store.sendBack(id, because: reason, rules: rules, at: clock.now, key: key)
    }

    func refund(_ request: CreatePayout, key: IdempotencyKey) async throws -> PayoutDetails {
        try await store.refund(request, rules: rules, at: clock.now, key: key)
    }

    func payout(_ id: PayoutID) async throws -> PayoutDetails {
        guard let payout = try await store.payout(id) else { throw Problem(.notFound) }
        return payout.details()
    }

    // MARK: For operators

    func decide(_ id: PayoutID, _ request: DecidePayout, by person: Person, key: IdempotencyKey) async throws
        -> PayoutDetails
    {
        switch request.decision {
        case .release:
            try await store.release(id, to: request.account, by: person.enterprise, at: clock.now, key: key)
        case .refuse: try await store.refuse(id, at: clock.now, key: key)
        }
    }

    func pause(_ request: PayoutSwitch, by person: Person) async throws -> PayoutSwitch {
        try await store.pausePayouts(request.isPaused, by: person.enterprise, at: clock.now)
        return request
    }

    // MARK: The bank's word

    /// By callback or from its statement; the same movement may be told any number of times. What does not fit is kept
    /// for a person and is no reason to refuse what comes behind it.
    func take(_ notice: BankNotice) async throws {
        switch notice.kind {
        case .credit:
            guard let payer = notice.payer, notice.amount > .zero else {
                return try await keep(notice, because: "credit_without_payer_or_amount")
            }
            let credit = Credit(
                transaction: notice.transaction, amount: notice.amount, reference: notice.reference ?? "", payer: payer,
                isBasicAccount: notice.isBasicAccount ?? false, at: notice.at)
            if try await !store.book(credit, rules: rules, at: clock.now) {
                try await keep(notice, because: "credit_told_otherwise")
            }
        case .payoutDone, .payoutFailed:
            guard let key = notice.key else { return try await keep(notice, because: "payout_without_key") }
            try await settle(key, isDone: notice.kind == .payoutDone, transaction: notice.transaction) {
                try await keep(notice, because: $0)
            }
        }
    }

    private func keep(_ notice: BankNotice, because reason: String) async throws {
        let told = JSONColumn(notice).sql
        guard case .text(let text) = told else { return }
        if try await store.keepUnexplained(notice.transaction, text, because: reason, at: clock.now) {
            logger.error(
                "the bank told something that does not fit",
                metadata: ["transaction": "\(notice.transaction)", "reason": "\(reason)"])
        }
    }

    /// - Parameter unexplained: what is done with a word that fits nothing.
    private func settle(
        _ key: MessageID, isDone: Bool, transaction: String, _ unexplained: (String) async throws -> Void
    ) async throws {
        switch try await store.settle(
            key, isDone: isDone, transaction: transaction, isConfirmed: false, at: clock.now)
        {
        case .settled, .knownBefore: return
        case .unknown: return try await unexplained("payout_unknown")
        case .contradiction: break
        }
        // One word against the other: what the bank says when it is asked counts.
        let status = try await bank.status(of: key)
        let isConfirmed = status?.state == (isDone ? .done : .failed)
        let result =
            isConfirmed
            ? try await store.settle(
                key, isDone: isDone, transaction: transaction, isConfirmed: true, at: clock.now) : .contradiction
        switch result {
        case .settled, .knownBefore: return
        case .unknown, .contradiction: try await unexplained("payout_contradicted")
        }
    }

    // MARK: Background

    /// Carries out one payout; called again until the bank has answered.
    func payOut(_ id: PayoutID, key: MessageID, isRepeated: Bool) async throws {
        guard let payout = try await store.payout(id), payout.state == .sending else { return }
        guard try await !store.arePayoutsPaused() else { throw Problem(.unavailable, "payouts are paused") }
        let status: BankPayoutStatus
        do {
            status = try await bank.payOut(
                payout.amount, to: payout.account, purpose: payout.purpose, key: key, isRepeated: isRepeated)
        } catch let problem as Problem where [400, 409, 422].contains(problem.code.status) {
            // The bank does not take it, now or ever. That it knows nothing of it has to be heard from itself.
            guard try await bank.status(of: key) == nil else { throw problem }
            status = BankPayoutStatus(state: .failed)
        }
        try await take(status, of: key)
    }

    /// What the notice, or the statement, may have told already.
    private func take(_ status: BankPayoutStatus, of key: MessageID) async throws {
        guard status.state == .done || status.state == .failed else { return }
        let transaction = status.transaction ?? key.text
        try await settle(key, isDone: status.state == .done, transaction: transaction) { reason in
            if try await store.keepUnexplained(transaction, key.text, because: reason, at: clock.now) {
                logger.error(
                    "the bank told something that does not fit",
                    metadata: ["transaction": "\(transaction)", "reason": "\(reason)"])
            }
        }
    }

    /// Reads what the statement has beyond the last look: notices get lost.
    ///
    /// - Returns: until when everything that the bank booked is known here.
    func readStatement() async throws -> Instant {
        while true {
            let position = try await store.statementPosition()
            let statement = try await bank.statement(after: position)
            for line in statement.notices {
                switch line {
                case .notice(let notice): try await take(notice)
                case .unreadable: logger.error("a line of the bank's statement cannot be read")
                }
            }
            // A bank that does not say its time is taken to know everything that is some minutes old.
            if statement.position == position { return statement.at ?? clock.now - .minutes(5) }
            try await store.setStatementPosition(statement.position)
        }
    }

    /// Only behind a look at the statement: whoever paid in time is not told that time has run out.
    func expire() async throws {
        let read = try await readStatement()
        try await store.expire(at: clock.now, statementReadUntil: read)
    }

    /// Asks about payouts of which nothing is heard, and sends what waited for time only.
    func followPayouts() async throws {
        let now = clock.now
        for payout in try await store.unanswered(since: now - Self.silence) {
            do {
                if let status = try await bank.status(of: payout.bankKey) {
                    try await take(status, of: payout.bankKey)
                } else {
                    try await store.resend(payout, at: now)
                }
            } catch let problem as Problem {
                // One that cannot be asked about does not keep the others waiting.
                logger.warning(
                    "a payout cannot be followed",
                    metadata: ["payout": "\(payout.id)", "cause": "\(problem.code.rawValue)"])
            }
        }
        try await store.releaseDue(rules: rules, at: now)
    }
}
