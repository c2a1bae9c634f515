import Contracts
import StrictJSON

/// A value as a database stores it.
public enum SQLValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case text(String)
    case bytes([UInt8])
}

/// A column holds something that its type does not allow: the database was changed behind our back.
public struct CorruptColumn: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) {
        self.description = description
    }
}

/// What can stand in a column or in place of a `?`.
public protocol SQLRepresentable: Sendable {
    var sql: SQLValue { get }
    init(sql: SQLValue) throws
}

extension Int64: SQLRepresentable {
    public var sql: SQLValue { .integer(self) }
    public init(sql: SQLValue) throws {
        guard case .integer(let value) = sql else { throw CorruptColumn(description: "an integer is due") }
        self = value
    }
}

extension Int: SQLRepresentable {
    public var sql: SQLValue { .integer(Int64(self)) }
    public init(sql: SQLValue) throws { self = Int(try Int64(sql: sql)) }
}

extension Bool: SQLRepresentable {
    public var sql: SQLValue { .integer(self ? 1 : 0) }
    public init(sql: SQLValue) throws { self = try Int64(sql: sql) != 0 }
}

extension String: SQLRepresentable {
    public var sql: SQLValue { .text(self) }
    public init(sql: SQLValue) throws {
        guard case .text(let value) = sql else { throw CorruptColumn(description: "a text is due") }
        self = value
    }
}

extension Array: SQLRepresentable where Element == UInt8 {
    public var sql: SQLValue { .bytes(self) }
    public init(sql: SQLValue) throws {
        guard case .bytes(let value) = sql else { throw CorruptColumn(description: "bytes are due") }
        self = value
    }
}

extension Optional: SQLRepresentable where Wrapped: SQLRepresentable {
    public var sql: SQLValue { self?.sql ?? .null }
    public init(sql: SQLValue) throws { self = sql == .null ? nil : try Wrapped(sql: sql) }
}

extension SQLRepresentable where Self: RawRepresentable<String> {
    public var sql: SQLValue { .text(rawValue) }
    public init(sql: SQLValue) throws {
        guard let value = Self(rawValue: try String(sql: sql)) else {
            throw CorruptColumn(description: "not a \(Self.self)")
        }
        self = value
    }
}

extension SQLRepresentable where Self: ValidatedText {
    public var sql: SQLValue { .text(text) }
    public init(sql: SQLValue) throws { self = try Self(try String(sql: sql)) }
}

extension Identifier: SQLRepresentable {}
extension UnifiedSocialCreditCode: SQLRepresentable {}
extension MobileNumber: SQLRepresentable {}
extension AccountNumber: SQLRepresentable {}
extension Words: SQLRepresentable {}

extension Money: SQLRepresentable {
    public var sql: SQLValue { .integer(fen) }
    public init(sql: SQLValue) throws { self.init(fen: try Int64(sql: sql)) }
}

extension Instant: SQLRepresentable {
    public var sql: SQLValue { .integer(milliseconds) }
    public init(sql: SQLValue) throws { self.init(milliseconds: try Int64(sql: sql)) }
}

extension ApplicationState: SQLRepresentable {}
extension PaymentState: SQLRepresentable {}
extension PolicyState: SQLRepresentable {}
extension TenderState: SQLRepresentable {}
extension RefundState: SQLRepresentable {}
extension InvoiceState: SQLRepresentable {}
extension PayoutState: SQLRepresentable {}
extension PayoutHold: SQLRepresentable {}
extension CallbackRecord.Direction: SQLRepresentable {}
extension SurrenderReason: SQLRepresentable {}
extension PaymentSentBack.Reason: SQLRepresentable {}
extension InvoiceForm: SQLRepresentable {}
extension Role: SQLRepresentable {}
extension Standing: SQLRepresentable {}
extension Right: SQLRepresentable {}

/// A Codable value in a text column, as JSON.
public struct JSONColumn<Value: Codable & Sendable>: SQLRepresentable {
    public let value: Value

    public init(_ value: Value) { self.value = value }

    public var sql: SQLValue {
        // Types of ours hold no number that JSON cannot say, the only thing that encoding refuses.
        .text(String(decoding: (try? StrictJSON.encode(value)) ?? [], as: UTF8.self))
    }

    public init(sql: SQLValue) throws {
        value = try StrictJSON.decode(Value.self, from: Array(try String(sql: sql).utf8))
    }
}
