import Contracts
import Dispatch
import Foundation
import Synchronization

/// PostgreSQL 15 or later, which replicas of a service share; through libpq.
///
/// An address is a libpq URI such as `postgresql://order@db1,db2/order?target_session_attrs=read-write&sslmode=verify-full`
/// with `sslrootcert`, `sslcert`, `sslkey` or `passfile` as files: with several hosts it finds the one that takes writes.
/// Over the network `sslmode=verify-full` is demanded.
final class PostgreSQL: Engine {
    /// Connections of one process. More would wait in the server instead of here.
    private static let connections = 8
    /// How long a transaction waits for a connection.
    private static let longestWait = Duration.seconds(5)
    /// Conflicts are passed by whoever came first, so somebody always gets on.
    private static let attemptsInConflict = 40
    /// How long a transaction looks for a server that takes writes: longer than a failover takes, shorter than a caller
    /// waits.
    private static let longestSearch = Duration.seconds(10)
    /// The same at the start, when the server may be starting too.
    private static let longestSearchAtStart = Duration.seconds(60)

    let dialect = SQLDialect.postgreSQL
    let isShared = true
    private let pool: ConnectionPool
    private let messenger: Messenger

    static func isAddress(_ address: String) -> Bool {
        address.hasPrefix("postgresql://") || address.hasPrefix("postgres://")
    }

