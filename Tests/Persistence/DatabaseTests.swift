import Contracts
import DevelopmentDatabase
import Foundation
import Logging
import Testing

@testable import Persistence

private let noon = Instant(milliseconds: 1_800_000_000_000)

extension ScratchDatabase {
    fileprivate func open() async throws -> Database {
        try await Database(
            address,
            migrations: [
                Migration(
                    "test-1", "CREATE TABLE item (name TEXT PRIMARY KEY, amount BIGINT NOT NULL CHECK (amount >= 0))")
            ])
    }
}

private struct Note: OutboxMessage {
    let aggregate: String
    let number: Int
    var kind: String { "note" }
}

/// What was delivered, in order.
private actor Delivered {
    private(set) var notes: [Note] = []
    private(set) var isMended = false
    func mend() { isMended = true }
    func add(_ note: Note) { notes.append(note) }
}

@Suite("Database")
struct DatabaseTests {
    @Test("commits are written through: synchronous is FULL, also after a commit that need not be")
    func synchronous() async throws {
        let scratch = try await ScratchDatabase(.sqlite)
        let engine = try SQLite(file: scratch.address)
        #expect(try engine.synchronousMode() == 2)
        try await engine.write(.serializable, .relaxed) { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }
        #expect(try engine.synchronousMode() == 2)
    }

    @Test("what throws leaves nothing behind, message included", arguments: DatabaseKind.allCases)
    func rollback(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await scratch.open()
        await #expect(throws: Problem(.notFound)) {
            try await database.write { transaction in
                try transaction.execute("INSERT INTO item (name, amount) VALUES (?, ?)", "a", 1)
                try transaction.send(Note(aggregate: "a", number: 1), at: noon)
                throw Problem(.notFound)
            }
        }
        let rows = try await database.read { transaction in
            (try transaction.rows("SELECT name FROM item").count, try transaction.rows("SELECT id FROM outbox").count)
        }
        #expect(rows == (0, 0))
    }

    @Test("one key gives one effect and one answer, however many ask at once", arguments: DatabaseKind.allCases)
    func once(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await scratch.open()
        try await database.write { try $0.execute("INSERT INTO item (name, amount) VALUES ('a', 0)") }
        let key = IdempotencyKey(text: "k", fingerprint: "f")
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await database.once(key, at: noon) { transaction in
                        try transaction.execute("UPDATE item SET amount = amount + 1 WHERE name = 'a'")
                        return UUID().uuidString
                    }
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(answers.count == 1)
        let amount: Int = try await database.read { try $0.row("SELECT amount FROM item")?["amount"] ?? -1 }
        #expect(amount == 1)
        await #expect(throws: Problem(.idempotencyKeyReused)) {
            try await database.once(IdempotencyKey(text: "k", fingerprint: "other"), at: noon) { _ in "x" }
        }
    }

    @Test("a refused request stores no answer and may be tried again", arguments: DatabaseKind.allCases)
    func refusedOnce(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await scratch.open()
        let key = IdempotencyKey(text: "k", fingerprint: "f")
        await #expect(throws: Problem(.wrongState)) {
            try await database.once(key, at: noon) { _ -> String in throw Problem(.wrongState) }
        }
        #expect(try await database.once(key, at: noon) { _ in "later" } == "later")
    }

    @Test("a message is taken in once", arguments: DatabaseKind.allCases)
    func inbox(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await scratch.open()
        let id = MessageID()
        #expect(try await database.write { try $0.takeIn(id, at: noon) })
        #expect(try await !database.write { try $0.takeIn(id, at: noon) })
    }
}

@Suite("Relay")
struct RelayTests {
    private func send(_ notes: [Note], in database: Database) async throws {
        try await database.write { transaction in
            for note in notes { try transaction.send(note, at: noon) }
        }
    }

    private func eventually(_ isSo: () async throws -> Bool) async throws {
        for _ in 0..<12_000 {
            if try await isSo() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("took too long")
    }

    private func waiting(in database: Database) async throws -> Int {
        try await database.read { try $0.row("SELECT COUNT(*) AS number FROM outbox")?["number"] ?? -1 }
    }

    /// Runs a relay while `work` does.
    private func withRelay(
        _ database: Database, now: @escaping @Sendable () -> Instant = { noon + .hours(1) },
        deliver: @escaping @Sendable (Note, Delivery) async throws -> Void, _ work: () async throws -> Void
    ) async throws {
        let relay = Relay<Note>(
            database, now: now, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            deliver: deliver)
        let running = Task { try await relay.run() }
        defer { running.cancel() }
        try await work()
    }

    @Test("each message is delivered, in order per aggregate, through failures", arguments: DatabaseKind.allCases)
    func order(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await scratch.open()
        let delivered = Delivered()
        let notes = (0..<60).map { Note(aggregate: "a\($0 % 3)", number: $0) }
        // The clock runs fast, so that the pauses after failures pass.
        let start = ContinuousClock.now
        try await withRelay(database, now: { noon + (ContinuousClock.now - start) * 50 }) { note, delivery in
            if note.number % 7 == 0, delivery.attempt == 1 { throw Problem(.unavailable) }
            await delivered.add(note)
        } _: {
            try await send(notes, in: database)
            try await eventually { try await waiting(in: database) == 0 }
        }
        let seen = await delivered.notes
        for aggregate in ["a0", "a1", "a2"] {
            #expect(
                seen.filter { $0.aggregate == aggregate }.map(\.number)
                    == notes.filter { $0.aggregate == aggregate }.map(\.number))
        }
    }

    @Test(
        "what is refused again and again becomes a dead letter, holds up its aggregate only, and can be replayed",
        arguments: DatabaseKind.allCases)
    func deadLetters(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await scratch.open()
        let delivered = Delivered()
        let start = ContinuousClock.now
        try await withRelay(database, now: { noon + (ContinuousClock.now - start) * 200 }) { note, _ in
            if note.aggregate == "bad", await !delivered.isMended { throw Problem(.wrongState, "not yet") }
            await delivered.add(note)
        } _: {
            try await send(
                [
                    Note(aggregate: "bad", number: 1), Note(aggregate: "bad", number: 2),
                    Note(aggregate: "good", number: 3),
                ],
                in: database)
            try await eventually { try await database.deadLetters().count == 1 }
            #expect(await delivered.notes.map(\.number) == [3])
            let letter = try #require(try await database.deadLetters().first)
            #expect(letter.kind == "note" && letter.aggregate == "bad" && letter.lastError.contains("wrong_state"))
            await delivered.mend()
            try await database.replayDeadLetter(letter.id, at: noon)
            try await eventually { try await waiting(in: database) == 0 }
            #expect(await delivered.notes.map(\.number) == [3, 1, 2])
        }
        await #expect(throws: Problem(.notFound)) { try await database.replayDeadLetter(MessageID(), at: noon) }
    }

    @Test(
        "what waited when a process ended is delivered by the next one, under the same key",
        arguments: DatabaseKind.allCases)
    func restart(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let id = MessageID()
        do {
            let database = try await scratch.open()
            try await database.write { try $0.send(Note(aggregate: "a", number: 1), at: noon, id: id) }
        }
        let database = try await scratch.open()
        let seen = Delivered()
        try await withRelay(database) { note, delivery in
            #expect(delivery.id == id)
            await seen.add(note)
        } _: {
            try await eventually { try await waiting(in: database) == 0 }
        }
        #expect(await seen.notes.count == 1)
    }
}
