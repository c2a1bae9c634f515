import Contracts
import Logging
import ServiceLifecycle
import StrictJSON
import Synchronization

/// Delivers what waits in the outbox: at least once, in order per aggregate, with growing pauses after failures. What
/// cannot be delivered becomes a dead letter and holds up its aggregate, and only that, until somebody replays it.
///
/// Replicas on one database share the work: each takes messages for a short time and renews it while it delivers, so
/// that another carries on when one dies.
public final class Relay<Message: OutboxMessage>: Service {
    /// Deliveries at a time; each belongs to another aggregate.
    private static var concurrency: Int { 16 }
    /// A refusal that trying again will hardly change becomes a dead letter after this many attempts.
    private static var attemptsWhenRefused: Int { 5 }
    private static var longestPauseMilliseconds: Int64 { 30_000 }
    /// How often it looks for what has become due; a commit, in this process or in another, wakes it at once.
    private static var tick: Duration { .milliseconds(200) }
    /// How long a replica that died holds up what it had taken.
    private static var leaseMilliseconds: Int64 { 20_000 }
    private static var renewal: Duration { .seconds(4) }
    private static var pauseWithoutDatabase: Duration { .seconds(5) }
    /// Stored answers and taken-in messages are kept for as long as anybody may still repeat them.
    private static var retention: Duration { .days(40) }
    private static var sweep: Duration { .hours(1) }
    private static var sweepStep: Int { 2_000 }

    private struct Waiting: Sendable {
        let kind: String
        let payload: String
        let delivery: Delivery

        init(_ row: Row) throws {
            kind = try row["kind"]
            payload = try row["payload"]
            delivery = Delivery(id: try row["id"], attempt: try row["attempts"], createdAt: try row["created_at"])
        }
    }

    private let database: Database
    private let now: @Sendable () -> Instant
    private let logger: Logger
    private let deliver: @Sendable (Message, Delivery) async throws -> Void
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation
    /// This relay, to the others on the database.
    private let name = MessageID()
    /// Messages whose delivery is under way here. Behind them in their aggregates nothing is due.
    private let underWay = Mutex<Set<MessageID>>([])