    /// - Throws: ``UnusableDatabase`` when the address would send data without checked TLS.
    init(_ address: String) throws {
        let settings = try PostgreSQLConnection.settings(address)
        let isLocal =
            settings["hostaddr"] == nil
            && (settings["host"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
                .allSatisfy { $0.hasPrefix("/") }
        guard isLocal || settings["sslmode"] == "verify-full" else {
            throw UnusableDatabase(description: "a database over the network needs sslmode=verify-full")
        }
        guard settings["password"] == nil else {
            throw UnusableDatabase(description: "a password belongs into the file that passfile names")
        }
        pool = ConnectionPool(Self.withTimeouts(address), count: Self.connections)
        messenger = Messenger(Self.withTimeouts(address))
    }

    /// The server ends what takes too long, so that one stuck transaction does not hold up all others.
    private static func withTimeouts(_ address: String) -> String {
        address + (address.contains("?") ? "&" : "?")
            + "application_name=baohan&connect_timeout=2&tcp_user_timeout=15000&options="
            + "-c%20statement_timeout%3D10000%20-c%20lock_timeout%3D5000"
            + "%20-c%20idle_in_transaction_session_timeout%3D15000"
    }

    deinit { messenger.stop() }

    /// Replicas that start at once take turns, however long a step takes.
    func migrate(_ migrations: [Migration]) async throws {
        try await retrying(for: Self.longestSearchAtStart) { connection in
            func run(_ sql: String) throws { try connection.runScript(sql, silence: -1) }
            try run(
                """
                SET lock_timeout = 0;
                SET statement_timeout = 0;
                SELECT pg_advisory_lock(hashtext('baohan migrations'));
                CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())
                """)
            defer {
                try? run(
                    """
                    SELECT pg_advisory_unlock(hashtext('baohan migrations'));
                    RESET lock_timeout;
                    RESET statement_timeout
                    """)
            }
            try connection.begin("READ ONLY")
            let names: [String] = try connection.rows("SELECT name FROM migration", []).map { try $0["name"] }
            try connection.endReading()
            for migration in migrations where !names.contains(migration.name) {
                do {
                    try run(
                        """
                        BEGIN;
                        \(migration.sql(.postgreSQL))
                        ;INSERT INTO migration (name) VALUES ('\(migration.name)');
                        COMMIT
                        """)
                } catch {
                    try run("ROLLBACK")
                    throw error
                }
            }
        }
    }

    /// Hears from now on what other processes announce.
    func listen() { messenger.start() }

    // MARK: Transactions

    func write<Result: Sendable>(
        _ isolation: Isolation, _ durability: Durability, _ body: @escaping @Sendable (Transaction) throws -> Result
    ) async throws -> Result {
        try await retrying(for: Self.longestSearch) { connection in
            try connection.begin(isolation == .readCommitted ? "" : "ISOLATION LEVEL SERIALIZABLE")
            return try Self.rollingBack(connection) {
                if isolation == .serializableWithAudit {
                    // Before the snapshot is taken: who waits for the audit trail's head behind it has waited in vain.
                    _ = try connection.execute("LOCK TABLE audit_turn IN EXCLUSIVE MODE", [])
                }
                if durability == .relaxed { _ = try connection.execute("SET LOCAL synchronous_commit = off", []) }
                let result = try body(Transaction(connection))
                try connection.commit()
                return result
            }
        }
    }

    func read<Result: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Result) async throws -> Result {
        try await retrying(for: Self.longestSearch) { connection in
            try connection.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return try Self.rollingBack(connection) {
                let result = try body(Transaction(connection))
                try connection.endReading()
                return result
            }
        }
    }

    /// - Throws: what `work` throws, or the connection's error when it cannot be rolled back.
    private static func rollingBack<Result>(
        _ connection: PostgreSQLConnection, _ work: () throws -> Result
    ) throws -> Result {
        do {
            return try work()
        } catch {
            let isLost = (error as? PostgreSQLError)?.endsConnection ?? false
            if !isLost, !connection.isCommitting { try connection.rollBack() }
            throw error
        }
    }

    func announceMessages() { messenger.announce() }
    func whenMessagesAnnounced(_ wake: @escaping @Sendable () -> Void) { messenger.whenAnnounced(wake) }

    /// Runs `work` again after conflicts, and on another connection when one broke before the commit was sent.
    private func retrying<Result: Sendable>(
        for limit: Duration, _ work: @escaping @Sendable (PostgreSQLConnection) throws -> Result
    ) async throws -> Result {
        let end = ContinuousClock.now + limit
        var conflicts = 0
        var losses = 0
        while true {
            let failure: PostgreSQLError
            switch try await pool.run(work, waitingAtMost: Self.longestWait) {
            case .success(let result): return result
            case .failure(.other(let error)): throw error
            case .failure(.unknownOutcome(let error)): throw Problem.databaseUnavailable(error)
            case .failure(.server(let error)): failure = error
            }
            if failure.isConflict {
                conflicts += 1
                guard conflicts < Self.attemptsInConflict else { throw Problem.databaseUnavailable(failure) }
                // Those that met once should not meet again.
                try await Task.sleep(for: .microseconds(Int64.random(in: 0...(500 << min(conflicts, 6)))))
            } else if failure.endsConnection {
                losses += 1
                guard ContinuousClock.now < end else { throw Problem.databaseUnavailable(failure) }
                try await Task.sleep(for: .milliseconds(10 << min(losses, 6)))
            } else if failure.isPassing {
                throw Problem.databaseUnavailable(failure)
            } else {
                throw failure
            }
        }
    }
}

/// A fixed number of connections, each with a thread of its own, because a transaction's body waits for its answers.
private final class ConnectionPool: Sendable {
    enum Failure: Error {
        case server(PostgreSQLError)
        /// The connection broke between the commit and its answer.
        case unknownOutcome(PostgreSQLError)
        case other(any Error)
    }

    /// A place for a connection.
    ///
    /// Unchecked, because the connection is touched on the place's queue alone, and whoever has the place is alone there.
    private final class Place: @unchecked Sendable {
        let queue = DispatchQueue(label: "baohan.postgresql")
        private let url: String
        private var connection: PostgreSQLConnection?

        init(_ url: String) { self.url = url }

        /// On the queue.
        func run<Result>(_ work: (PostgreSQLConnection) throws -> Result) -> Swift.Result<Result, Failure> {
            do {
                let connection = try self.connection ?? PostgreSQLConnection(url)
                self.connection = connection
                return .success(try work(connection))
            } catch let error as PostgreSQLError {
                let isUnknown = connection?.isCommitting ?? false
                if error.endsConnection || isUnknown { connection = nil }
                return .failure(isUnknown ? .unknownOutcome(error) : .server(error))
            } catch {
                return .failure(.other(error))
            }
        }
    }

    private struct State {
        var idle: [Place]
        var waiting: [(id: UInt64, continuation: CheckedContinuation<Place?, Never>)] = []
        var lastID: UInt64 = 0
    }

