import Contracts
import DevelopmentDatabase
import Persistence
import Testing

@testable import Auth

@Suite("Limits on attempts")
struct AttemptTests {
    private let noon = Instant(milliseconds: 1_800_000_000_000)

    private func store(_ scratch: ScratchDatabase) async throws -> Store {
        Store(database: try await Database(scratch.address, migrations: authMigrations))
    }

    private func admitted(_ store: Store, _ key: String, _ limit: AttemptLimit, at now: Instant) async throws -> Bool {
        do {
            try await store.database.write { try Store.admit([(key, limit)], at: now, in: $0) }
            return true
        } catch let problem as Problem {
            #expect(problem.code == .tooManyAttempts)
            #expect(try #require(problem.retryAfter) > .zero && problem.retryAfter ?? .zero <= limit.window)
            return false
        }
    }

    @Test(
        "which roles the staff file gives and takes is recorded once, at the start that finds it changed",
        arguments: DatabaseKind.allCases)
    func roles(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let store = try await store(scratch)
        let code = try UnifiedSocialCreditCode("91350100M000100Y43")
        func history(_ staff: [StaffMember]) async throws -> [String] {
            try await store.takeRoles(of: staff, at: noon)
            return try await store.database.read { transaction in
                try transaction.rows("SELECT event, subject FROM audit ORDER BY number").map { row in
                    let (event, subject): (String, String) = (try row["event"], try row["subject"])
                    return "\(event) \(subject)"
                }
            }
        }
        let underwriter = StaffMember(creditCode: code, role: .underwriter, insurer: "pa")
        let operating = StaffMember(creditCode: code, role: .platformOperator, insurer: nil)
        let given = "role_given underwriter pa \(code.text)"
        #expect(try await history([underwriter]) == [given])
        #expect(try await history([underwriter]) == [given])
        let changed = [given, "role_taken underwriter pa \(code.text)", "role_given operator \(code.text)"]
        #expect(try await history([operating]) == changed)
        #expect(try await history([]) == changed + ["role_taken operator \(code.text)"])
    }

    @Test(
        "A7: as many as the limit says in one window, whoever counts, and again in the next one",
        arguments: DatabaseKind.allCases)
    func windows(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let store = try await store(scratch)
        let limit = AttemptLimit(limit: 10, window: .hours(1))
        let start = limit.start(at: noon)
        let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<30 {
                group.addTask { try await admitted(store, "a", limit, at: start + .seconds(number)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count { $0 } == 10)
        #expect(try await admitted(store, "b", limit, at: start))
        #expect(try await !admitted(store, "a", limit, at: start + .minutes(59)))
        #expect(try await admitted(store, "a", limit, at: start + .hours(1)))
    }

    @Test("networks are told apart, hosts are not")
    func masks() {
        #expect(maskedAddress("203.0.113.77") == "203.0.113.0/24")
        #expect(maskedAddress("2001:db8:1:2::7") == "2001:db8:1::/48")
    }
}
