import Contracts
import Persistence

/// A refund as it is stored.
struct Refund: Sendable {
    let id: RefundID
    let order: OrderID
    let enterprise: EnterpriseID
    let reason: SurrenderReason
    /// Of the person who asked.
    let standing: Standing?
    let state: RefundState
    /// Order's decision; nil while it is asked.
    let decision: SurrenderDecision?
    let account: AccountReference?
    let note: String?
    let requestedAt: Instant
    let updatedAt: Instant

    var details: RefundDetails {
        RefundDetails(
            id: id, order: order, state: state, amount: decision?.amount, ground: decision?.ground ?? reason,
            rulesVersion: decision?.rulesVersion, payer: decision?.payer, account: account, note: note,
            requestedAt: requestedAt, updatedAt: updatedAt)
    }
}

/// All SQL of Refund.
struct Store: Sendable {
    let database: Database

    // MARK: Reading

    func refund(_ id: RefundID) async throws -> Refund? {
        try await database.read { try Self.refunds("id = ?", id, in: $0).first }
    }

    func refunds(of order: OrderID, for enterprise: EnterpriseID) async throws -> [Refund] {
        try await database.read { transaction in
            try Self.refunds("order_id = ?", order, in: transaction).filter { $0.enterprise == enterprise }
        }
    }

    func refunds(in state: RefundState, since limit: Instant) async throws -> [RefundID] {
        try await database.read { transaction in
            try transaction.rows(
                "SELECT id FROM refund WHERE state = ? AND updated_at < ? ORDER BY RANDOM() LIMIT 100", state, limit
            ).map { try $0["id"] }
        }
    }

    private static func refunds(
        _ condition: String, _ value: any SQLRepresentable, in transaction: Transaction
    ) throws -> [Refund] {
        try transaction.rows(
            """
            SELECT id, order_id, enterprise, reason, standing, state, decision, account, note, requested_at, updated_at
            FROM refund WHERE \(condition) ORDER BY requested_at DESC
            """, value
        ).map { row in
            let decision: JSONColumn<SurrenderDecision>? = try row["decision"]
            let account: JSONColumn<AccountReference>? = try row["account"]
            return Refund(
                id: try row["id"], order: try row["order_id"], enterprise: try row["enterprise"],
                reason: try row["reason"], standing: try row["standing"], state: try row["state"],
                decision: decision?.value, account: account?.value,
                note: try row["note"], requestedAt: try row["requested_at"], updatedAt: try row["updated_at"])
        }
    }

    private static func required(_ id: RefundID, in transaction: Transaction) throws -> Refund {
        guard let refund = try refunds("id = ?", id, in: transaction).first else { throw Problem(.notFound) }
        return refund
    }

    // MARK: Steps

    /// The live refund of an order, or a new one.
    func open(
        _ request: RequestRefund, for enterprise: EnterpriseID, standing: Standing, at now: Instant
    ) async throws -> Refund {
        try await database.write { transaction in
            // Somebody else's request for an order that is not theirs does not stand in the way.
            try transaction.execute(
                "UPDATE refund SET state = ?, updated_at = ? WHERE order_id = ? AND enterprise <> ? AND state = ?",
                try RefundState.applied.applying(.refuse), now, request.order, enterprise, RefundState.applied)
            try transaction.execute(
                """
                INSERT INTO refund (id, order_id, enterprise, reason, standing, state, requested_at, updated_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """, RefundID(), request.order, enterprise, request.reason, standing, RefundState.applied, now, now)
            let live = try Self.refunds("state <> 'rejected' AND order_id = ?", request.order, in: transaction)
            guard let refund = live.first, refund.enterprise == enterprise else { throw Problem(.notFound) }
            return refund
        }
    }

    /// Order allowed it, as its reply says.
    func allow(
        _ id: RefundID, _ decision: SurrenderDecision, at now: Instant, key: IdempotencyKey
    ) async throws -> RefundDetails {
        try await database.once(key, at: now) { transaction in
            try Self.allow(id, decision, in: transaction, at: now)
            return try Self.required(id, in: transaction).details
        }
    }

