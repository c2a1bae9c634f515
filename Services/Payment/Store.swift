import Contracts
import Cryptography
import Persistence

/// A payout as it is stored.
struct Payout: Sendable {
    let id: PayoutID
    let refund: RefundID?
    let order: OrderID?
    let amount: Money
    let account: AccountReference
    let purpose: String
    let state: PayoutState
}

extension PaymentOrder {
    var details: PaymentOrderDetails {
        PaymentOrderDetails(
            instruction: PaymentInstruction(
                paymentOrder: id, amount: amount, payTo: payTo, reference: reference,
                onlyFrom: requiresBasicAccount ? basicAccount : nil, expiresAt: expiresAt),
            order: order, state: state)
    }
}

/// All SQL of Payment. Each movement of money stands in one transaction with its ledger entry and its message.
struct Store: Sendable {
    let database: Database

    // MARK: Payment orders

    /// One payment order per order: a second request for the same order gets the first one.
    func create(
        _ request: CreatePaymentOrder, payTo: AccountReference, at now: Instant, key: IdempotencyKey
    ) async throws -> PaymentOrderDetails {
        try await database.once(key, at: now) { transaction in
            // Ten characters that a person can type at a bank counter.
            let reference = "BH" + sha256(randomBytes(16)).hex.prefix(10).uppercased()
            try transaction.execute(
                """
                INSERT INTO payment_order (id, order_id, enterprise, payer_name, basic_account, requires_basic_account,
                    amount, reference, pay_to, state, expires_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO NOTHING
                """, PaymentOrderID(), request.order, request.enterprise, request.payerName,
                JSONColumn(request.basicAccount), request.requiresBasicAccount, request.amount, reference,
                JSONColumn(payTo), try PaymentState.none.applying(.request), request.expiresAt)
            guard let order = try Self.paymentOrder("order_id", request.order, in: transaction) else {
                throw Problem(.notFound)
            }
            return order.details
        }
    }

    func paymentOrder(_ id: PaymentOrderID) async throws -> PaymentOrder? {
        try await database.read { try Self.paymentOrder("id", id, in: $0) }
    }

    private static func paymentOrder(
        _ column: String, _ value: any SQLRepresentable, in transaction: Transaction
    ) throws -> PaymentOrder? {
        guard
            let row = try transaction.row(
                """
                SELECT id, order_id, enterprise, payer_name, basic_account, requires_basic_account, amount, reference,
                    pay_to, state, expires_at, payer
                FROM payment_order WHERE \(column) = ?
                """, value)
        else { return nil }
        let basicAccount: JSONColumn<AccountReference> = try row["basic_account"]
        let payTo: JSONColumn<AccountReference> = try row["pay_to"]
        let payer: JSONColumn<AccountReference>? = try row["payer"]
        return PaymentOrder(
            id: try row["id"], order: try row["order_id"], enterprise: try row["enterprise"],
            payerName: try row["payer_name"], basicAccount: basicAccount.value,
            requiresBasicAccount: try row["requires_basic_account"], amount: try row["amount"],
            reference: try row["reference"], payTo: payTo.value, state: try row["state"],
            expiresAt: try row["expires_at"], payer: payer?.value)
    }

    /// Ends orders whose time ran out; a notice that is on its way may still say that money came in time, so there is
    /// some grace.
    func expire(at now: Instant) async throws {
        try await database.write { transaction in
            let late = try transaction.rows(
                "SELECT id, order_id FROM payment_order WHERE state = 'awaiting' AND expires_at < ? LIMIT 100",
                now - .minutes(5))
            for row in late {
                let id: PaymentOrderID = try row["id"]
                try transaction.execute(
                    "UPDATE payment_order SET state = ? WHERE id = ? AND state = 'awaiting'",
                    try PaymentState.awaiting.applying(.expire), id)
                try transaction.send(PaymentMessage.toOrder(.paymentExpired(order: try row["order_id"])), at: now)
            }
        }
    }

    // MARK: Money in

