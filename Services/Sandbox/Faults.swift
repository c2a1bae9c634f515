import Contracts
import Persistence
import ServiceRuntime

/// Things that go wrong on demand.
struct Faults: Sendable {
    let database: Database

    func addRoutes(to routes: Routes<SandboxAPI>) {
        routes.on(.addFault) { call in
            let fault = call.body
            guard (1...10_000).contains(fault.times) else {
                throw Problem(.invalidField, "must lie between 1 and 10000", field: "/times")
            }
            try await database.write { transaction in
                try transaction.execute(
                    "INSERT INTO fault (operation, kind, remaining, milliseconds, subject) VALUES (?, ?, ?, ?, ?)",
                    fault.operation, fault.kind.rawValue, fault.times, fault.milliseconds ?? 0, fault.subject)
            }
            return Nothing()
        }
    }

    /// The fault that lies in wait for `operation`, used once.
    private func strike(_ operation: String, _ subject: String) async throws -> (kind: Fault.Kind, milliseconds: Int)? {
        try await database.write { transaction in
            guard
                let row = try transaction.row(
                    """
                    SELECT number, kind, milliseconds FROM fault
                    WHERE operation = ? AND remaining > 0 AND (subject IS NULL OR subject = ?) ORDER BY number
                    """, operation, subject)
            else { return nil }
            let number: Int = try row["number"]
            try transaction.execute("UPDATE fault SET remaining = remaining - 1 WHERE number = ?", number)
            guard let kind = Fault.Kind(rawValue: try row["kind"]) else { return nil }
            return (kind, try row["milliseconds"])
        }
    }

    /// Does `work` with whatever lies in wait for `operation`.
    ///
    /// - Parameter work: gets how its callback is to be treated, and whether it is to refuse.
    func around<Reply: Sendable>(
        _ operation: String, about subject: String, _ work: @Sendable (Treatment) async throws -> Reply
    ) async throws -> Reply {
        guard let (kind, milliseconds) = try await strike(operation, subject) else {
            return try await work(Treatment())
        }
        switch kind {
        case .delay:
            try await Task.sleep(for: .milliseconds(milliseconds))
            return try await work(Treatment())
        case .loseReply:
            _ = try await work(Treatment())
            throw AnswerWithheld()
        case .duplicateCallback: return try await work(Treatment(copies: 2))
        case .loseCallback: return try await work(Treatment(copies: 0))
        case .reorderCallback: return try await work(Treatment(delay: .milliseconds(max(300, milliseconds))))
        case .refuse: return try await work(Treatment(refuses: true))
        }
    }
}

/// How a fault wants a call treated.
struct Treatment: Sendable {
    var copies = 1
    var delay = Duration.zero
    var refuses = false

    func send(_ callback: Callback, in transaction: Transaction, at now: Instant) throws {
        for _ in 0..<copies { try transaction.send(callback, at: now + delay) }
    }
}
