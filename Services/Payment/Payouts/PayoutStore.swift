import Contracts
import Persistence

/// Money on its way out, as it is stored.
struct Payout: Sendable {
    let id: PayoutID
    /// By which the bank knows it; stored before the bank hears of it.
    let bankKey: MessageID
    let refund: RefundID?
    /// The bank's number of the movement that is given back; nil for a refund, and for a premium that was applied first.
    let credit: String?
    let order: OrderID?
    let bidder: Words?
    let region: String
    let amount: Money
    let account: AccountReference
    let purpose: String
    var state: PayoutState
    var hold: PayoutHold?
    /// How often the bank was asked to pay this money out, under a new key each time.
    let round: Int
    let createdAt: Instant

    /// A refund goes to whichever account the bidder named, all else to where it came from.
    var isRefund: Bool { refund != nil }
    var payable: LedgerAccount { isRefund ? .refundsPayable : .returnsPayable }

    /// A new one.
    init(
        purpose: String, refund: RefundID? = nil, credit: String? = nil, order: PaymentOrder?, amount: Money,
        account: AccountReference
    ) {
        self.init(
            id: PayoutID(), bankKey: MessageID(), refund: refund, credit: credit, order: order?.order,
            bidder: order?.payerName, region: order?.region ?? "", amount: amount, account: account, purpose: purpose,
            state: .sending, hold: nil, round: 1, createdAt: Instant(milliseconds: 0))
    }

    init(
        id: PayoutID, bankKey: MessageID, refund: RefundID?, credit: String?, order: OrderID?, bidder: Words?,
        region: String, amount: Money, account: AccountReference, purpose: String, state: PayoutState,
        hold: PayoutHold?, round: Int, createdAt: Instant
    ) {
        self.id = id
        self.bankKey = bankKey
        self.refund = refund
        self.credit = credit
        self.order = order
        self.bidder = bidder
        self.region = region
        self.amount = amount
        self.account = account
        self.purpose = purpose
        self.state = state
        self.hold = hold
        self.round = round
        self.createdAt = createdAt
    }

    /// The next round of a return that the bank refused.
    var next: Payout {
        Payout(
            id: PayoutID(), bankKey: MessageID(), refund: refund, credit: credit, order: order, bidder: bidder,
            region: region, amount: amount, account: account, purpose: purpose, state: .held, hold: .bankRefused,
            round: round + 1, createdAt: createdAt)
    }

    func details(releases: Int = 0) -> PayoutDetails {
        PayoutDetails(
            id: id, state: state, hold: hold, order: order, refund: refund, amount: amount, account: account,
            releases: releases, createdAt: createdAt)
    }
}

/// The SQL of payouts.
extension Store {
    // MARK: Reading

    func payout(_ id: PayoutID) async throws -> Payout? {
        try await database.read { try Self.payouts("payout.id = ?", id, in: $0).first }
    }

    func payout(bankKey: MessageID) async throws -> Payout? {
        try await database.read { try Self.payouts("bank_key = ?", bankKey, in: $0).first }
    }

    private static func payouts(
        _ condition: String, _ values: any SQLRepresentable..., in transaction: Transaction
    ) throws -> [Payout] {
        try transaction.rows(
            """
            SELECT payout.id, bank_key, refund, credit, payout.order_id, payer_name, payout.region, payout.amount, account,
                purpose, payout.state, hold, round, created_at
            FROM payout LEFT JOIN payment_order ON payment_order.order_id = payout.order_id
            WHERE \(condition) ORDER BY created_at LIMIT 500
            """, values
        ).map { row in
            let account: JSONColumn<AccountReference> = try row["account"]
            return Payout(
                id: try row["id"], bankKey: try row["bank_key"], refund: try row["refund"], credit: try row["credit"],
                order: try row["order_id"], bidder: try row["payer_name"], region: try row["region"],
                amount: try row["amount"], account: account.value, purpose: try row["purpose"],
                state: try row["state"], hold: try row["hold"], round: try row["round"],
                createdAt: try row["created_at"])
        }
    }