    /// Books money that came in, and applies it or sends it back. A movement that was booked before changes nothing.
    func book(_ credit: Credit, at now: Instant) async throws {
        try await database.write { transaction in
            let order = try Self.paymentOrder("reference", credit.reference, in: transaction)
            let decision = order.map { decide(on: credit, for: $0) }
            let outcome =
                switch decision {
                case .apply: "applied"
                case .sendBack(let reason): reason.rawValue
                case nil: "unknown_reference"
                }
            let added = try transaction.execute(
                """
                INSERT INTO credit (bank_transaction, payment_order, amount, reference, payer, at, outcome)
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (bank_transaction) DO NOTHING
                """, credit.transaction, order?.id, credit.amount, credit.reference, JSONColumn(credit.payer),
                credit.at,
                outcome)
            guard added == 1 else { return }
            try transaction.transfer(
                credit.amount, debit: .bank, credit: .suspense, for: credit.transaction, at: now)
            guard let order, let decision else {
                return try Self.payBack(credit, order: nil, in: transaction, at: now)
            }
            switch decision {
            case .apply:
                let state = try order.state.applying(.receive).applying(.accept)
                try transaction.execute(
                    "UPDATE payment_order SET state = ?, payer = ? WHERE id = ?", state, JSONColumn(credit.payer),
                    order.id)
                try transaction.transfer(
                    credit.amount, debit: .suspense, credit: .premiums, for: order.order.text, at: now)
                try transaction.send(
                    PaymentMessage.toOrder(
                        .paymentReceived(
                            PaymentReceived(
                                order: order.order, paymentOrder: order.id, amount: credit.amount, payer: credit.payer,
                                at: credit.at))), at: now)
            case .sendBack(let reason):
                try Self.payBack(credit, order: order.order, in: transaction, at: now)
                try transaction.send(
                    PaymentMessage.toOrder(
                        .paymentSentBack(
                            PaymentSentBack(order: order.order, amount: credit.amount, reason: reason))), at: now)
            }
        }
    }

    private static func payBack(_ credit: Credit, order: OrderID?, in transaction: Transaction, at now: Instant) throws
    {
        try transaction.transfer(
            credit.amount, debit: .suspense, credit: .returnsPayable, for: credit.transaction, at: now)
        try addPayout(
            PayoutID(), refund: nil, order: order, amount: credit.amount, to: credit.payer,
            purpose: "退回 \(credit.transaction)", in: transaction, at: now)
    }

    /// Returns a premium that was applied, for an order that could not use it any more.
    func sendBack(
        _ id: PaymentOrderID, because reason: PaymentSentBack.Reason, at now: Instant, key: IdempotencyKey
    ) async throws -> Nothing {
        try await database.once(key, at: now) { transaction in
            guard let order = try Self.paymentOrder("id", id, in: transaction), let payer = order.payer else {
                throw Problem(.notFound)
            }
            let state = try order.state.applying(.refundRest)
            let changed = try transaction.execute(
                "UPDATE payment_order SET state = ? WHERE id = ? AND state = ?", state, id, order.state)
            guard changed == 1 else { throw Problem(.wrongState) }
            try transaction.transfer(
                order.amount, debit: .premiums, credit: .returnsPayable, for: order.order.text, at: now)
            try Self.addPayout(
                PayoutID(), refund: nil, order: order.order, amount: order.amount, to: payer,
                purpose: "退回 \(order.reference)", in: transaction, at: now)
            try transaction.send(
                PaymentMessage.toOrder(
                    .paymentSentBack(PaymentSentBack(order: order.order, amount: order.amount, reason: reason))),
                at: now)
            return Nothing()
        }
    }

    // MARK: Money out

