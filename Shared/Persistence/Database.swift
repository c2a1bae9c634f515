import Contracts
import StrictJSON
import Synchronization

/// The database of one service; nobody else reads it. A file of SQLite, or a PostgreSQL that replicas share: the same
/// code runs on both.
public final class Database: Sendable {
    private let engine: any Engine
    private let messageWaiting = Mutex<[@Sendable () -> Void]>([])

    /// Whether other processes may work on the same data.
    var isShared: Bool { engine.isShared }

    /// Opens the database and brings its schema up to date.
    ///
    /// - Parameters:
    ///   - address: a file, which is made if it is not there, or `postgresql://…`, see ``PostgreSQL``.
    ///   - migrations: the service's own, oldest first; one that has landed is never changed.
    /// - Throws: ``UnusableDatabase`` when the address cannot be meant; the engine's error when it cannot be opened.
    public init(_ address: String, migrations: [Migration]) async throws {
        let migrations = Migration.runtime + migrations
        if PostgreSQL.isAddress(address) {
            let engine = try PostgreSQL(address)
            try await engine.migrate(migrations)
            engine.listen()
            self.engine = engine
        } else {
            let engine = try SQLite(file: address)
            try engine.migrate(migrations)
            self.engine = engine
        }
        engine.whenMessagesAnnounced { [weak self] in self?.wake() }
    }

    /// Opens a database that others may be writing to, and changes nothing.
    public init(reading address: String) async throws {
        engine = PostgreSQL.isAddress(address) ? try PostgreSQL(address) : try SQLite(file: address, readOnly: true)
    }

    /// Brings a schema up to date and closes the database again.
    public static func migrate(_ address: String, _ migrations: [Migration]) async throws {
        _ = try await Database(address, migrations: migrations)
    }

    /// Copies the file of an SQLite database that may be in use, as it is at one moment.
    public static func copy(file: String, to copy: String) throws {
        try SQLite(file: file, readOnly: true).copy(to: copy)
    }

    // MARK: Transactions

    /// Runs `body` in a transaction of its own: all of it happens, or nothing. Nobody else is called from inside: what
    /// another party has to learn is put into the outbox. `body` may run more than once, after conflicts with others;
    /// only its last run counts.
    ///
    /// - Throws: what `body` throws; ``ProblemCode/unavailable`` when the database cannot take the work now, or when it
    ///   could not be learned whether it did: then the repetition, by its key, tells.
    @discardableResult
    public func write<Result: Sendable>(
        isolation: Isolation = .serializable, durability: Durability = .durable,
        _ body: @escaping @Sendable (Transaction) throws -> Result
    ) async throws -> Result {
        let (result, hasMessages) = try await engine.write(isolation, durability) { transaction in
            (try body(transaction), transaction.hasMessages)
        }
        if hasMessages {
            wake()
            engine.announceMessages()
        }
        return result
    }

    /// Runs `body` on a consistent snapshot, beside writers.
    public func read<Result: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Result) async throws
        -> Result
    {
        try await engine.read(body)
    }

    /// `wake` is called after every commit that left a message in the outbox.
    func whenMessagesWait(_ wake: @escaping @Sendable () -> Void) {
        messageWaiting.withLock { $0.append(wake) }
    }

    private func wake() {
        for wake in messageWaiting.withLock({ $0 }) { wake() }
    }

    // MARK: Exactly once

    /// The answer stored under `key`, if the request was carried out before.
    ///
    /// - Throws: ``ProblemCode/idempotencyKeyReused`` when the key came with another body.
    public func stored<Reply: Codable & Sendable>(_ key: IdempotencyKey) async throws -> Reply? {
        try await read { try Self.stored(key, in: $0) }
    }

    /// Runs `body` in a transaction and stores its answer under `key` in the same one; a repetition gets the stored
    /// answer. What `body` throws is not stored: a refused request may be tried again.
    @discardableResult
    public func once<Reply: Codable & Sendable>(
        _ key: IdempotencyKey, at now: Instant, _ body: @escaping @Sendable (Transaction) throws -> Reply
    ) async throws -> Reply {
        try await write { transaction in
            if let stored: Reply = try Self.stored(key, in: transaction) { return stored }
            let reply = try body(transaction)
            try transaction.execute(
                "INSERT INTO idempotency (key, fingerprint, reply, at) VALUES (?, ?, ?, ?)", key.text, key.fingerprint,
                JSONColumn(reply), now)
            return reply
        }
    }

    private static func stored<Reply: Codable & Sendable>(
        _ key: IdempotencyKey, in transaction: Transaction
    ) throws -> Reply? {
        guard let row = try transaction.row("SELECT fingerprint, reply FROM idempotency WHERE key = ?", key.text) else {
            return nil
        }
        guard try row["fingerprint"] == key.fingerprint else { throw Problem(.idempotencyKeyReused) }
        let reply: JSONColumn<Reply> = try row["reply"]
        return reply.value
    }
}

/// The address of a database cannot be meant.
public struct UnusableDatabase: Error, CustomStringConvertible {
    public let description: String
}

/// One transaction; valid inside the closure that got it.
public final class Transaction {
    private let connection: any SQLConnection
    var dialect: SQLDialect { connection.dialect }
    private(set) var hasMessages = false

    init(_ connection: any SQLConnection) { self.connection = connection }

    /// - Returns: how many rows were inserted, changed or deleted.
    @discardableResult
    public func execute(_ sql: String, _ arguments: any SQLRepresentable...) throws -> Int {
        try execute(sql, arguments)
    }

    @discardableResult
    public func execute(_ sql: String, _ arguments: [any SQLRepresentable]) throws -> Int {
        try connection.execute(sql, Self.values(arguments))
    }

    public func rows(_ sql: String, _ arguments: any SQLRepresentable...) throws -> [Row] {
        try rows(sql, arguments)
    }

    public func rows(_ sql: String, _ arguments: [any SQLRepresentable]) throws -> [Row] {
        try connection.rows(sql, Self.values(arguments))
    }

    /// Both engines would cut a text off at a zero byte, and say nothing.
    private static func values(_ arguments: [any SQLRepresentable]) throws -> [SQLValue] {
        try arguments.map { argument in
            let value = argument.sql
            if case .text(let text) = value, text.utf8.contains(0) {
                throw Problem(.invalidField, "a text holds a zero byte")
            }
            return value
        }
    }

    /// The first row, if there is one.
    public func row(_ sql: String, _ arguments: any SQLRepresentable...) throws -> Row? {
        try rows(sql, arguments).first
    }

    func noteMessage() { hasMessages = true }
}

/// One row of a result.
public struct Row: Sendable {
    /// The names of a result's columns, and where each stands.
    final class Columns: Sendable {
        let index: [String: Int]

        init(_ names: some Sequence<String>) {
            index = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    let columns: Columns
    let values: [SQLValue]

    /// - Throws: ``CorruptColumn`` when the column does not hold a `Value`.
    public subscript<Value: SQLRepresentable>(_ column: String) -> Value {
        get throws {
            guard let index = columns.index[column] else {
                throw CorruptColumn(description: "there is no column \(column)")
            }
            do {
                return try Value(sql: values[index])
            } catch {
                throw CorruptColumn(description: "\(column): \(error)")
            }
        }
    }
}