    /// - Parameter deliver: carries one message out; returning means that it is done, throwing that it has to be
    ///   repeated. It must bear being called again for a message that it has carried out.
    public init(
        _ database: Database, now: @escaping @Sendable () -> Instant, logger: Logger,
        deliver: @escaping @Sendable (Message, Delivery) async throws -> Void
    ) {
        self.database = database
        self.now = now
        self.logger = logger
        self.deliver = deliver
        (wakes, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let waker = waker
        database.whenMessagesWait { waker.yield() }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                group.addTask { [self] in
                    while !Task.isCancelled {
                        waker.yield()
                        try? await Task.sleep(for: Self.tick)
                    }
                }
                if database.isShared { group.addTask { [self] in await keepLeases() } }
                group.addTask { [self] in await forgetOld() }
                for await _ in wakes {
                    for waiting in await due() {
                        group.addTask { [self] in
                            await attempt(waiting)
                            // Cut off, it stays under way until its lease is given back.
                            if Task.isCancelled { return }
                            _ = underWay.withLock { $0.remove(waiting.delivery.id) }
                            waker.yield()
                        }
                    }
                }
            }
            if database.isShared { await setLeases(of: underWay.withLock { Array($0) }, until: "0") }
        }
    }

    /// The oldest message of every aggregate that is due and not under way; it is under way from here on.
    private func due() async -> [Waiting] {
        // Before the look: what is delivered during it stands in what it sees.
        let busy = underWay.withLock { $0 }
        let places = Self.concurrency - busy.count
        guard places > 0 else { return [] }
        let now = now()
        do {
            let chosen = try await (database.isShared ? take(places, dueAt: now) : take(places, dueAt: now, but: busy))
            underWay.withLock { $0.formUnion(chosen.map(\.delivery.id)) }
            return chosen
        } catch is CancellationError {
            return []
        } catch {
            logger.error("outbox cannot be read", metadata: ["cause": "\(error)"])
            return []
        }
    }

    private static var isHead: String {
        """
        is_dead = 0 AND due_at <= ? AND NOT EXISTS (
            SELECT 1 FROM outbox AS earlier
            WHERE earlier.aggregate = head.aggregate AND earlier.position < head.position)
        """
    }

    /// Where no other process delivers, what is under way is known here.
    private func take(_ count: Int, dueAt now: Instant, but busy: Set<MessageID>) async throws -> [Waiting] {
        let heads = try await database.read { transaction in
            try transaction.rows(
                """
                SELECT id, kind, payload, created_at, attempts + 1 AS attempts FROM outbox AS head
                WHERE \(Self.isHead) ORDER BY position LIMIT ?
                """, now, Self.concurrency
            ).map { try Waiting($0) }
        }
        let chosen = Array(heads.filter { !busy.contains($0.delivery.id) }.prefix(count))
        guard !chosen.isEmpty else { return [] }
        // Counted before the other side hears of it, so that the next attempt knows that there was one.
        try await database.write { transaction in
            try transaction.execute(
                "UPDATE outbox SET attempts = attempts + 1 WHERE id IN (\(Self.places(chosen.count)))",
                chosen.map(\.delivery.id))
        }
        return chosen
    }

    /// Takes what no other relay has, and counts the attempt. Leases run on the database's clock, which is the same for
    /// all.
    private func take(_ count: Int, dueAt now: Instant) async throws -> [Waiting] {
        try await database.write(isolation: .readCommitted) { [name] transaction in
            try transaction.rows(
                """
                UPDATE outbox SET taken_by = ?, taken_until = \(Self.databaseTime) + \(Self.leaseMilliseconds),
                    attempts = attempts + 1
                WHERE id = ANY(ARRAY(
                    SELECT id FROM outbox AS head WHERE taken_until < \(Self.databaseTime) AND \(Self.isHead)
                    ORDER BY position LIMIT ? FOR UPDATE SKIP LOCKED))
                RETURNING id, kind, payload, created_at, attempts
                """, name, now, count
            ).map { try Waiting($0) }
        }
    }

    private static func places(_ count: Int) -> String { repeatElement("?", count: count).joined(separator: ", ") }

    private static var databaseTime: String { "CAST(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) * 1000 AS BIGINT)" }

    /// Renews what is under way here.
    private func keepLeases() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.renewal)
            await setLeases(
                of: underWay.withLock { Array($0) }, until: "\(Self.databaseTime) + \(Self.leaseMilliseconds)")
        }
    }

    private func setLeases(of messages: [MessageID], until: String) async {
        guard !messages.isEmpty else { return }
        // A task of its own: a relay that is asked to stop still gives back what it had taken.
        await Task { [database, name, logger] in
            do {
                try await database.write(isolation: .readCommitted, durability: .relaxed) { transaction in
                    try transaction.execute(
                        """
                        UPDATE outbox SET taken_until = \(until)
                        WHERE taken_by = ? AND id IN (\(Self.places(messages.count)))
                        """, [name] + messages)
                }
            } catch {
                logger.warning("leases cannot be renewed", metadata: ["cause": "\(error)"])
            }
        }.value
    }

    private func attempt(_ waiting: Waiting) async {
        let id = waiting.delivery.id
        do {
            let message = try StrictJSON.decode(Message.self, from: Array(waiting.payload.utf8))
            try await deliver(message, waiting.delivery)
            let now = now()
            // Should the deletion be undone, the message is delivered again, under the same key.
            try await database.write(isolation: .readCommitted, durability: .relaxed) { transaction in
                if message.isCallback {
                    try transaction.log(id, outcome: "done", attempts: waiting.delivery.attempt, at: now)
                }
                try transaction.execute("DELETE FROM outbox WHERE id = ?", id)
            }
        } catch {
            // A service that stops leaves its messages as they are.
            guard !Task.isCancelled else { return }
            await postpone(waiting, because: error)
        }
    }

    private func postpone(_ waiting: Waiting, because error: any Error) async {
        let attempts = waiting.delivery.attempt
        let problem = error as? Problem
        let isRefused = problem.map { Self.isRefusal($0.code.status) } ?? (error is JSONError)
        let isDead = isRefused && attempts >= Self.attemptsWhenRefused
        let pause = min(Self.longestPauseMilliseconds, 50 << Int64(min(attempts, 12)))
        // A tenth of chance keeps replicas that failed together from trying together.
        let now = now()
        let dueAt = now + .milliseconds(pause + Int64.random(in: 0...pause / 10))
        let words = problem.map { "\($0.code.rawValue) \($0.detail ?? "")" } ?? "\(error)"
        logger.log(
            level: isDead || attempts == attemptsBeforeAlarm ? .error : .warning,
            isDead ? "dead letter" : "delivery failed",
            metadata: [
                "message": "\(waiting.delivery.id)", "kind": "\(waiting.kind)", "attempts": "\(attempts)",
                "cause": "\(words)",
            ])
        do {
            try await database.write(isolation: .readCommitted, durability: .relaxed) { [name] transaction in
                try transaction.execute(
                    """
                    UPDATE outbox SET due_at = ?, last_error = ?, is_dead = ?, taken_by = NULL, taken_until = 0
                    WHERE id = ? AND COALESCE(taken_by, ?) = ?
                    """, dueAt, words, isDead, waiting.delivery.id, name, name)
                let message = try? StrictJSON.decode(Message.self, from: Array(waiting.payload.utf8))
                if message?.isCallback == true {
                    try transaction.log(
                        waiting.delivery.id, outcome: problem?.code.rawValue ?? "failed", attempts: attempts, at: now)
                }
            }
        } catch {
            logger.error("outbox cannot be written", metadata: ["cause": "\(error)"])
            // Otherwise it would be due again at once.
            try? await Task.sleep(for: Self.pauseWithoutDatabase)
        }
    }

    /// Whether trying again will hardly change the answer. Not knowing the caller or the thing yet, or having too much to
    /// do, passes: certificates are exchanged, lost messages arrive.
    private static func isRefusal(_ status: Int) -> Bool {
        (400..<500).contains(status) && ![401, 403, 404, 408, 425, 429].contains(status)
    }

    private func forgetOld() async {
        while !Task.isCancelled {
            for (table, key) in [("idempotency", "key"), ("inbox", "id"), ("callback", "id")] {
                await forgetOld(in: table, key)
            }
            try? await Task.sleep(for: Self.sweep)
        }
    }

    /// In small steps, so that nobody waits for it.
    private func forgetOld(in table: String, _ key: String) async {
        let limit = now() - Self.retention
        do {
            while !Task.isCancelled {
                let forgotten = try await database.write(isolation: .readCommitted, durability: .relaxed) {
                    try $0.execute(
                        """
                        DELETE FROM \(table) WHERE \(key) IN (SELECT \(key) FROM \(table) WHERE at < ? LIMIT \(Self.sweepStep))
                        """, limit)
                }
                if forgotten < Self.sweepStep { return }
            }
        } catch {
            logger.warning("old answers cannot be forgotten", metadata: ["cause": "\(error)"])
        }
    }
}

