import Contracts
import Foundation
import Logging
import ServiceLifecycle
import StrictJSON

/// Something that must happen outside once the transaction has committed: an event for another service, or a call to
/// the outside world.
public protocol OutboxMessage: Codable, Sendable {
    /// Messages about the same thing are delivered in the order in which they were written.
    var aggregate: String { get }
    /// For the operator's list.
    var kind: String { get }
    /// Whether it goes to the outside world as a signed callback, so that it stays in the delivery log.
    var isCallback: Bool { get }
}

extension OutboxMessage {
    public var isCallback: Bool { false }
}

extension Transaction {
    /// Writes `message` into the outbox, in this transaction.
    public func send(_ message: some OutboxMessage, at now: Instant, id: MessageID = MessageID()) throws {
        let columns = "INSERT INTO outbox (id, aggregate, kind, payload, created_at, due_at)"
        switch dialect {
        case .sqlite:
            try execute(
                "\(columns) VALUES (?, ?, ?, ?, ?, ?)", id, message.aggregate, message.kind, JSONColumn(message), now,
                now)
        case .postgreSQL:
            // Two transactions that send about the same thing get their positions in the order in which they commit.
            try execute(
                """
                WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended(?, 0)))
                \(columns) SELECT ?, ?, ?, ?, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM turn
                """, message.aggregate, id, message.aggregate, message.kind, JSONColumn(message), now, now)
        }
        noteMessage()
    }

    /// Whether the message was not taken in before; from now on it was.
    public func takeIn(_ id: MessageID, at now: Instant) throws -> Bool {
        try execute("INSERT INTO inbox (id, at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", id, now) == 1
    }
}

/// The circumstances of one delivery.
public struct Delivery: Sendable {
    /// The key by which the other side knows the message; the same at every attempt.
    public let id: MessageID
    /// 1 at the first attempt. At later ones the outcome of an earlier attempt may be unknown: ask before repeating.
    public let attempt: Int
    public let createdAt: Instant
}
