import Contracts
import DevelopmentDatabase
import Logging
import Synchronization
import Testing

@testable import Persistence

private let noon = Instant(milliseconds: 1_800_000_000_000)

private struct Step: OutboxMessage {
    let aggregate: String
    let number: Int
    var kind: String { "step" }
}

/// What is different where a server holds the data and others share them.
@Suite("PostgreSQL")
struct PostgreSQLTests {
    private static let items = [
        Migration("test-1", "CREATE TABLE item (name TEXT PRIMARY KEY, amount BIGINT NOT NULL CHECK (amount >= 0))")
    ]

    private func eventually(_ isSo: () async throws -> Bool) async throws {
        for _ in 0..<12_000 {
            if try await isSo() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("took too long")
    }

    @Test(
        "an address that would send data without checked TLS, or holds a password, is refused",
        arguments: [
            "postgresql://order@db/order", "postgresql://order@db/order?sslmode=require",
            "postgresql://order@db/order?sslmode=verify-full&sslmode=disable",
            "postgresql:///order?host=/tmp,db", "postgresql:///order?host=/tmp&hostaddr=10.0.0.1",
            "postgresql://order:secret@db/order?sslmode=verify-full",
            "postgres://order:secret@db/order?sslmode=verify-full",
            "postgresql://order@db/order?sslmode=verify-full&password=secret", "postgresql://order@db:x/order",
        ])
    func unsafeAddresses(_ address: String) {
        #expect(throws: UnusableDatabase.self) { try PostgreSQL(address) }
    }

    @Test("a server that is not there is an error, as often as one asks")
    func nobodyThere() {
        for _ in 0..<50 {
            #expect(throws: PostgreSQLError.self) {
                try PostgreSQLConnection("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
            }
        }
    }

    @Test("after a refused statement, in whatever place, the connection is as good as before")
    func refusedStatements() async throws {
        let scratch = try await ScratchDatabase(.postgresql)
        let database = try await Database(scratch.address, migrations: Self.items)
        for number in 0..<30 {
            await #expect(throws: PostgreSQLError.self) {
                try await database.write { transaction in
                    try transaction.execute("INSERT INTO item (name, amount) VALUES (?, ?)", "\(number)", 1)
                    try transaction.execute("INSERT INTO item (name, amount) VALUES (?, ?)", "bad", -1)
                }
            }
            await #expect(throws: PostgreSQLError.self) {
                try await database.write { try $0.execute("INSERT INTO nothing\(number) (a) VALUES (?)", 1) }
            }
            try await database.write { transaction in
                try transaction.execute("INSERT INTO item (name, amount) VALUES (?, ?)", "good \(number)", number)
            }
        }
        let sum: Int = try await database.read { try $0.row("SELECT SUM(amount) AS sum FROM item")?["sum"] ?? -1 }
        #expect(sum == 435)
    }

    @Test("what many read and change at once is as if one came behind the other")
    func serializable() async throws {
        let scratch = try await ScratchDatabase(.postgresql)
        let (one, other) = (
            try await Database(scratch.address, migrations: Self.items),
            try await Database(scratch.address, migrations: Self.items)
        )
        try await one.write { try $0.execute("INSERT INTO item (name, amount) VALUES ('a', 0)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    try await (number % 2 == 0 ? one : other).write { transaction in
                        let amount: Int =
                            try transaction.row("SELECT amount FROM item WHERE name = 'a'")?["amount"] ?? 0
                        try transaction.execute("UPDATE item SET amount = ? WHERE name = 'a'", amount + 1)
                    }
                }
            }
            try await group.waitForAll()
        }
        let amount: Int = try await one.read { try $0.row("SELECT amount FROM item")?["amount"] ?? -1 }
        #expect(amount == 60)
    }

    @Test("connections that the server cuts off are replaced; what was under way happens once")
    func cutOff() async throws {
        let scratch = try await ScratchDatabase(.postgresql)
        let database = try await Database(scratch.address, migrations: Self.items)
        let server = try await PrivatePostgreSQL.shared
        let isDone = Atomic(false)
        let saboteur = Task {
            while !isDone.load(ordering: .relaxed) {
                try server.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = '\(scratch.name)' AND random() < 0.5
                    """)
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        var unknown = 0
        for number in 0..<400 {
            do {
                try await database.write { transaction in
                    try transaction.execute("INSERT INTO item (name, amount) VALUES (?, 1)", "\(number)")
                    _ = try transaction.rows("SELECT pg_sleep(0.001)")
                }
            } catch let problem as Problem where problem.code == .unavailable {
                unknown += 1
            }
        }
        isDone.store(true, ordering: .relaxed)
        try await saboteur.value
        // An answer of which nobody knows is given as unavailable, and never as done twice: the name is unique.
        let count: Int = try await database.read { try $0.row("SELECT COUNT(*) AS n FROM item")?["n"] ?? -1 }
        #expect((400 - unknown...400).contains(count))
    }

    @Test("two relays on one database deliver each message once, and each aggregate in order")
    func sharedOutbox() async throws {
        let scratch = try await ScratchDatabase(.postgresql)
        let databases = [
            try await Database(scratch.address, migrations: []), try await Database(scratch.address, migrations: []),
        ]
        let delivered = Mutex<[Step]>([])
        let relays = databases.map { database in
            Relay<Step>(
                database, now: { noon + .hours(1) },
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ) { step, _ in
                try await Task.sleep(for: .milliseconds(step.number % 3))
                delivered.withLock { $0.append(step) }
            }
        }
        let running = relays.map { relay in Task { try await relay.run() } }
        defer { for task in running { task.cancel() } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for aggregate in 0..<8 {
                group.addTask {
                    for number in 0..<25 {
                        try await databases[number % 2].write { transaction in
                            try transaction.send(Step(aggregate: "a\(aggregate)", number: number), at: noon)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        try await eventually { delivered.withLock(\.count) >= 200 }
        let steps = delivered.withLock { $0 }
        #expect(steps.count == 200)
        for aggregate in 0..<8 {
            #expect(steps.filter { $0.aggregate == "a\(aggregate)" }.map(\.number) == Array(0..<25))
        }
    }

    @Test("a relay that stops gives back what it was delivering, and the next one knows that there was an attempt")
    func givenBack() async throws {
        let scratch = try await ScratchDatabase(.postgresql)
        let (one, other) = (
            try await Database(scratch.address, migrations: []), try await Database(scratch.address, migrations: [])
        )
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let isTaken = Atomic(false)
        let stopping = Relay<Step>(one, now: { noon + .hours(1) }, logger: logger) { _, _ in
            isTaken.store(true, ordering: .relaxed)
            try await Task.sleep(for: .seconds(600))
        }
        let running = Task { try await stopping.run() }
        try await one.write { try $0.send(Step(aggregate: "a", number: 1), at: noon) }
        try await eventually { isTaken.load(ordering: .relaxed) }
        let attempts = Mutex<[Int]>([])
        let next = Relay<Step>(other, now: { noon + .hours(1) }, logger: logger) { _, delivery in
            attempts.withLock { $0.append(delivery.attempt) }
        }
        let following = Task { try await next.run() }
        defer { following.cancel() }
        running.cancel()
        try await running.value
        try await eventually { attempts.withLock { !$0.isEmpty } }
        #expect(attempts.withLock { $0 } == [2])
    }

    @Test("a message that one process leaves wakes the others")
    func notified() async throws {
        let scratch = try await ScratchDatabase(.postgresql)
        let (writer, reader) = (
            try await Database(scratch.address, migrations: []), try await Database(scratch.address, migrations: [])
        )
        let isWoken = Mutex(false)
        reader.whenMessagesWait { isWoken.withLock { $0 = true } }
        try await eventually {
            try await writer.write { try $0.send(Step(aggregate: "a", number: 1), at: noon) }
            return isWoken.withLock { $0 }
        }
    }

    @Test("a text with a zero byte is refused, where both engines would cut it off", arguments: DatabaseKind.allCases)
    func zeroByte(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await Database(scratch.address, migrations: Self.items)
        let problem = await #expect(throws: Problem.self) {
            try await database.write { try $0.execute("INSERT INTO item (name, amount) VALUES (?, 1)", "a\0b") }
        }
        #expect(problem?.code == .invalidField)
    }

    @Test("a step of a schema that fails leaves nothing behind, and can be tried again")
    func failedMigration() async throws {
        let scratch = try await ScratchDatabase(.postgresql)
        await #expect(throws: PostgreSQLError.self) {
            try await Database(
                scratch.address,
                migrations: Self.items + [Migration("test-2", "CREATE TABLE b (n BIGINT); DROP TABLE no")])
        }
        let database = try await Database(
            scratch.address, migrations: Self.items + [Migration("test-2", "CREATE TABLE b (n BIGINT)")])
        try await database.write { try $0.execute("INSERT INTO b (n) VALUES (1)") }
    }
}