    /// Those that wait for a person, oldest first.
    func heldPayouts() async throws -> [PayoutDetails] {
        try await database.read { transaction in
            try Self.payouts("payout.state = 'held'", in: transaction).map { payout in
                payout.details(releases: try Self.releases(of: payout.id, in: transaction).count)
            }
        }
    }

    private static func releases(of id: PayoutID, in transaction: Transaction) throws -> [(
        person: String, account: AccountReference?
    )] {
        try transaction.rows("SELECT person, account FROM payout_release WHERE payout = ?", id).map { row in
            let account: JSONColumn<AccountReference>? = try row["account"]
            return (try row["person"], account?.value)
        }
    }

    /// Payouts that the bank has had for a while without a word.
    func unanswered(since limit: Instant) async throws -> [Payout] {
        try await database.read { try Self.payouts("payout.state = 'sending' AND updated_at < ?", limit, in: $0) }
    }

    // MARK: New ones

    /// Sends money on its way, or holds it for people.
    static func add(
        _ new: Payout, rules: PayoutRules, in transaction: Transaction, at now: Instant
    ) throws {
        var payout = new
        payout.hold = hold(
            on: PayoutPlan(
                isRefund: payout.isRefund, amount: payout.amount, account: payout.account, bidder: payout.bidder,
                rules: rules, sentToday: try sentToday(in: payout.region, transaction, at: now)))
        payout.state = payout.hold == nil ? .sending : .held
        try insert(payout, releaseAt: payout.hold == .dailyLimit ? now : nil, in: transaction, at: now)
        if payout.state == .sending { try send(payout, in: transaction, at: now) }
    }