    /// Order allowed it, as its event says: the remedy for a reply that got lost.
    func allow(_ id: RefundID, _ decision: SurrenderDecision, message: MessageID, at now: Instant) async throws {
        try await database.write { transaction in
            guard try transaction.takeIn(message, at: now) else { return }
            try Self.allow(id, decision, in: transaction, at: now)
        }
    }

    private static func allow(
        _ id: RefundID, _ decision: SurrenderDecision, in transaction: Transaction, at now: Instant
    ) throws {
        // Order's word counts: a request beside it that nobody has decided can only be refused.
        try transaction.execute(
            "UPDATE refund SET state = ?, updated_at = ? WHERE order_id = ? AND id <> ? AND state = ? AND decision IS NULL",
            try RefundState.applied.applying(.refuse), now, decision.order, id, RefundState.applied)
        try transaction.execute(
            """
            UPDATE refund SET state = ?, decision = ?, note = NULL, updated_at = ?
            WHERE id = ? AND decision IS NULL AND state IN (?, ?)
            """, try RefundState.applied.applying(.allow), JSONColumn(decision), now, id, RefundState.applied,
            RefundState.rejected)
    }

    func refuse(_ id: RefundID, note: String, at now: Instant) async throws {
        try await database.write { transaction in
            try transaction.execute(
                "UPDATE refund SET state = ?, note = ?, updated_at = ? WHERE id = ? AND state = ?",
                try RefundState.applied.applying(.refuse), note, now, id, RefundState.applied)
        }
    }

    func fill(_ id: RefundID, _ account: AccountReference, at now: Instant) async throws -> Refund {
        try await database.write { transaction in
            let refund = try Self.required(id, in: transaction)
            guard let decision = refund.decision else { throw Problem(.wrongState) }
            // Filled in twice with the same account, it is one request.
            if refund.account == account, refund.state == .reviewing || refund.state == .sending { return refund }
            let state = try refund.state.applying(.fillAccount)
            try transaction.execute(
                "UPDATE refund SET state = ?, account = ?, updated_at = ? WHERE id = ?",
                state == .approved ? try state.applying(.send) : state, JSONColumn(account), now, id)
            if state == .approved {
                try Self.payOut(id, decision, to: account, in: transaction, at: now)
            } else {
                try transaction.send(RefundMessage.askInsurer(id), at: now)
            }
            return try Self.required(id, in: transaction)
        }
    }

    private static func payOut(
        _ id: RefundID, _ decision: SurrenderDecision, to account: AccountReference, in transaction: Transaction,
        at now: Instant
    ) throws {
        try transaction.send(
            RefundMessage.payOut(
                CreatePayout(refund: id, order: decision.order, amount: decision.amount, account: account)), at: now)
    }

    /// The insurer's decision; told twice, or late, it changes nothing.
    func decide(_ id: RefundID, isApproved: Bool, note: String?, at now: Instant) async throws {
        try await database.write { transaction in
            let refund = try Self.required(id, in: transaction)
            guard refund.state == .reviewing, let decision = refund.decision, let account = refund.account else {
                return
            }
            let state =
                isApproved
                ? try refund.state.applying(.approve).applying(.send) : try refund.state.applying(.refuse)
            try transaction.execute(
                "UPDATE refund SET state = ?, note = ?, updated_at = ? WHERE id = ?", state, note, now, id)
            if isApproved {
                try Self.payOut(id, decision, to: account, in: transaction, at: now)
            } else {
                try transaction.send(
                    RefundMessage.toOrder(.surrenderRefused(order: refund.order, refund: id)), at: now)
            }
        }
    }

    func settle(_ result: PayoutResult, isDone: Bool, message: MessageID, at now: Instant) async throws {
        try await database.write { transaction in
            guard try transaction.takeIn(message, at: now) else { return }
            let refund = try Self.required(result.refund, in: transaction)
            let state = try refund.state.applying(isDone ? .confirm : .failPayout)
            try transaction.execute(
                "UPDATE refund SET state = ?, updated_at = ? WHERE id = ?", state, now, refund.id)
            if isDone {
                try transaction.send(
                    RefundMessage.toOrder(.surrenderDone(order: refund.order, refund: refund.id)), at: now)
            }
        }
    }
}
