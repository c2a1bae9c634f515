import Contracts
import Persistence

extension BookSide: SQLRepresentable {}
extension BookBreak.Kind: SQLRepresentable {}
extension BookBreak.Repair: SQLRepresentable {}
extension BookBreak.State: SQLRepresentable {}

/// The SQL of reconciliation.
extension Store {
    // MARK: The others' books

    func bookPosition(of side: BookSide) async throws -> Int {
        try await database.read {
            try $0.row("SELECT position FROM book_position WHERE side = ?", side)?["position"] ?? 0
        }
    }

    private static func set(_ position: Int?, of side: BookSide, in transaction: Transaction) throws {
        guard let position else { return }
        try transaction.execute(
            """
            INSERT INTO book_position (side, position) VALUES (?, ?)
            ON CONFLICT (side) DO UPDATE SET position = excluded.position WHERE book_position.position < excluded.position
            """, side, position)
    }

    /// A movement that the bank tells again counts as it is told now.
    func keep(_ movements: [Movement], at now: Instant, position: Int? = nil) async throws {
        try await database.write { transaction in
            for movement in movements {
                try transaction.execute(
                    """
                    INSERT INTO bank_line (bank_transaction, is_outgoing, amount, credit, at) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (bank_transaction) DO UPDATE SET is_outgoing = excluded.is_outgoing,
                        amount = excluded.amount, credit = excluded.credit
                    """, movement.transaction, movement.isOutgoing, movement.amount,
                    movement.credit.map { JSONColumn($0) }, movement.at ?? now)
            }
            try Self.set(position, of: .bank, in: transaction)
        }
    }

    func keep(_ lines: [Settlement], of side: BookSide, position: Int? = nil) async throws {
        try await database.write { transaction in
            for line in lines {
                try transaction.execute(
                    """
                    INSERT INTO book_line (side, id, details, at) VALUES (?, ?, ?, ?)
                    ON CONFLICT (side, id) DO UPDATE SET details = excluded.details
                    """, side, line.id, JSONColumn(line), line.at)
            }
            try Self.set(position, of: side, in: transaction)
        }
    }

    // MARK: Comparing

    /// Compares what both sides booked until `limit`. Breaks keep their age; those that are there no more are gone.
    func compare(until limit: Instant, at now: Instant) async throws -> Reconciliation {
        try await database.write { transaction in
            let bank = try Self.bankLines(in: transaction)
            var found = differences(bank: bank, ledger: try Self.ledgerMovements(in: transaction))
            let told = try Self.settlements("SELECT details FROM settlement", in: transaction)
            var counts: [Int] = []
            for side in [BookSide.insurer, .provider] {
                let book = try Self.settlements("SELECT details FROM book_line WHERE side = ?", side, in: transaction)
                counts.append(book.count)
                found += differences(side, book: book, ours: told)
            }
            let id = ReconciliationID()
            let recent = try Self.recentSubjects(since: limit, in: transaction)
            for difference in found where !recent.contains(difference.subject) {
                try Self.note(difference, in: transaction, at: now)
            }
            try transaction.execute(
                "UPDATE book_break SET state = 'gone' WHERE state = 'open' AND last_seen_at < ?", now)
            try transaction.execute(
                "INSERT INTO reconciliation (id, at, breaks) VALUES (?, ?, ?)", id, now, found.count)
            return Reconciliation(
                id: id, at: now, bankLines: bank.count, insurerLines: counts[0], providerLines: counts[1],
                breaks: try Self.breaks("state = 'open'", in: transaction, at: now))
        }
    }

    private static func note(_ difference: Difference, in transaction: Transaction, at now: Instant) throws {
        // Set right, and still or again there; or gone, and back: it takes two people anew. What only the other side can
        // set right stays as the two left it.
        let reopens = "(state = 'gone' OR state = 'repaired' AND repair <> 'ask_them')"
        try transaction.execute(
            """
            DELETE FROM break_approval WHERE break_id IN (
                SELECT id FROM book_break WHERE side = ? AND kind = ? AND subject = ? AND \(reopens))
            """, difference.side, difference.kind, difference.subject)
        try transaction.execute(
            "UPDATE book_break SET state = 'open' WHERE side = ? AND kind = ? AND subject = ? AND \(reopens)",
            difference.side, difference.kind, difference.subject)
        try transaction.execute(
            """
            INSERT INTO book_break (id, side, kind, subject, ours, theirs, is_outgoing, repair, state, first_seen_at,
                last_seen_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)
            ON CONFLICT (side, kind, subject) DO UPDATE SET ours = excluded.ours, theirs = excluded.theirs,
                last_seen_at = excluded.last_seen_at
            """, BreakID(), difference.side, difference.kind, difference.subject, difference.ours, difference.theirs,
            difference.isOutgoing, difference.repair, now, now)
    }

    private static func bankLines(in transaction: Transaction) throws -> [Movement] {
        try transaction.rows("SELECT bank_transaction, is_outgoing, amount, credit FROM bank_line").map { row in
            let credit: JSONColumn<Credit>? = try row["credit"]
            return Movement(
                transaction: try row["bank_transaction"], isOutgoing: try row["is_outgoing"], amount: try row["amount"],
                credit: credit?.value)
        }
    }

    /// What our books say moved at the bank: all entries with one number of the bank's together.
    private static func ledgerMovements(in transaction: Transaction) throws -> [Movement] {
        try transaction.rows(
            """
            SELECT bank_transaction, SUM(CASE WHEN credit = 'bank' THEN amount ELSE -amount END) AS outgoing
            FROM transfer WHERE bank_transaction IS NOT NULL GROUP BY bank_transaction
            """
        ).map { row in
            let outgoing: Money = try row["outgoing"]
            return Movement(
                transaction: try row["bank_transaction"], isOutgoing: outgoing > .zero,
                amount: outgoing > .zero ? outgoing : -outgoing)
        }
    }