// MARK: Dead letters

/// What is only out of reach is tried for ever; after this many attempts, some minutes, somebody is told.
private let attemptsBeforeAlarm = 20

extension Database {
    /// Messages that were given up, or that fail for long, oldest first.
    public func deadLetters() async throws -> [DeadLetter] {
        try await read { transaction in
            try transaction.rows(
                """
                SELECT id, kind, aggregate, attempts, last_error, created_at FROM outbox
                WHERE is_dead = 1 OR attempts >= ? ORDER BY position LIMIT 1000
                """, attemptsBeforeAlarm
            ).map { row in
                let lastError: String? = try row["last_error"]
                return DeadLetter(
                    id: try row["id"], kind: try row["kind"], aggregate: try row["aggregate"],
                    attempts: try row["attempts"], lastError: lastError ?? "", since: try row["created_at"])
            }
        }
    }

    /// Gives a dead letter its attempts back.
    ///
    /// - Throws: ``ProblemCode/notFound`` when there is no such dead letter.
    public func replayDeadLetter(_ id: MessageID, at now: Instant) async throws {
        try await write { transaction in
            let changed = try transaction.execute(
                "UPDATE outbox SET is_dead = 0, attempts = 0, due_at = ? WHERE id = ? AND (is_dead = 1 OR attempts >= ?)",
                now, id, attemptsBeforeAlarm)
            guard changed == 1 else { throw Problem(.notFound) }
            transaction.noteMessage()
        }
    }
}
