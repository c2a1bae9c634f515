import Contracts
import Foundation
import GRDB
import Logging

/// SQLite, through GRDB: one file, one process that writes.
struct SQLite: Engine {
    /// How long a statement waits for another process's lock, such as a backup's.
    private static let busyTimeout = 5.0

    let dialect = SQLDialect.sqlite
    let isShared = false
    private let pool: DatabasePool

    /// Opens or creates the file.
    init(file: String, readOnly: Bool = false) throws {
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(Self.busyTimeout)
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 4
        configuration.readonly = readOnly
        pool = try DatabasePool(path: file, configuration: configuration)
        // GRDB sets NORMAL when it opens the pool, so this stands behind it.
        if !readOnly { try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") } }
    }

    func migrate(_ migrations: [Migration]) throws {
        var migrator = DatabaseMigrator()
        for migration in migrations {
            migrator.registerMigration(migration.name) { try $0.execute(sql: migration.sql(.sqlite)) }
        }
        try migrator.migrate(pool)
    }

    /// As it is at one moment, without the log beside it; checked.
    func copy(to file: String) throws {
        let copy = try DatabaseQueue(path: file)
        try pool.backup(to: copy)
        let verdict = try copy.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
        guard verdict == "ok" else { throw CorruptColumn(description: "the copy of the database is damaged") }
        try copy.close()
    }

    /// What SQLite says its `synchronous` is, for the test that nobody weakens it: 2 is FULL.
    func synchronousMode() throws -> Int {
        try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
    }

    func write<Result: Sendable>(
        _ isolation: Isolation, _ durability: Durability, _ body: @escaping @Sendable (Transaction) throws -> Result
    ) async throws -> Result {
        try await translated {
            switch durability {
            case .durable:
                try await pool.write { try body(Transaction(SQLiteConnection($0))) }
            case .relaxed:
                // A task of its own, because a cancelled one could not set FULL again.
                try await Task { [pool] in try await Self.writeRelaxed(in: pool, body) }.value
            }
        }
    }

    /// In WAL mode NORMAL leaves the log to the next durable commit.
    private static func writeRelaxed<Result: Sendable>(
        in pool: DatabasePool, _ body: @escaping @Sendable (Transaction) throws -> Result
    ) async throws -> Result {
        try await pool.writeWithoutTransaction { connection in
            try connection.execute(sql: "PRAGMA synchronous = NORMAL")
            defer { try? connection.execute(sql: "PRAGMA synchronous = FULL") }
            var result: Result?
            try connection.inTransaction(.immediate) {
                result = try body(Transaction(SQLiteConnection(connection)))
                return .commit
            }
            guard let result else { throw CancellationError() }
            return result
        }
    }

    func read<Result: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Result) async throws -> Result {
        try await translated { try await pool.read { try body(Transaction(SQLiteConnection($0))) } }
    }

    func announceMessages() {}
    func whenMessagesAnnounced(_ wake: @escaping @Sendable () -> Void) {}

    private func translated<Result>(_ work: () async throws -> Result) async throws -> Result {
        do {
            return try await work()
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY:
                throw Problem.databaseUnavailable(error)
            default: throw error
            }
        }
    }
}

extension Problem {
    /// The caller learns that it may try again, the log why.
    static func databaseUnavailable(_ cause: any Error) -> Problem {
        Logger(label: "baohan.database").warning("the database cannot take the work", metadata: ["cause": "\(cause)"])
        return Problem(.unavailable, "the database cannot take the work now", retryAfter: .seconds(1))
    }
}

private final class SQLiteConnection: SQLConnection {
    let dialect = SQLDialect.sqlite
    private let connection: GRDB.Database

    init(_ connection: GRDB.Database) { self.connection = connection }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        try connection.execute(sql: sql, arguments: Self.bind(arguments))
        return connection.changesCount
    }

    func rows(_ sql: String, _ arguments: [SQLValue]) throws -> [Row] {
        let statement = try connection.cachedStatement(sql: sql)
        let columns = Row.Columns(statement.columnNames)
        var rows: [Row] = []
        let cursor = try GRDB.Row.fetchCursor(statement, arguments: Self.bind(arguments))
        while let row = try cursor.next() {
            rows.append(
                Row(
                    columns: columns,
                    values: try row.databaseValues.enumerated().map { index, value in
                        switch value.storage {
                        case .null: .null
                        case .int64(let value): .integer(value)
                        case .double:
                            throw CorruptColumn(
                                description: "\(statement.columnNames[index]) holds a floating-point number")
                        case .string(let value): .text(value)
                        case .blob(let value): .bytes([UInt8](value))
                        }
                    }))
        }
        return rows
    }

    private static func bind(_ arguments: [SQLValue]) -> StatementArguments {
        StatementArguments(
            arguments.map { argument -> (any DatabaseValueConvertible)? in
                switch argument {
                case .null: nil
                case .integer(let value): value
                case .text(let value): value
                case .bytes(let value): Data(value)
                }
            })
    }
}
