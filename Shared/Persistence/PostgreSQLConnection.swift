import CPostgreSQL
import Contracts
import Foundation

/// What the server, or the way to it, says against a statement.
struct PostgreSQLError: Error, CustomStringConvertible {
    /// SQLSTATE; nil when the connection failed.
    let state: String?
    let message: String

    var description: String { "PostgreSQL \(state ?? "connection"): \(message)" }

    /// Conflicts with other transactions: the whole transaction may run again.
    var isConflict: Bool { state == "40001" || state == "40P01" }

    /// The connection is of no use any more: it broke, the server stops, or it is no longer the one that takes writes.
    var endsConnection: Bool {
        guard let state else { return true }
        return state.hasPrefix("08") || state.hasPrefix("57P") || state == "25006"
    }

    /// The server cannot take the work now: a lock or statement took too long, or it has no room.
    var isPassing: Bool {
        guard let state else { return true }
        return endsConnection || isConflict || state.hasPrefix("53") || state == "55P03" || state == "57014"
            || state == "58030"
    }
}

/// One connection, for one thread at a time. Statements are prepared once and travel in a pipeline: `BEGIN` with the
/// first of a transaction, so that it costs no round trip.
///
/// Once it is connected libpq never blocks; what waits is `poll`, with a deadline, so that a server that vanished does not
/// hold the thread.
final class PostgreSQLConnection: SQLConnection {
    let dialect = SQLDialect.postgreSQL
    /// The server ends a statement before; this is for a server that does not answer at all.
    private static let longestSilence: Int32 = 15_000

    private let connection: OpaquePointer
    /// Names of prepared statements by their text.
    private var prepared: [String: String] = [:]
    private var statements = 0
    /// What was sent and not answered yet, oldest first.
    private var expected: [Expected] = []
    /// Whether a `COMMIT` was sent whose answer is not known.
    private(set) var isCommitting = false

    private enum Expected {
        case preparation(String)
        case statement
        case sync

        var isSync: Bool { if case .sync = self { true } else { false } }
    }

    /// Blocks until a host has answered, as long as `connect_timeout` for each.
    ///
    /// `PQconnectPoll` would do without a thread, but knows no time-out and waits by itself for a host that is silent.
    ///
    /// - Throws: ``PostgreSQLError``.
    init(_ url: String) throws {
        guard let connection = PQconnectdb(url) else {
            throw PostgreSQLError(state: nil, message: "out of memory")
        }
        self.connection = connection
        // From here on deinit closes it, also after a throw.
        guard PQstatus(connection) == CONNECTION_OK else { throw failure() }
        // What the server remarks beside its answers goes to standard error otherwise.
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        guard PQsetnonblocking(connection, 1) == 0, PQenterPipelineMode(connection) == 1 else { throw failure() }
    }

    deinit { PQfinish(connection) }

    // MARK: Transactions

    /// Begins a transaction; nothing is sent before its first statement.
    func begin(_ mode: String) throws {
        // The answer to the last reader's end may still be on its way.
        try settle()
        try send("BEGIN " + mode, [])
    }

    func commit() throws {
        try send("COMMIT", [])
        isCommitting = true
        try synchronise()
        do {
            // A transaction that has failed answers COMMIT with ROLLBACK.
            guard try settle().command == "COMMIT" else {
                throw PostgreSQLError(state: "25P02", message: "a transaction that has failed cannot be committed")
            }
            isCommitting = false
        } catch let error as PostgreSQLError where !error.endsConnection {
            // A server that says no and goes on has rolled back: the outcome is known. One that is being stopped may
            // have committed and not yet copied it.
            isCommitting = false
            throw error
        }
    }

    /// Ends a reading transaction, without waiting for the answer.
    func endReading() throws {
        try send("COMMIT", [])
        try synchronise()
    }

    /// - Throws: when the connection is of no use any more.
    func rollBack() throws {
        do {
            try settle()
        } catch let error as PostgreSQLError where !error.endsConnection {}
        try send("ROLLBACK", [])
        try synchronise()
        try settle()
    }