    private static func insert(
        _ payout: Payout, releaseAt: Instant?, in transaction: Transaction, at now: Instant
    ) throws {
        try transaction.execute(
            """
            INSERT INTO payout (id, bank_key, refund, credit, order_id, region, amount, account, purpose, state, hold,
                release_at, round, created_at, updated_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, payout.id, payout.bankKey, payout.refund, payout.credit, payout.order, payout.region, payout.amount,
            JSONColumn(payout.account), payout.purpose, payout.state, payout.hold, releaseAt, payout.round, now, now)
    }

    /// The bank knows the payout by the message's ID.
    private static func send(_ payout: Payout, in transaction: Transaction, at now: Instant) throws {
        try count(payout.amount, in: payout.region, transaction, at: now)
        try transaction.send(PaymentMessage.payOut(payout.id), at: now, id: payout.bankKey)
    }

    private static func sentToday(in region: String, _ transaction: Transaction, at now: Instant) throws -> Money {
        try transaction.row("SELECT amount FROM payout_day WHERE region = ? AND day = ?", region, now.day.text)?[
            "amount"] ?? .zero
    }

    private static func count(_ amount: Money, in region: String, _ transaction: Transaction, at now: Instant) throws {
        try transaction.execute(
            """
            INSERT INTO payout_day (region, day, amount) VALUES (?, ?, ?)
            ON CONFLICT (region, day) DO UPDATE SET amount = payout_day.amount + excluded.amount
            """, region, now.day.text, amount)
    }

    /// Returns a premium that was applied, for an order that could not use it any more.
    func sendBack(
        _ id: PaymentOrderID, because reason: PaymentSentBack.Reason, rules: PayoutRules, at now: Instant,
        key: IdempotencyKey
    ) async throws -> Nothing {
        try await database.once(key, at: now) { transaction in
            guard let order = try Self.paymentOrder("id", id, in: transaction), let payer = order.payer else {
                throw Problem(.notFound)
            }
            let amount = order.received - order.returned
            try Self.giveBack(amount, of: order, in: transaction)
            try Self.takeBack(
                amount, of: order, to: .returnsPayable, for: order.id.text, in: transaction, at: now)
            try Self.add(
                Payout(
                    purpose: "退回 \(order.reference)", credit: order.id.text, order: order, amount: amount,
                    account: payer), rules: order.payouts ?? rules, in: transaction, at: now)
            try transaction.send(
                PaymentMessage.toOrder(
                    .paymentSentBack(PaymentSentBack(order: order.order, amount: amount, reason: reason))), at: now)
            return Nothing()
        }
    }

    /// Never more than was received, whoever asks at the same time.
    private static func giveBack(_ amount: Money, of order: PaymentOrder, in transaction: Transaction) throws {
        guard amount > .zero else { throw Problem(.wrongState) }
        guard order.returned + amount <= order.received else { throw Problem(.amountAbovePaid, field: "/amount") }
        let isRest = order.returned + amount == order.received
        let changed = try transaction.execute(
            """
            UPDATE payment_order SET state = ?, returned = returned + ?
            WHERE id = ? AND returned = ? AND returned + ? <= received
            """, try order.state.applying(isRest ? .refundRest : .refundPart), amount, order.id, order.returned, amount)
        guard changed == 1 else { throw Problem(.versionConflict) }
    }

    /// Starts the payout of a refund (R6). Asked again for the same refund, after the bank refused an account, it goes to
    /// the account that is named now, and is not granted a second time.
    func refund(_ request: CreatePayout, rules: PayoutRules, at now: Instant, key: IdempotencyKey) async throws
        -> PayoutDetails
    {
        try await database.once(key, at: now) { transaction in
            guard let order = try Self.paymentOrder("order_id", request.order, in: transaction) else {
                throw Problem(.notFound)
            }
            guard request.amount > .zero else { throw Problem(.invalidField, "must be positive", field: "/amount") }
            let granted = try transaction.row(
                "SELECT order_id, amount FROM refund_grant WHERE refund = ?", request.refund)
            if let granted {
                guard try granted["order_id"] == request.order, try granted["amount"] == request.amount else {
                    throw Problem(.invalidField, "the refund was granted otherwise", field: "/amount")
                }
                let live = try Self.payouts(
                    "refund = ? AND payout.state <> 'failed'", request.refund, in: transaction)
                // Paid after all by the bank that had refused it: there is nothing more to do.
                if let done = live.first(where: { $0.state == .done }) { return done.details() }
                guard live.isEmpty else { throw Problem(.wrongState, "the refund is on its way") }
            } else {
                try Self.giveBack(request.amount, of: order, in: transaction)
                try transaction.execute(
                    "INSERT INTO refund_grant (refund, order_id, amount, at) VALUES (?, ?, ?, ?)", request.refund,
                    request.order, request.amount, now)
                try Self.takeBack(
                    request.amount, of: order, to: .refundsPayable, for: request.refund.text, in: transaction, at: now)
            }
            let payout = Payout(
                purpose: "退保 \(order.reference)", refund: request.refund, order: order, amount: request.amount,
                account: request.account)
            try Self.add(payout, rules: order.payouts ?? rules, in: transaction, at: now)
            guard let stored = try Self.payouts("payout.id = ?", payout.id, in: transaction).first else {
                throw Problem(.notFound)
            }
            return stored.details()
        }
    }

    // MARK: People's decisions

    /// One operator's word. The second one, another person with the same word, releases the money.
    func release(
        _ id: PayoutID, to account: AccountReference?, by person: EnterpriseID, at now: Instant, key: IdempotencyKey
    ) async throws -> PayoutDetails {
        try await database.once(key, at: now) { transaction in
            guard var payout = try Self.payouts("payout.id = ?", id, in: transaction).first else {
                throw Problem(.notFound)
            }
            guard payout.state == .held else { throw Problem(.wrongState) }
            guard account == nil || !payout.isRefund else {
                throw Problem(.invalidField, "the bidder names the account of a refund", field: "/account")
            }
            let added = try transaction.execute(
                "INSERT INTO payout_release (payout, person, account, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                id, person, account.map { JSONColumn($0) }, now)
            guard added == 1 else { throw Problem(.secondPersonNeeded) }
            let releases = try Self.releases(of: id, in: transaction)
            guard releases.allSatisfy({ $0.account == account }) else {
                throw Problem(.invalidField, "the other operator named another account", field: "/account")
            }
            guard releases.count >= 2 else { return payout.details(releases: releases.count) }
            payout.state = .sending
            payout.hold = nil
            let changed = try transaction.execute(
                """
                UPDATE payout SET state = 'sending', hold = NULL, release_at = NULL, account = ?, updated_at = ?
                WHERE id = ? AND state = 'held'
                """, JSONColumn(account ?? payout.account), now, id)
            guard changed == 1 else { throw Problem(.versionConflict) }
            try Self.send(payout, in: transaction, at: now)
            return payout.details(releases: releases.count)
        }
    }

    /// The bidder has to name another account; only a refund can be refused.
    func refuse(_ id: PayoutID, at now: Instant, key: IdempotencyKey) async throws -> PayoutDetails {
        try await database.once(key, at: now) { transaction in
            guard var payout = try Self.payouts("payout.id = ?", id, in: transaction).first else {
                throw Problem(.notFound)
            }
            guard payout.state == .held, payout.isRefund else { throw Problem(.wrongState) }
            let changed = try transaction.execute(
                "UPDATE payout SET state = 'failed', hold = NULL, updated_at = ? WHERE id = ? AND state = 'held'", now,
                id)
            guard changed == 1 else { throw Problem(.versionConflict) }
            payout.state = .failed
            payout.hold = nil
            try Self.tell(payout, isDone: false, in: transaction, at: now)
            return payout.details()
        }
    }

    /// Sends what waited for time only: for the next day, or for another try of a return.
    func releaseDue(rules: PayoutRules, at now: Instant) async throws {
        let due = try await database.read {
            try Self.payouts("payout.state = 'held' AND release_at <= ?", now, in: $0)
        }
        for payout in due {
            try await database.write { transaction in
                if payout.hold == .dailyLimit {
                    let order = try payout.order.flatMap { try Self.paymentOrder("order_id", $0, in: transaction) }
                    let sent = try Self.sentToday(in: payout.region, transaction, at: now)
                    guard sent + payout.amount <= (order?.payouts ?? rules).dailyLimit else { return }
                }
                let changed = try transaction.execute(
                    """
                    UPDATE payout SET state = 'sending', hold = NULL, release_at = NULL, updated_at = ?
                    WHERE id = ? AND state = 'held'
                    """, now, payout.id)
                guard changed == 1 else { return }
                try Self.send(payout, in: transaction, at: now)
            }
        }
    }

    func arePayoutsPaused() async throws -> Bool {
        try await database.read { try $0.row("SELECT is_paused FROM payout_switch")?["is_paused"] ?? false }
    }

    func pausePayouts(_ isPaused: Bool, by person: EnterpriseID, at now: Instant) async throws {
        try await database.write { transaction in
            try transaction.execute(
                "UPDATE payout_switch SET is_paused = ?, person = ?, at = ?", isPaused, person, now)
        }
    }

    // MARK: The bank's word

    /// What became of one word of the bank on a payout.
    enum Reception: Sendable {
        case settled, knownBefore
        /// Nobody here ordered it.
        case unknown
        /// The bank said the opposite before.
        case contradiction
    }

    /// The end of a payout; told twice, it changes nothing.
    ///
    /// - Parameter isConfirmed: whether the bank, asked, stands by a word that contradicts its earlier one.
    func settle(
        _ key: MessageID, isDone: Bool, transaction bankTransaction: String, isConfirmed: Bool, at now: Instant
    ) async throws -> Reception {
        try await database.write { transaction in
            guard let payout = try Self.payouts("bank_key = ?", key, in: transaction).first else { return .unknown }
            switch (payout.state, isDone) {
            case (.done, true), (.failed, false): return .knownBefore
            case (.sending, true): break
            case (.sending, false): break
            // Held, the bank never heard of it.
            case (.held, _): return .contradiction
            case (.done, false): guard isConfirmed else { return .contradiction }
            case (.failed, true):
                guard isConfirmed, try Self.stepAside(for: payout, bankTransaction, in: transaction, at: now) else {
                    return .contradiction
                }
            }
            let changed = try transaction.execute(
                "UPDATE payout SET state = ?, bank_transaction = ?, updated_at = ? WHERE id = ? AND state = ?",
                isDone ? PayoutState.done : .failed, bankTransaction, now, payout.id, payout.state)
            guard changed == 1 else { throw Problem(.versionConflict) }
            if isDone {
                try transaction.transfer(
                    payout.amount, debit: payout.payable, credit: .bank, order: payout.order, for: payout.id.text,
                    as: bankTransaction, at: now)
            } else if payout.state == .done {
                try transaction.transfer(
                    payout.amount, debit: .bank, credit: payout.payable, order: payout.order, for: payout.id.text,
                    as: bankTransaction, at: now)
            }
            try Self.tell(payout, isDone: isDone, in: transaction, at: now)
            return .settled
        }
    }

    /// The bank paid what it had called refused. Another try that has not begun is dropped; one that has is money that
    /// left twice: it stands in suspense until somebody gets it back.
    ///
    /// - Returns: whether there is no other try.
    private static func stepAside(
        for payout: Payout, _ bankTransaction: String, in transaction: Transaction, at now: Instant
    ) throws -> Bool {
        let others = try payouts(
            "(refund = ? OR credit = ?) AND payout.state <> 'failed'", payout.refund, payout.credit, in: transaction)
        for other in others where other.state == .held {
            try transaction.execute(
                "UPDATE payout SET state = 'failed', hold = NULL, release_at = NULL, updated_at = ? WHERE id = ?", now,
                other.id)
        }
        guard others.contains(where: { $0.state != .held }) else { return true }
        let isNew = try transaction.execute(
            """
            INSERT INTO unexplained (bank_transaction, told, reason, at) VALUES (?, ?, 'paid_twice', ?)
            ON CONFLICT (bank_transaction, reason) DO NOTHING
            """, bankTransaction, payout.id.text, now)
        if isNew == 1 {
            try transaction.transfer(
                payout.amount, debit: .suspense, credit: .bank, order: payout.order, for: payout.id.text,
                as: bankTransaction, at: now)
        }
        return false
    }

    /// Tells Refund, or starts the next round of a return.
    private static func tell(_ payout: Payout, isDone: Bool, in transaction: Transaction, at now: Instant) throws {
        if let refund = payout.refund, let order = payout.order {
            let result = PayoutResult(payout: payout.id, refund: refund, order: order, amount: payout.amount)
            try transaction.send(PaymentMessage.toRefund(isDone ? .payoutDone(result) : .payoutFailed(result)), at: now)
        } else if !isDone {
            try insert(
                payout.next, releaseAt: pauseBeforeNextReturn(afterRound: payout.round).map { now + $0 },
                in: transaction, at: now)
        }
    }

    /// Sends a payout's message again, when neither it nor the bank knows of the other.
    func resend(_ payout: Payout, at now: Instant) async throws {
        try await database.write { transaction in
            guard try transaction.row("SELECT id FROM outbox WHERE id = ?", payout.bankKey) == nil else { return }
            let changed = try transaction.execute(
                "UPDATE payout SET updated_at = ? WHERE id = ? AND state = 'sending'", now, payout.id)
            guard changed == 1 else { return }
            try transaction.send(PaymentMessage.payOut(payout.id), at: now, id: payout.bankKey)
        }
    }
}
