import Contracts

/// The delivery log of callbacks, received and sent.
extension Database {
    /// Takes a callback in. One that was taken in before is answered again and does nothing; its ID with another body is
    /// refused.
    ///
    /// - Parameter work: must bear being done again after a crash, like every receiver of callbacks.
    /// - Throws: ``ProblemCode/replayed``, or what `work` throws.
    public func takeIn(
        _ key: IdempotencyKey, _ kind: String, at now: Instant, _ work: () async throws -> Void
    ) async throws {
        let known = try await read { try $0.row("SELECT fingerprint, outcome FROM callback WHERE id = ?", key.text) }
        if let known {
            guard try known["fingerprint"] == key.fingerprint else {
                throw Problem(.replayed, "the ID of this callback came with another body")
            }
            if try known["outcome"] == "done" { return }
        }
        do {
            try await work()
            try await log(key, kind, "done", at: now)
        } catch let problem as Problem {
            try await log(key, kind, problem.code.rawValue, at: now)
            throw problem
        }
    }

    private func log(_ key: IdempotencyKey, _ kind: String, _ outcome: String, at now: Instant) async throws {
        // What is lost with the power is done once more, and changes nothing.
        try await write(isolation: .readCommitted, durability: .relaxed) { transaction in
            try transaction.execute(
                """
                INSERT INTO callback (id, direction, kind, fingerprint, attempts, outcome, first_at, at)
                VALUES (?, 'in', ?, ?, 1, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET attempts = callback.attempts + 1, outcome = excluded.outcome,
                    at = excluded.at
                """, key.text, kind, key.fingerprint, outcome, now, now)
        }
    }

    /// The newest thousand.
    public func callbacks() async throws -> [CallbackRecord] {
        try await read { transaction in
            try transaction.rows(
                """
                SELECT id, direction, kind, attempts, outcome, first_at, at FROM callback ORDER BY at DESC LIMIT 1000
                """
            ).map { row in
                CallbackRecord(
                    id: try row["id"], direction: try row["direction"], kind: try row["kind"],
                    attempts: try row["attempts"], outcome: try row["outcome"], firstAt: try row["first_at"],
                    lastAt: try row["at"])
            }
        }
    }

    /// Sends a callback of ours again, under its own ID, by which the other side knows it.
    ///
    /// - Throws: ``ProblemCode/notFound`` when none was sent under the ID.
    public func replayCallback(_ id: MessageID, at now: Instant) async throws {
        try await write { transaction in
            guard try transaction.row("SELECT id FROM callback WHERE id = ? AND direction = 'out'", id) != nil else {
                throw Problem(.notFound)
            }
            // One that waits already is not sent twice.
            try transaction.execute(
                """
                INSERT INTO outbox (id, aggregate, kind, payload, created_at, due_at)
                SELECT id, aggregate, kind, payload, first_at, CAST(? AS BIGINT) FROM callback
                WHERE id = ? AND direction = 'out'
                ON CONFLICT (id) DO NOTHING
                """, now, id)
            transaction.noteMessage()
        }
    }
}

extension Transaction {
    /// Writes down what became of a callback of ours.
    func log(_ id: MessageID, outcome: String, attempts: Int, at now: Instant) throws {
        try execute(
            """
            INSERT INTO callback (id, direction, kind, aggregate, payload, attempts, outcome, first_at, at)
            SELECT id, 'out', kind, aggregate, payload, CAST(? AS BIGINT), CAST(? AS TEXT), created_at,
                CAST(? AS BIGINT)
            FROM outbox WHERE id = ?
            ON CONFLICT (id) DO UPDATE SET attempts = excluded.attempts, outcome = excluded.outcome, at = excluded.at
            """, attempts, outcome, now, id)
    }
}