    // MARK: Statements

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        try run(sql, arguments).changed
    }

    func rows(_ sql: String, _ arguments: [SQLValue]) throws -> [Row] {
        try run(sql, arguments).rows
    }

    /// Several statements without arguments, outside a transaction of ours.
    ///
    /// - Parameter silence: how long the server may take, in milliseconds; -1 for ever.
    func runScript(_ sql: String, silence: Int32 = longestSilence) throws {
        try settle()
        guard PQexitPipelineMode(connection) == 1, PQsendQuery(connection, sql) == 1 else { throw failure() }
        try flush()
        var failure: PostgreSQLError?
        while let result = try nextResult(silence) {
            defer { PQclear(result) }
            if PQresultStatus(result) == PGRES_FATAL_ERROR { failure = Self.error(result) }
        }
        guard PQenterPipelineMode(connection) == 1 else { throw self.failure() }
        if let failure { throw failure }
    }

    /// What another session said on a channel that this one listens to, if anything.
    func hasNotification() throws -> Bool {
        guard PQconsumeInput(connection) == 1 else { throw failure() }
        var isTold = false
        while let notification = PQnotifies(connection) {
            PQfreemem(notification)
            isTold = true
        }
        return isTold
    }

    var socket: Int32 { PQsocket(connection) }

    // MARK: The pipeline

    private struct Outcome {
        var command = ""
        var changed = 0
        var rows: [Row] = []
    }

    private func run(_ sql: String, _ arguments: [SQLValue]) throws -> Outcome {
        try send(sql, arguments)
        try synchronise()
        return try settle()
    }

    private func send(_ sql: String, _ arguments: [SQLValue]) throws {
        let name: String
        if let known = prepared[sql] {
            name = known
        } else {
            statements += 1
            name = "s\(statements)"
            guard PQsendPrepare(connection, name, Self.numbered(sql), 0, nil) == 1 else { throw failure() }
            prepared[sql] = name
            expected.append(.preparation(sql))
        }
        // Every value but bytes travels as text, which the server reads as the type that the statement wants.
        var buffers: [[UInt8]?] = []
        var formats: [Int32] = []
        for argument in arguments {
            switch argument {
            case .null: buffers.append(nil)
            case .integer(let value): buffers.append(Array(String(value).utf8) + [0])
            case .text(let value): buffers.append(Array(value.utf8) + [0])
            case .bytes(let value): buffers.append(value)
            }
            if case .bytes = argument { formats.append(1) } else { formats.append(0) }
        }
        let lengths = buffers.map { Int32($0?.count ?? 0) }
        let sent = Self.withPointers(buffers) { values in
            PQsendQueryPrepared(connection, name, Int32(arguments.count), values, lengths, formats, 0)
        }
        guard sent == 1 else { throw failure() }
        expected.append(.statement)
    }

    private static func withPointers<Result>(
        _ buffers: [[UInt8]?], _ body: ([UnsafePointer<CChar>?]) -> Result
    ) -> Result {
        // One block for all values: the pointers are good while `body` runs.
        var block: [CChar] = []
        var starts: [Int?] = []
        for buffer in buffers {
            starts.append(buffer == nil ? nil : block.count)
            block += (buffer ?? []).map { CChar(bitPattern: $0) }
            block.append(0)
        }
        return block.withUnsafeBufferPointer { bytes in
            body(starts.map { start in start.flatMap { offset in bytes.baseAddress.map { $0 + offset } } })
        }
    }

    private func synchronise() throws {
        guard PQpipelineSync(connection) == 1 else { throw failure() }
        expected.append(.sync)
        try flush()
    }

    /// Reads every answer that is due, and returns what the last statement brought.
    @discardableResult
    private func settle() throws -> Outcome {
        if let last = expected.last, !last.isSync { try synchronise() }
        var outcome = Outcome()
        var failure: (any Error)?
        while let due = expected.first {
            if due.isSync {
                guard let result = try nextResult() else { throw lost() }
                defer { PQclear(result) }
                guard PQresultStatus(result) == PGRES_PIPELINE_SYNC else { throw lost() }
            } else {
                while let result = try nextResult() {
                    defer { PQclear(result) }
                    switch PQresultStatus(result) {
                    case PGRES_TUPLES_OK:
                        do {
                            outcome = Outcome(rows: try Self.rows(result))
                        } catch {
                            failure = failure ?? error
                        }
                    case PGRES_COMMAND_OK:
                        if case .statement = due {
                            outcome = Outcome(
                                command: String(cString: PQcmdStatus(result)),
                                changed: Int(String(cString: PQcmdTuples(result))) ?? 0)
                        }
                    case PGRES_PIPELINE_ABORTED:
                        if case .preparation(let sql) = due { prepared[sql] = nil }
                    default:
                        if case .preparation(let sql) = due { prepared[sql] = nil }
                        failure = failure ?? Self.error(result)
                    }
                }
            }
            // Only now: what is still expected after a throw shows that the connection is of no use.
            expected.removeFirst()
        }
        if let failure { throw failure }
        return outcome
    }

    private func nextResult(_ silence: Int32 = longestSilence) throws -> OpaquePointer? {
        while true {
            if PQisBusy(connection) == 0 { break }
            guard Self.wait(PQsocket(connection), POLLIN, silence) else { throw lost() }
            guard PQconsumeInput(connection) == 1 else { throw failure() }
        }
        let result = PQgetResult(connection)
        if result == nil, PQstatus(connection) != CONNECTION_OK { throw failure() }
        return result
    }

    private func flush() throws {
        while true {
            switch PQflush(connection) {
            case 0: return
            case 1:
                guard Self.wait(PQsocket(connection), POLLOUT | POLLIN, Self.longestSilence) else { throw lost() }
                guard PQconsumeInput(connection) == 1 else { throw failure() }
            default: throw failure()
            }
        }
    }

    // MARK: Results

    private static func rows(_ result: OpaquePointer) throws -> [Row] {
        let width = PQnfields(result)
        let names = (0..<width).map { PQfname(result, $0).map { String(cString: $0) } ?? "" }
        let types = (0..<width).map { PQftype(result, $0) }
        let columns = Row.Columns(names)
        return try (0..<PQntuples(result)).map { row in
            Row(
                columns: columns,
                values: try (0..<width).map { column in
                    guard PQgetisnull(result, row, column) == 0, let text = PQgetvalue(result, row, column) else {
                        return .null
                    }
                    let bytes = UnsafeRawBufferPointer(start: text, count: Int(PQgetlength(result, row, column)))
                    guard let value = value(bytes, type: types[Int(column)]) else {
                        throw CorruptColumn(description: "\(names[Int(column)]) holds no integer, text or bytes")
                    }
                    return value
                })
        }
    }

    /// The numbers of the types are those of the catalogue pg_type, which never change.
    private static func value(_ text: UnsafeRawBufferPointer, type: Oid) -> SQLValue? {
        switch type {
        case 16: return .integer(text.first == UInt8(ascii: "t") ? 1 : 0)
        // Integers, and the sum of integers.
        case 20, 21, 23, 26, 1_700: return Int64(String(decoding: text, as: UTF8.self)).map { .integer($0) }
        case 17:
            guard text.count % 2 == 0, text.starts(with: "\\x".utf8) else { return nil }
            return .bytes(
                stride(from: 2, to: text.count, by: 2).map { digit(text[$0]) << 4 | digit(text[$0 + 1]) })
        case 700, 701: return nil
        default: return .text(String(decoding: text, as: UTF8.self))
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8 { byte < 0x3A ? byte &- 0x30 : byte &- 0x57 }

    // MARK: Errors

    private static func error(_ result: OpaquePointer) -> PostgreSQLError {
        let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) }
        // The primary message names tables and constraints; the detail, which may repeat values, stays out of logs.
        let message = PQresultErrorField(result, Int32(UInt8(ascii: "M"))).map { String(cString: $0) } ?? ""
        return PostgreSQLError(state: state ?? "XX000", message: message)
    }

    private func failure() -> PostgreSQLError {
        PostgreSQLError(state: nil, message: Self.message(connection))
    }

    private func lost() -> PostgreSQLError { PostgreSQLError(state: nil, message: "the server does not answer") }

    private static func message(_ connection: OpaquePointer) -> String {
        PQerrorMessage(connection).map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) } ?? ""
    }

    // MARK: Text

    /// What an address says, as libpq understands it.
    ///
    /// - Throws: ``UnusableDatabase``.
    static func settings(_ address: String) throws -> [String: String] {
        var reason: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(address, &reason) else {
            let text = reason.map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) }
            PQfreemem(reason)
            throw UnusableDatabase(description: text ?? "the address cannot be read")
        }
        defer { PQconninfoFree(options) }
        var settings: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { settings[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return settings
    }

    /// `?` becomes `$1`, `$2` and so on, but not inside quotes.
    static func numbered(_ sql: String) -> String {
        var text: [UInt8] = []
        var number = 0
        var isQuoted = false
        for byte in sql.utf8 {
            if byte == UInt8(ascii: "'") { isQuoted.toggle() }
            if byte == UInt8(ascii: "?"), !isQuoted {
                number += 1
                text += Array("$\(number)".utf8)
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Parameter milliseconds: -1 for ever.
    /// - Returns: false when nothing happened in time.
    private static func wait(_ socket: Int32, _ events: Int32, _ milliseconds: Int32) -> Bool {
        var descriptor = pollfd(fd: socket, events: Int16(events), revents: 0)
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while true {
            let left = milliseconds < 0 ? -1 : max(0, (end - ContinuousClock.now).milliseconds)
            let ready = poll(&descriptor, 1, Int32(left))
            if ready > 0 { return true }
            if ready == 0 { return false }
            if errno != EINTR { return false }
        }
    }
}
