/// What an identifier names; gives it its prefix.
public protocol IdentifierKind: Sendable {
    /// Stands before the underscore, so that a misplaced identifier is seen at a glance.
    static var prefix: String { get }
}

/// An identifier of one kind: its prefix, an underscore and 26 random characters (130 bits).
///
/// Random on purpose: an identifier that grows with time would tell an outsider when, and how often, somebody applied.
public struct Identifier<Kind: IdentifierKind>: Hashable, Sendable {
    public let text: String

    private static var alphabet: [Character] { Array("0123456789abcdefghjkmnpqrstvwxyz") }
    private static var length: Int { 26 }

    /// A new identifier from the system's random generator.
    public init() {
        let alphabet = Self.alphabet
        text = Kind.prefix + "_" + String((0..<Self.length).map { _ in alphabet[Int.random(in: 0..<32)] })
    }

    /// - Throws: ``InvalidValue`` when `text` is not of this kind.
    public init(_ text: String) throws(InvalidValue) {
        guard Self.isOne(text) else { throw InvalidValue("must be an identifier that begins with \(Kind.prefix)_") }
        self.text = text
    }

    private static func isOne(_ text: String) -> Bool {
        guard text.utf8.count == Kind.prefix.utf8.count + 1 + length else { return false }
        var rest = text.utf8[...]
        for byte in Kind.prefix.utf8 {
            guard rest.popFirst() == byte else { return false }
        }
        guard rest.popFirst() == UInt8(ascii: "_") else { return false }
        return rest.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
    }
}

extension Identifier: ValidatedText {
    public var description: String { text }
}

public enum EnterpriseKind: IdentifierKind { public static let prefix = "ent" }
public enum SessionKind: IdentifierKind { public static let prefix = "ses" }
public enum ChallengeKind: IdentifierKind { public static let prefix = "chl" }
public enum CaptchaKind: IdentifierKind { public static let prefix = "cap" }
public enum SMSCodeKind: IdentifierKind { public static let prefix = "sms" }
public enum ConsentKind: IdentifierKind { public static let prefix = "con" }
public enum HandlerKind: IdentifierKind { public static let prefix = "hdl" }
public enum ApprovalKind: IdentifierKind { public static let prefix = "apr" }
public enum LotKind: IdentifierKind { public static let prefix = "lot" }
public enum OrderKind: IdentifierKind { public static let prefix = "ord" }
public enum PaymentOrderKind: IdentifierKind { public static let prefix = "pay" }
public enum PayoutKind: IdentifierKind { public static let prefix = "out" }
public enum RefundKind: IdentifierKind { public static let prefix = "ref" }
public enum InvoiceKind: IdentifierKind { public static let prefix = "inv" }
public enum MessageKind: IdentifierKind { public static let prefix = "msg" }

/// Enterprise 企业.
public typealias EnterpriseID = Identifier<EnterpriseKind>
public typealias SessionID = Identifier<SessionKind>
public typealias ChallengeID = Identifier<ChallengeKind>
public typealias CaptchaID = Identifier<CaptchaKind>
public typealias SMSCodeID = Identifier<SMSCodeKind>
public typealias ConsentID = Identifier<ConsentKind>
/// Handler 经办人: who acts for an enterprise with a certificate of its own.
public typealias HandlerID = Identifier<HandlerKind>
public typealias ApprovalID = Identifier<ApprovalKind>
/// Lot 标段.
public typealias LotID = Identifier<LotKind>
/// Order 投保订单.
public typealias OrderID = Identifier<OrderKind>
public typealias PaymentOrderID = Identifier<PaymentOrderKind>
public typealias PayoutID = Identifier<PayoutKind>
/// Refund 退保.
public typealias RefundID = Identifier<RefundKind>
/// Invoice 发票.
public typealias InvoiceID = Identifier<InvoiceKind>
/// A message between services, or a call to the outside: the key by which it is known on both sides.
public typealias MessageID = Identifier<MessageKind>