    private static func settlements(
        _ sql: String, _ values: any SQLRepresentable..., in transaction: Transaction
    ) throws -> [Settlement] {
        try transaction.rows(sql, values).map { row in (try row["details"] as JSONColumn<Settlement>).value }
    }

    /// What one side has had for a moment only.
    private static func recentSubjects(since limit: Instant, in transaction: Transaction) throws -> Set<String> {
        Set(
            try transaction.rows(
                """
                SELECT bank_transaction AS subject FROM transfer WHERE bank_transaction IS NOT NULL AND at > ?
                UNION ALL SELECT bank_transaction FROM bank_line WHERE at > ?
                UNION ALL SELECT id FROM settlement WHERE at > ?
                """, limit, limit, limit
            ).map { try $0["subject"] })
    }

    // MARK: Breaks

    func openBreaks(at now: Instant) async throws -> [BookBreak] {
        try await database.read { try Self.breaks("state = 'open'", in: $0, at: now) }
    }

    private static func breaks(
        _ condition: String, _ values: any SQLRepresentable..., in transaction: Transaction, at now: Instant
    ) throws -> [BookBreak] {
        try transaction.rows(
            """
            SELECT id, side, kind, subject, ours, theirs, is_outgoing, repair, state, first_seen_at,
                (SELECT COUNT(*) FROM break_approval WHERE break_approval.break_id = book_break.id) AS approvals
            FROM book_break WHERE \(condition) ORDER BY first_seen_at, id LIMIT 1000
            """, values
        ).map { row in
            let firstSeenAt: Instant = try row["first_seen_at"]
            return BookBreak(
                id: try row["id"], side: try row["side"], kind: try row["kind"], subject: try row["subject"],
                ours: try row["ours"], theirs: try row["theirs"], isOutgoing: try row["is_outgoing"],
                repair: try row["repair"], state: try row["state"], approvals: try row["approvals"],
                firstSeenAt: firstSeenAt, ageDays: Int(now.day.daysSince1970 - firstSeenAt.day.daysSince1970))
        }
    }

    /// One operator's word; the second one, another person, carries the repair out in the same transaction.
    func approveRepair(
        of id: BreakID, by person: EnterpriseID, rules: PayoutRules, at now: Instant, key: IdempotencyKey
    ) async throws -> BookBreak {
        try await database.once(key, at: now) { transaction in
            guard let item = try Self.breaks("id = ?", id, in: transaction, at: now).first else {
                throw Problem(.notFound)
            }
            guard item.state == .open else { throw Problem(.wrongState) }
            let added = try transaction.execute(
                "INSERT INTO break_approval (break_id, person, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", id, person,
                now)
            guard added == 1 else { throw Problem(.secondPersonNeeded) }
            if item.approvals + 1 >= 2 {
                let changed = try transaction.execute(
                    "UPDATE book_break SET state = 'repaired' WHERE id = ? AND state = 'open'", id)
                guard changed == 1 else { throw Problem(.versionConflict) }
                try Self.repair(item, rules: rules, in: transaction, at: now)
            }
            guard let after = try Self.breaks("id = ?", id, in: transaction, at: now).first else {
                throw Problem(.notFound)
            }
            return after
        }
    }

    private static func repair(
        _ item: BookBreak, rules: PayoutRules, in transaction: Transaction, at now: Instant
    ) throws {
        switch item.repair {
        case .askThem: break
        case .bookCredit:
            let row = try transaction.row("SELECT credit FROM bank_line WHERE bank_transaction = ?", item.subject)
            guard let credit: JSONColumn<Credit> = try row?["credit"] else { throw Problem(.wrongState) }
            _ = try book(credit.value, rules: rules, in: transaction, at: now)
        case .bookToSuspense:
            // What the bank has more than we, counted as money that came in.
            let theirs = item.isOutgoing ? -item.theirs : item.theirs
            let ours = item.isOutgoing ? -item.ours : item.ours
            let more = theirs - ours
            try transaction.transfer(
                more < .zero ? -more : more, debit: more > .zero ? .bank : .suspense,
                credit: more > .zero ? .suspense : .bank, order: nil, for: item.id.text, as: item.subject, at: now)
        case .tellAgain:
            let row = try transaction.row("SELECT details FROM settlement WHERE id = ?", item.subject)
            guard let settlement: JSONColumn<Settlement> = try row?["details"] else { throw Problem(.wrongState) }
            // Under another message's ID: the settlement's own is what the party knows it by.
            try transaction.send(
                item.side == .insurer
                    ? PaymentMessage.tellInsurer(settlement.value) : .tellProvider(settlement.value), at: now)
        }
    }

    /// Whether nobody has reconciled on this day yet; from now on somebody has.
    func claimDay(_ day: CalendarDay, at now: Instant) async throws -> Bool {
        try await database.write { transaction in
            try transaction.execute(
                "INSERT INTO reconciliation_day (day, at) VALUES (?, ?) ON CONFLICT DO NOTHING", day.text, now) == 1
        }
    }

    /// It did not come to an end: whoever is next tries again.
    func giveBack(_ day: CalendarDay) async throws {
        try await database.write { _ = try $0.execute("DELETE FROM reconciliation_day WHERE day = ?", day.text) }
    }
}
