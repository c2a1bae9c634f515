import Contracts
import Foundation
import GRDB
import StrictJSON
import Synchronization

/// The database of one service; nobody else reads it.
public final class Database: Sendable {
    /// How long a statement waits for another process's lock, such as a backup's.
    private static let busyTimeout = 5.0

    private let pool: DatabasePool
    private let messageWaiting = Mutex<[@Sendable () -> Void]>([])

    /// Opens or creates the file and brings its schema up to date.
    ///
    /// - Parameter migrations: the service's own, oldest first; one that has landed is never changed.
    public init(file: String, migrations: [Migration]) throws {
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(Self.busyTimeout)
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 4
        pool = try DatabasePool(path: file, configuration: configuration)
        // GRDB sets NORMAL when it opens the pool, so this stands behind it. A commit that was acknowledged must
        // survive a loss of power: it may be money.
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        try Migration.run(Migration.runtime + migrations, in: pool)
    }

    /// Opens a file that another process may be writing to, and changes nothing.
    public init(reading file: String) throws {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(Self.busyTimeout)
        pool = try DatabasePool(path: file, configuration: configuration)
    }

    /// What SQLite says its `synchronous` is, for the test that nobody weakens it: 2 is FULL.
    func synchronousMode() throws -> Int {
        try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
    }

    // MARK: Transactions

    /// Runs `body` in a transaction of its own: all of it happens, or nothing. Nobody else is called from inside: what
    /// another party has to learn is put into the outbox.
    ///
    /// - Throws: what `body` throws; ``ProblemCode/unavailable`` when the database cannot take the work now.
    @discardableResult
    public func write<Result: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Result) async throws
        -> Result
    {
        do {
            let (result, hasMessages) = try await pool.write { connection in
                let transaction = Transaction(connection)
                return (try body(transaction), transaction.hasMessages)
            }
            if hasMessages { for wake in messageWaiting.withLock({ $0 }) { wake() } }
            return result
        } catch let error as DatabaseError {
            throw Self.problem(error)
        }
    }

    /// Runs `body` on a consistent snapshot, beside writers.
    public func read<Result: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Result) async throws
        -> Result
    {
        do {
            return try await pool.read { try body(Transaction($0)) }
        } catch let error as DatabaseError {
            throw Self.problem(error)
        }
    }

    private static func problem(_ error: DatabaseError) -> any Error {
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY:
            Problem(.unavailable, "the database cannot take the work now", retryAfter: .seconds(1))
        default: error
        }
    }

    /// `wake` is called after every commit that left a message in the outbox.
    func whenMessagesWait(_ wake: @escaping @Sendable () -> Void) {
        messageWaiting.withLock { $0.append(wake) }
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

/// One transaction; valid inside the closure that got it.
public final class Transaction {
    private let connection: GRDB.Database
    fileprivate(set) var hasMessages = false

    init(_ connection: GRDB.Database) { self.connection = connection }

    /// - Returns: how many rows were inserted, changed or deleted.
    @discardableResult
    public func execute(_ sql: String, _ arguments: any SQLRepresentable...) throws -> Int {
        try execute(sql, arguments)
    }

    @discardableResult
    public func execute(_ sql: String, _ arguments: [any SQLRepresentable]) throws -> Int {
        try connection.execute(sql: sql, arguments: Self.bind(arguments))
        return connection.changesCount
    }

    public func rows(_ sql: String, _ arguments: any SQLRepresentable...) throws -> [Row] {
        try rows(sql, arguments)
    }

    public func rows(_ sql: String, _ arguments: [any SQLRepresentable]) throws -> [Row] {
        try GRDB.Row.fetchAll(connection, sql: sql, arguments: Self.bind(arguments)).map(Row.init)
    }

    /// The first row, if there is one.
    public func row(_ sql: String, _ arguments: any SQLRepresentable...) throws -> Row? {
        try GRDB.Row.fetchOne(connection, sql: sql, arguments: Self.bind(arguments)).map(Row.init)
    }

    func noteMessage() { hasMessages = true }

    private static func bind(_ arguments: [any SQLRepresentable]) -> StatementArguments {
        StatementArguments(
            arguments.map { argument -> (any DatabaseValueConvertible)? in
                switch argument.sql {
                case .null: nil
                case .integer(let value): value
                case .text(let value): value
                case .bytes(let value): Data(value)
                }
            })
    }
}

/// One row of a result.
public struct Row {
    private let row: GRDB.Row

    init(_ row: GRDB.Row) { self.row = row }

    /// - Throws: ``CorruptColumn`` when the column does not hold a `Value`.
    public subscript<Value: SQLRepresentable>(_ column: String) -> Value {
        get throws {
            let stored: DatabaseValue = row[column]
            let value: SQLValue =
                switch stored.storage {
                case .null: .null
                case .int64(let value): .integer(value)
                case .double: throw CorruptColumn(description: "\(column) holds a floating-point number")
                case .string(let value): .text(value)
                case .blob(let value): .bytes([UInt8](value))
                }
            do {
                return try Value(sql: value)
            } catch {
                throw CorruptColumn(description: "\(column): \(error)")
            }
        }
    }
}
