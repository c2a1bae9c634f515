import Contracts
import Cryptography
import Persistence

extension PaymentOrder {
    var details: PaymentOrderDetails {
        PaymentOrderDetails(
            instruction: PaymentInstruction(
                paymentOrder: id, amount: amount, payTo: payTo, reference: reference,
                onlyFrom: requiresBasicAccount ? basicAccount : nil, expiresAt: expiresAt),
            order: order, state: state)
    }
}

/// The SQL of payment orders and of money that comes in. Each movement stands in one transaction with its ledger entry
/// and its message.
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
                    amount, reference, pay_to, state, expires_at, region, payout_rules)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO NOTHING
                """, PaymentOrderID(), request.order, request.enterprise, request.payerName,
                JSONColumn(request.basicAccount), request.requiresBasicAccount, request.amount, reference,
                JSONColumn(payTo), try PaymentState.none.applying(.request), request.expiresAt, request.region ?? "",
                request.payouts.map { JSONColumn($0) })
            guard let order = try Self.paymentOrder("order_id", request.order, in: transaction) else {
                throw Problem(.notFound)
            }
            return order.details
        }
    }

    func paymentOrder(_ id: PaymentOrderID) async throws -> PaymentOrder? {
        try await database.read { try Self.paymentOrder("id", id, in: $0) }
    }

    static func paymentOrder(
        _ column: String, _ value: any SQLRepresentable, in transaction: Transaction
    ) throws -> PaymentOrder? {
        guard
            let row = try transaction.row(
                """
                SELECT id, order_id, enterprise, payer_name, basic_account, requires_basic_account, amount, reference,
                    pay_to, state, expires_at, payer, region, payout_rules, received, returned
                FROM payment_order WHERE \(column) = ?
                """, value)
        else { return nil }
        let basicAccount: JSONColumn<AccountReference> = try row["basic_account"]
        let payTo: JSONColumn<AccountReference> = try row["pay_to"]
        let payer: JSONColumn<AccountReference>? = try row["payer"]
        let rules: JSONColumn<PayoutRules>? = try row["payout_rules"]
        return PaymentOrder(
            id: try row["id"], order: try row["order_id"], enterprise: try row["enterprise"],
            payerName: try row["payer_name"], basicAccount: basicAccount.value,
            requiresBasicAccount: try row["requires_basic_account"], amount: try row["amount"],
            reference: try row["reference"], payTo: payTo.value, state: try row["state"],
            expiresAt: try row["expires_at"], payer: payer?.value, region: try row["region"],
            payouts: rules?.value, received: try row["received"], returned: try row["returned"])
    }

    /// Ends orders whose time ran out.
    ///
    /// - Parameter read: what the bank booked until then is known here.
    func expire(at now: Instant, statementReadUntil read: Instant) async throws {
        try await database.write { transaction in
            let late = try transaction.rows(
                "SELECT id, order_id FROM payment_order WHERE state = 'awaiting' AND expires_at < ? LIMIT 100",
                min(now, read))
            for row in late {
                let id: PaymentOrderID = try row["id"]
                let changed = try transaction.execute(
                    "UPDATE payment_order SET state = ? WHERE id = ? AND state = 'awaiting'",
                    try PaymentState.awaiting.applying(.expire), id)
                guard changed == 1 else { continue }
                try transaction.send(PaymentMessage.toOrder(.paymentExpired(order: try row["order_id"])), at: now)
            }
        }
    }

    // MARK: Money in

    /// Books money that came in, and applies it or sends it back. A movement that was booked before changes nothing; one
    /// that the bank now tells otherwise is written down for a person.
    ///
    /// - Returns: false when it contradicts what was told before.
    func book(_ credit: Credit, rules: PayoutRules, at now: Instant) async throws -> Bool {
        try await database.write { try Self.book(credit, rules: rules, in: $0, at: now) }
    }

    static func book(
        _ credit: Credit, rules: PayoutRules, in transaction: Transaction, at now: Instant
    ) throws -> Bool {
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
            credit.at, outcome)
        guard added == 1 else { return try Self.isKnown(credit, in: transaction) }
        try transaction.transfer(
            credit.amount, debit: .bank, credit: .suspense, order: order?.order, for: credit.transaction,
            as: credit.transaction, at: now)
        guard let order, let decision else {
            try Self.payBack(credit, for: nil, rules: rules, in: transaction, at: now)
            return true
        }
        switch decision {
        case .apply:
            let state = try order.state.applying(.receive).applying(.accept)
            let changed = try transaction.execute(
                "UPDATE payment_order SET state = ?, payer = ?, received = ? WHERE id = ? AND state = ?", state,
                JSONColumn(credit.payer), credit.amount, order.id, order.state)
            guard changed == 1 else { throw Problem(.versionConflict) }
            try transaction.transfer(
                credit.amount, debit: .suspense, credit: .bidderClearing, order: order.order,
                for: credit.transaction, at: now)
            try transaction.send(
                PaymentMessage.toOrder(
                    .paymentReceived(
                        PaymentReceived(
                            order: order.order, paymentOrder: order.id, amount: credit.amount, payer: credit.payer,
                            at: credit.at))), at: now)
        case .sendBack(let reason):
            try Self.payBack(credit, for: order, rules: rules, in: transaction, at: now)
            try transaction.send(
                PaymentMessage.toOrder(
                    .paymentSentBack(
                        PaymentSentBack(order: order.order, amount: credit.amount, reason: reason))), at: now)
        }
        return true
    }

    private static func isKnown(_ credit: Credit, in transaction: Transaction) throws -> Bool {
        guard
            let row = try transaction.row(
                "SELECT amount, reference, payer FROM credit WHERE bank_transaction = ?", credit.transaction)
        else { return false }
        let payer: JSONColumn<AccountReference> = try row["payer"]
        return try row["amount"] == credit.amount && row["reference"] == credit.reference
            && payer.value == credit.payer
    }

    private static func payBack(
        _ credit: Credit, for order: PaymentOrder?, rules: PayoutRules, in transaction: Transaction, at now: Instant
    ) throws {
        try transaction.transfer(
            credit.amount, debit: .suspense, credit: .returnsPayable, order: order?.order, for: credit.transaction,
            at: now)
        try add(
            Payout(
                purpose: "退回 \(credit.transaction)", credit: credit.transaction, order: order, amount: credit.amount,
                account: credit.payer), rules: order?.payouts ?? rules, in: transaction, at: now)
    }

    /// What the bank told and nobody here understands; kept for reconciliation.
    ///
    /// - Returns: whether it is new.
    func keepUnexplained(_ transaction: String, _ told: String, because reason: String, at now: Instant) async throws
        -> Bool
    {
        try await database.write {
            try $0.execute(
                """
                INSERT INTO unexplained (bank_transaction, told, reason, at) VALUES (?, ?, ?, ?)
                ON CONFLICT (bank_transaction, reason) DO NOTHING
                """, transaction, told, reason, now) == 1
        }
    }

    // MARK: Premiums

    /// The policy is issued: the premium belongs to the insurer and the provider from here on, as far as it was not given
    /// back in the meantime.
    func earn(_ issued: PolicyIssued, message: MessageID, at now: Instant) async throws {
        try await database.write { transaction in
            guard try transaction.takeIn(message, at: now) else { return }
            guard let order = try Self.paymentOrder("order_id", issued.order, in: transaction) else {
                throw Problem(.notFound)
            }
            let rest = order.received - order.returned
            let shares = PremiumShares(
                of: issued.premium, commission: issued.commission, vatPercent: Int64(issued.vatPercent))
            let earned = rest >= shares.total ? shares : shares.part(max(rest, .zero))
            let added = try transaction.execute(
                """
                INSERT INTO earned (order_id, policy_number, insurer, provider, insurer_share, provider_share, tax_share)
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO NOTHING
                """, issued.order, issued.policyNumber, issued.insurer, issued.provider, earned.insurer,
                earned.provider, earned.tax)
            guard added == 1 else { return }
            for (account, amount) in [
                (LedgerAccount.insurer(issued.insurer), earned.insurer), (.provider(issued.provider), earned.provider),
                (.tax, earned.tax),
            ] {
                try transaction.transfer(
                    amount, debit: .bidderClearing, credit: account, order: issued.order, for: issued.policyNumber,
                    at: now)
            }
            try Self.tell(
                .premium, earned, of: issued.order, issued.policyNumber, issued.insurer, issued.provider,
                in: transaction, at: now)
        }
    }

    /// Insurer and provider learn what they are owed, or owe back.
    private static func tell(
        _ kind: Settlement.Kind, _ shares: PremiumShares, of order: OrderID, _ policyNumber: String, _ insurer: String,
        _ provider: String, in transaction: Transaction, at now: Instant
    ) throws {
        guard shares.total > .zero else { return }
        let settlement = Settlement(
            id: MessageID(), kind: kind, order: order, policyNumber: policyNumber, insurer: insurer, provider: provider,
            insurerShare: shares.insurer, providerShare: shares.provider, tax: shares.tax, at: now)
        try transaction.execute(
            """
            INSERT INTO settlement (id, kind, order_id, details, at) VALUES (?, ?, ?, ?, ?)
            """, settlement.id, kind.rawValue, order, JSONColumn(settlement), now)
        try transaction.send(PaymentMessage.tellInsurer(settlement), at: now)
        try transaction.send(PaymentMessage.tellProvider(settlement), at: now)
    }

    /// Takes `amount` from whoever has it, and owes it to the bidder.
    static func takeBack(
        _ amount: Money, of order: PaymentOrder, to payable: LedgerAccount, for subject: String,
        in transaction: Transaction, at now: Instant
    ) throws {
        guard
            let row = try transaction.row(
                """
                SELECT policy_number, insurer, provider, insurer_share, provider_share, tax_share FROM earned
                WHERE order_id = ?
                """, order.order)
        else {
            return try transaction.transfer(
                amount, debit: .bidderClearing, credit: payable, order: order.order, for: subject, at: now)
        }
        let earned = PremiumShares(
            insurer: try row["insurer_share"], provider: try row["provider_share"], tax: try row["tax_share"])
        let part = earned.part(amount)
        let rest = earned - part
        try transaction.execute(
            "UPDATE earned SET insurer_share = ?, provider_share = ?, tax_share = ? WHERE order_id = ?", rest.insurer,
            rest.provider, rest.tax, order.order)
        for (account, amount) in [
            (LedgerAccount.insurer(try row["insurer"]), part.insurer),
            (.provider(try row["provider"]), part.provider), (.tax, part.tax),
        ] {
            try transaction.transfer(amount, debit: account, credit: payable, order: order.order, for: subject, at: now)
        }
        try tell(
            .refund, part, of: order.order, try row["policy_number"], try row["insurer"], try row["provider"],
            in: transaction, at: now)
    }

    // MARK: The bank's statement

    func statementPosition() async throws -> Int {
        try await database.read { try $0.row("SELECT position FROM statement_position")?["position"] ?? 0 }
    }

    func setStatementPosition(_ position: Int) async throws {
        try await database.write(durability: .relaxed) { transaction in
            try transaction.execute("UPDATE statement_position SET position = ? WHERE position < ?", position, position)
        }
    }
}