    private static func addPayout(
        _ id: PayoutID, refund: RefundID?, order: OrderID?, amount: Money, to account: AccountReference,
        purpose: String, in transaction: Transaction, at now: Instant
    ) throws {
        // The bank knows the payout by the message's ID, which is stored before the bank hears of it.
        let key = MessageID()
        try transaction.execute(
            """
            INSERT INTO payout (id, bank_key, refund, order_id, amount, account, purpose, state, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, id, key, refund, order, amount, JSONColumn(account), purpose, PayoutState.sending, now)
        try transaction.send(PaymentMessage.payOut(id), at: now, id: key)
    }

    /// Starts the payout of a refund, never more than what the order paid and never twice (R6).
    func refund(_ request: CreatePayout, at now: Instant, key: IdempotencyKey) async throws -> PayoutDetails {
        try await database.once(key, at: now) { transaction in
            guard let order = try Self.paymentOrder("order_id", request.order, in: transaction) else {
                throw Problem(.notFound)
            }
            guard request.amount == order.amount else {
                throw Problem(.invalidField, "a refund is the whole premium", field: "/amount")
            }
            let state = try order.state.applying(.refundRest)
            let changed = try transaction.execute(
                "UPDATE payment_order SET state = ? WHERE id = ? AND state = ?", state, order.id, order.state)
            guard changed == 1 else { throw Problem(.wrongState) }
            let id = PayoutID()
            try transaction.transfer(
                request.amount, debit: .premiums, credit: .refundsPayable, for: request.order.text, at: now)
            try Self.addPayout(
                id, refund: request.refund, order: request.order, amount: request.amount, to: request.account,
                purpose: "退保 \(order.reference)", in: transaction, at: now)
            return PayoutDetails(id: id, state: .sending)
        }
    }

    func payout(_ id: PayoutID) async throws -> Payout? {
        try await database.read { try Self.payout("id", id, in: $0) }
    }

    private static func payout(
        _ column: String, _ value: any SQLRepresentable, in transaction: Transaction
    ) throws -> Payout? {
        guard
            let row = try transaction.row(
                "SELECT id, refund, order_id, amount, account, purpose, state FROM payout WHERE \(column) = ?", value)
        else { return nil }
        let account: JSONColumn<AccountReference> = try row["account"]
        return Payout(
            id: try row["id"], refund: try row["refund"], order: try row["order_id"], amount: try row["amount"],
            account: account.value, purpose: try row["purpose"], state: try row["state"])
    }

    /// The end of a payout; told twice, it changes nothing.
    func settle(_ key: MessageID, isDone: Bool, transaction bankTransaction: String, at now: Instant) async throws {
        try await database.write { transaction in
            guard let payout = try Self.payout("bank_key", key, in: transaction) else { throw Problem(.notFound) }
            let changed = try transaction.execute(
                "UPDATE payout SET state = ?, bank_transaction = ? WHERE id = ? AND state = ?",
                isDone ? PayoutState.done : .failed, bankTransaction, payout.id, PayoutState.sending)
            guard changed == 1 else { return }
            let payable: LedgerAccount = payout.refund == nil ? .returnsPayable : .refundsPayable
            if isDone {
                try transaction.transfer(payout.amount, debit: payable, credit: .bank, for: payout.id.text, at: now)
            }
            guard let refund = payout.refund, let order = payout.order else { return }
            let result = PayoutResult(payout: payout.id, refund: refund, order: order, amount: payout.amount)
            if !isDone {
                // The premium is ours again until another account is named.
                try transaction.transfer(payout.amount, debit: payable, credit: .premiums, for: payout.id.text, at: now)
                try transaction.execute(
                    "UPDATE payment_order SET state = ? WHERE order_id = ?",
                    try PaymentState.refunded.applying(.undoRefund), order)
            }
            try transaction.send(PaymentMessage.toRefund(isDone ? .payoutDone(result) : .payoutFailed(result)), at: now)
        }
    }

    // MARK: Books

    /// Both sides of every account; their sums are equal because every transfer stands on both.
    func trialBalance() async throws -> [AccountBalance] {
        try await database.read { transaction in
            try LedgerAccount.allCases.map { account in
                let row = try transaction.row(
                    """
                    SELECT (SELECT COALESCE(SUM(amount), 0) FROM transfer WHERE debit = ?) AS debit,
                        (SELECT COALESCE(SUM(amount), 0) FROM transfer WHERE credit = ?) AS credit
                    """, account, account)
                return AccountBalance(
                    account: account.rawValue, debit: try row?["debit"] ?? .zero, credit: try row?["credit"] ?? .zero)
            }
        }
    }

    func statementPosition() async throws -> Int {
        try await database.read { try $0.row("SELECT position FROM statement_position")?["position"] ?? 0 }
    }

    func setStatementPosition(_ position: Int) async throws {
        try await database.write { transaction in
            try transaction.execute("UPDATE statement_position SET position = ? WHERE position < ?", position, position)
        }
    }
}
