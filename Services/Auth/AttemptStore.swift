import Contracts
import Persistence
import ServiceRuntime

/// How often something may be done under one key in a window of time; all replicas count together.
struct AttemptLimit: Sendable {
    let limit: Int
    let window: Duration

    /// The window that `now` lies in.
    func start(at now: Instant) -> Instant {
        Instant(milliseconds: now.milliseconds - now.milliseconds % window.milliseconds)
    }

    func refusal(at now: Instant) -> Problem {
        Problem(.tooManyAttempts, retryAfter: start(at: now) + window - now)
    }
}

/// The SQL of attempts.
extension Store {
    /// Counters are kept for longer than the longest window.
    private static let memory = Duration.days(2)

    /// - Throws: ``ProblemCode/tooManyAttempts`` when one of the keys has been counted often enough.
    func refuseTooMany(_ keys: [(key: String, limit: AttemptLimit)], at now: Instant) async throws {
        try await database.read { transaction in
            for (key, limit) in keys {
                guard try Self.attempts(key, limit, at: now, in: transaction) < limit.limit else {
                    throw limit.refusal(at: now)
                }
            }
        }
    }

    private static func attempts(
        _ key: String, _ limit: AttemptLimit, at now: Instant, in transaction: Transaction
    ) throws -> Int {
        try transaction.row(
            "SELECT count FROM attempt WHERE key = ? AND period = ?", key, limit.start(at: now))?["count"] ?? 0
    }

    /// Counts a refused login under each key, and writes it down.
    func countRefusal(
        _ keys: [(key: String, limit: AttemptLimit)], _ record: AuditRecord, at now: Instant
    ) async throws {
        try await database.write(isolation: .serializableWithAudit) { transaction in
            for (key, limit) in keys { try Self.count(key, limit, at: now, in: transaction) }
            try transaction.execute("DELETE FROM attempt WHERE period < ?", now - Self.memory)
            try transaction.audit(record, at: now)
        }
    }

    static func count(_ key: String, _ limit: AttemptLimit, at now: Instant, in transaction: Transaction) throws {
        try transaction.execute(
            """
            INSERT INTO attempt (key, period, count) VALUES (?, ?, 1)
            ON CONFLICT (key, period) DO UPDATE SET count = attempt.count + 1
            """, key, limit.start(at: now))
    }

    /// Counts one more, unless there have been enough; in the transaction of what is counted.
    static func admit(
        _ keys: [(key: String, limit: AttemptLimit)], at now: Instant, in transaction: Transaction
    ) throws {
        for (key, limit) in keys {
            guard try attempts(key, limit, at: now, in: transaction) < limit.limit else { throw limit.refusal(at: now) }
            try count(key, limit, at: now, in: transaction)
        }
    }
}
