import Contracts
import Logging
import ServiceLifecycle
import StrictJSON
import Synchronization

/// Delivers what waits in the outbox: at least once, in order per aggregate, with growing pauses after failures. What
/// cannot be delivered becomes a dead letter and holds up its aggregate, and only that, until somebody replays it.
public final class Relay<Message: OutboxMessage>: Service {
    /// Deliveries at a time; each belongs to another aggregate.
    private static var concurrency: Int { 16 }
    /// A refusal that trying again will hardly change becomes a dead letter after this many attempts.
    private static var attemptsWhenRefused: Int { 5 }
    /// With the longest pause this is about two hours of outage.
    private static var attemptsWhenUnavailable: Int { 250 }
    private static var longestPauseMilliseconds: Int64 { 30_000 }
    /// How often it looks for what has become due; a commit in this process wakes it at once.
    private static var tick: Duration { .milliseconds(200) }
    /// Stored answers and taken-in messages are kept for as long as anybody may still repeat them.
    private static var retention: Duration { .days(40) }

    private struct Waiting: Sendable {
        let aggregate: String
        let message: Message
        let delivery: Delivery
    }

    private let database: Database
    private let now: @Sendable () -> Instant
    private let logger: Logger
    private let deliver: @Sendable (Message, Delivery) async throws -> Void
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation
    /// Aggregates whose delivery is under way.
    private let underWay = Mutex<Set<String>>([])

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
                    await forgetOld()
                    while !Task.isCancelled {
                        waker.yield()
                        try? await Task.sleep(for: Self.tick)
                    }
                }
                for await _ in wakes {
                    for waiting in await due() {
                        group.addTask { [self] in
                            await attempt(waiting)
                            _ = underWay.withLock { $0.remove(waiting.aggregate) }
                            waker.yield()
                        }
                    }
                }
            }
        }
    }

    /// The oldest message of every aggregate that is due and not under way; it is under way from here on.
    private func due() async -> [Waiting] {
        let busy = underWay.withLock { $0 }
        let places = Self.concurrency - busy.count
        guard places > 0 else { return [] }
        let now = now()
        do {
            let heads = try await database.read { transaction in
                try transaction.rows(
                    """
                    SELECT id, aggregate, payload, created_at, attempts FROM outbox AS head
                    WHERE is_dead = 0 AND due_at <= ? AND NOT EXISTS (
                        SELECT 1 FROM outbox AS earlier
                        WHERE earlier.aggregate = head.aggregate AND earlier.position < head.position)
                    ORDER BY position LIMIT ?
                    """, now, Self.concurrency
                ).map { row in
                    let message: JSONColumn<Message> = try row["payload"]
                    return Waiting(
                        aggregate: try row["aggregate"], message: message.value,
                        delivery: Delivery(
                            id: try row["id"], attempt: try row["attempts"] + 1, createdAt: try row["created_at"]))
                }
            }
            let chosen = heads.filter { !busy.contains($0.aggregate) }.prefix(places)
            underWay.withLock { $0.formUnion(chosen.map(\.aggregate)) }
            return Array(chosen)
        } catch is CancellationError {
            return []
        } catch {
            logger.error("outbox cannot be read", metadata: ["cause": "\(error)"])
            return []
        }
    }

    private func attempt(_ waiting: Waiting) async {
        let id = waiting.delivery.id
        do {
            try await deliver(waiting.message, waiting.delivery)
            try await database.write { try $0.execute("DELETE FROM outbox WHERE id = ?", id) }
        } catch {
            // A service that stops leaves its messages as they are.
            guard !Task.isCancelled else { return }
            await postpone(waiting, because: error)
        }
    }

    private func postpone(_ waiting: Waiting, because error: any Error) async {
        let attempts = waiting.delivery.attempt
        let problem = error as? Problem
        let isRefused = problem.map { $0.code.status < 500 } ?? false
        let isDead = attempts >= (isRefused ? Self.attemptsWhenRefused : Self.attemptsWhenUnavailable)
        let pause = min(Self.longestPauseMilliseconds, 50 << Int64(min(attempts, 12)))
        // A tenth of chance keeps replicas that failed together from trying together.
        let dueAt = now() + .milliseconds(pause + Int64.random(in: 0...pause / 10))
        let words = problem.map { "\($0.code.rawValue) \($0.detail ?? "")" } ?? "\(error)"
        logger.log(
            level: isDead ? .error : .warning, isDead ? "dead letter" : "delivery failed",
            metadata: [
                "message": "\(waiting.delivery.id)", "kind": "\(waiting.message.kind)", "attempts": "\(attempts)",
                "cause": "\(words)",
            ])
        do {
            try await database.write { transaction in
                try transaction.execute(
                    "UPDATE outbox SET attempts = ?, due_at = ?, last_error = ?, is_dead = ? WHERE id = ?", attempts,
                    dueAt, words, isDead, waiting.delivery.id)
            }
        } catch {
            logger.error("outbox cannot be written", metadata: ["cause": "\(error)"])
        }
    }

    private func forgetOld() async {
        let limit = now() - Self.retention
        do {
            try await database.write { transaction in
                try transaction.execute("DELETE FROM idempotency WHERE at < ?", limit)
                try transaction.execute("DELETE FROM inbox WHERE at < ?", limit)
            }
        } catch {
            logger.warning("old answers cannot be forgotten", metadata: ["cause": "\(error)"])
        }
    }
}

// MARK: Dead letters

extension Database {
    /// Messages that were given up, oldest first.
    public func deadLetters() async throws -> [DeadLetter] {
        try await read { transaction in
            try transaction.rows(
                """
                SELECT id, kind, aggregate, attempts, last_error, created_at FROM outbox
                WHERE is_dead = 1 ORDER BY position LIMIT 1000
                """
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
                "UPDATE outbox SET is_dead = 0, attempts = 0, due_at = ? WHERE id = ? AND is_dead = 1", now, id)
            guard changed == 1 else { throw Problem(.notFound) }
            transaction.noteMessage()
        }
    }
}