    private let state: Mutex<State>

    init(_ url: String, count: Int) {
        state = Mutex(State(idle: (0..<count).map { _ in Place(url) }))
    }

    func run<Result: Sendable>(
        _ work: @escaping @Sendable (PostgreSQLConnection) throws -> Result, waitingAtMost limit: Duration
    ) async throws -> Swift.Result<Result, Failure> {
        guard let place = await place(waitingAtMost: limit) else {
            throw Problem.databaseUnavailable(PostgreSQLError(state: nil, message: "all connections are busy"))
        }
        return await withCheckedContinuation { continuation in
            place.queue.async {
                let result = place.run(work)
                self.free(place)
                continuation.resume(returning: result)
            }
        }
    }

    private func place(waitingAtMost limit: Duration) async -> Place? {
        if let place = state.withLock({ $0.idle.popLast() }) { return place }
        return await withCheckedContinuation { continuation in
            let place: Place?
            let id: UInt64
            (place, id) = state.withLock { state in
                if let place = state.idle.popLast() { return (place, 0) }
                state.lastID += 1
                state.waiting.append((state.lastID, continuation))
                return (nil, state.lastID)
            }
            if let place { return continuation.resume(returning: place) }
            Task { [self] in
                try? await Task.sleep(for: limit)
                let late = state.withLock { state -> CheckedContinuation<Place?, Never>? in
                    guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
                    return state.waiting.remove(at: index).continuation
                }
                late?.resume(returning: nil)
            }
        }
    }

    private func free(_ place: Place) {
        let next = state.withLock { state -> CheckedContinuation<Place?, Never>? in
            guard !state.waiting.isEmpty else {
                state.idle.append(place)
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: place)
    }
}

/// Carries "messages wait" between the processes on one database (`LISTEN`, `NOTIFY`), on a connection and a thread of its
/// own. What is lost while it reconnects is found by the relay's next look.
private final class Messenger: Sendable {
    private static let channel = "outbox"

    private let url: String
    private let wakes = Mutex<[@Sendable () -> Void]>([])
    /// A byte in it means that something is to be announced.
    private let pipe: (read: Int32, write: Int32)
    private let isAnnouncing = Atomic(false)
    private let isStopped = Atomic(false)

    init(_ url: String) {
        self.url = url
        var ends: [Int32] = [-1, -1]
        _ = Glibc.pipe(&ends)
        pipe = (ends[0], ends[1])
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(pipe.read)
        close(pipe.write)
    }

    func whenAnnounced(_ wake: @escaping @Sendable () -> Void) { wakes.withLock { $0.append(wake) } }

    /// Many announcements in a row become one: a notice per commit would make commits wait for one another.
    func announce() {
        guard isAnnouncing.exchange(true, ordering: .acquiringAndReleasing) == false else { return }
        _ = write(pipe.write, "!", 1)
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        _ = write(pipe.write, "!", 1)
    }

    func start() {
        Thread.detachNewThread { [self] in
            var pause: UInt32 = 50_000
            while !isStopped.load(ordering: .acquiring) {
                do {
                    let connection = try PostgreSQLConnection(url)
                    try connection.runScript("LISTEN \(Self.channel)")
                    pause = 50_000
                    try carry(over: connection)
                } catch {
                    usleep(pause)
                    pause = min(pause * 2, 2_000_000)
                }
            }
        }
    }

    private func carry(over connection: PostgreSQLConnection) throws {
        while !isStopped.load(ordering: .acquiring) {
            var descriptors = [
                pollfd(fd: connection.socket, events: Int16(POLLIN), revents: 0),
                pollfd(fd: pipe.read, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&descriptors, 2, -1) >= 0 || errno == EINTR else {
                throw PostgreSQLError(state: nil, message: "poll failed")
            }
            if descriptors[1].revents != 0 {
                var byte: UInt8 = 0
                while read(pipe.read, &byte, 1) == 1 {}
                if isAnnouncing.exchange(false, ordering: .acquiringAndReleasing) {
                    try connection.runScript("NOTIFY \(Self.channel)")
                }
            }
            if try connection.hasNotification() { for wake in wakes.withLock({ $0 }) { wake() } }
        }
    }
}
