import Contracts
import Cryptography

/// The first thing that is wrong with an audit trail.
public struct AuditBreak: Error, Equatable, Sendable, CustomStringConvertible {
    /// Of the record where the chain breaks.
    public let number: Int64
    public let description: String
}

extension Transaction {
    /// Adds a record to the chain: each hash covers the one before, so that what was changed, removed or swapped later is
    /// found. It stands or falls with the transaction.
    public func audit(_ record: AuditRecord, at now: Instant) throws {
        // Taking the head first makes writers wait for one another.
        try execute("UPDATE audit_head SET number = number + 1 WHERE id = 1")
        guard let head = try row("SELECT number, hash FROM audit_head WHERE id = 1") else {
            throw CorruptColumn(description: "the audit trail has no head")
        }
        let number: Int64 = try head["number"]
        let hash = Self.hash(record, number, now, after: try head["hash"])
        try execute(
            """
            INSERT INTO audit (number, at, event, actor, subject, certificate, origin, result, hash)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, number, now, record.event, record.actor, record.subject, record.certificate, record.origin,
            record.result, hash)
        try execute("UPDATE audit_head SET hash = ? WHERE id = 1", hash)
    }

    /// Lengths stand before the texts, so that nothing can be moved from one column to the next.
    private static func hash(_ record: AuditRecord, _ number: Int64, _ at: Instant, after previous: String) -> String {
        let parts = [
            previous, String(number), at.text, record.event, record.actor, record.subject, record.certificate ?? "-",
            record.origin ?? "-", record.result,
        ]
        return sha256(parts.map { "\($0.utf8.count):\($0)" }.joined().utf8).hex
    }

    /// How many records there are, when the chain holds.
    ///
    /// - Throws: ``AuditBreak`` at the first record that was changed, removed, added or swapped.
    public func verifyAudit() throws -> Int64 {
        var previous = ""
        var expected: Int64 = 0
        while true {
            let rows = try rows(
                """
                SELECT number, at, event, actor, subject, certificate, origin, result, hash FROM audit
                WHERE number > ? ORDER BY number LIMIT 1000
                """, expected)
            for row in rows {
                expected += 1
                let number: Int64 = try row["number"]
                guard number == expected else {
                    throw AuditBreak(number: expected, description: "record \(expected) is missing")
                }
                let record = AuditRecord(
                    try row["event"], by: try row["actor"], on: try row["subject"], certificate: try row["certificate"],
                    from: try row["origin"], result: try row["result"])
                let hash: String = try row["hash"]
                guard hash == Self.hash(record, number, try row["at"], after: previous) else {
                    throw AuditBreak(number: number, description: "record \(number) was changed, or one before it")
                }
                previous = hash
            }
            if rows.isEmpty { break }
        }
        guard let head = try row("SELECT number, hash FROM audit_head WHERE id = 1") else {
            throw AuditBreak(number: 0, description: "the head is missing")
        }
        guard try head["number"] == expected, try head["hash"] == previous else {
            throw AuditBreak(number: expected + 1, description: "records behind \(expected) are missing")
        }
        return expected
    }
}

extension Database {
    /// Adds one record in a transaction of its own.
    public func audit(_ record: AuditRecord, at now: Instant) async throws {
        // The update of the head makes writers take turns.
        try await write(isolation: .readCommitted) { try $0.audit(record, at: now) }
    }

    /// Checks the whole audit trail, see ``Transaction/verifyAudit()``.
    public func verifyAudit() async throws -> Int64 { try await read { try $0.verifyAudit() } }
}
