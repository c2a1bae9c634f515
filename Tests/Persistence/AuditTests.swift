import Contracts
import DevelopmentDatabase
import Testing

@testable import Persistence

@Suite("Audit trail")
struct AuditTests {
    private func record(_ database: Database, _ count: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    try await database.write { transaction in
                        try transaction.audit(
                            AuditRecord("login", by: "enterprise \(number)", from: "10.0.0.0/24"),
                            at: Instant(milliseconds: Int64(number)))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(
        "records that many writers add at once form one chain, which a restart carries on",
        arguments: DatabaseKind.allCases)
    func whole(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await Database(scratch.address, migrations: [])
        #expect(try await database.verifyAudit() == 0)
        try await record(database, 50)
        #expect(try await Database(scratch.address, migrations: []).verifyAudit() == 50)
        try await record(database, 5)
        #expect(try await Database(reading: scratch.address).verifyAudit() == 55)
    }

    @Test(
        "a record that was changed, removed, added or swapped is found",
        arguments: DatabaseKind.allCases,
        [
            ("UPDATE audit SET result = 'refused' WHERE number = 4", 4),
            ("UPDATE audit SET at = at + 1 WHERE number = 9", 9),
            ("UPDATE audit SET actor = subject, subject = actor WHERE number = 2", 2),
            ("DELETE FROM audit WHERE number = 5", 5), ("DELETE FROM audit WHERE number = 10", 10),
            (
                """
                INSERT INTO audit SELECT 11, at, event, actor, subject, certificate, origin, result, hash
                FROM audit WHERE number = 10
                """, 11
            ),
            (
                """
                UPDATE audit SET number = -number WHERE number IN (3, 7);
                UPDATE audit SET number = 10 + number WHERE number < 0
                """, 3
            ),
        ])
    func broken(_ kind: DatabaseKind, _ damage: (sql: String, number: Int64)) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await Database(scratch.address, migrations: [])
        try await record(database, 10)
        try await database.write { transaction in
            for statement in damage.sql.split(separator: ";") { try transaction.execute(String(statement)) }
        }
        do {
            _ = try await database.verifyAudit()
            Issue.record("nothing was found")
        } catch let found as AuditBreak {
            #expect(found.number == damage.number)
        }
    }

    @Test("a transaction that fails leaves no record", arguments: DatabaseKind.allCases)
    func rolledBack(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let database = try await Database(scratch.address, migrations: [])
        await #expect(throws: Problem.self) {
            try await database.write { transaction in
                try transaction.audit(AuditRecord("login", by: "nobody"), at: Instant(milliseconds: 0))
                throw Problem(.notFound)
            }
        }
        #expect(try await database.verifyAudit() == 0)
    }
}
