// MARK: Underwriting (A8)

/// An application that waits for a person at the insurer.
public struct UnderwritingCase: Codable, Sendable {
    public let order: OrderID
    public let deposit: Money
    public let premium: Money
    public let enterprise: Words
    public let creditCode: UnifiedSocialCreditCode
    /// Stands for the lot, which an insurer does not see before the opening (A11).
    public let lotToken: String
    public let reasons: [String]
    public let answer: String?
    public let since: Instant

    public init(
        order: OrderID, deposit: Money, premium: Money, enterprise: Words, creditCode: UnifiedSocialCreditCode,
        lotToken: String, reasons: [String], answer: String? = nil, since: Instant
    ) {
        self.order = order
        self.deposit = deposit
        self.premium = premium
        self.enterprise = enterprise
        self.creditCode = creditCode
        self.lotToken = lotToken
        self.reasons = reasons
        self.answer = answer
        self.since = since
    }
}

public enum UnderwritingVerdict: String, Codable, Sendable, CaseIterable {
    case approve
    case reject
    case askInformation = "ask_information"
    /// The insurer's system leaves it to a person.
    case refer
}

public struct DecideUnderwriting: Codable, Sendable {
    public let verdict: UnderwritingVerdict
    /// The reason, or the question; not needed to approve.
    public let note: Words?

    public init(verdict: UnderwritingVerdict, note: Words? = nil) {
        self.verdict = verdict
        self.note = note
    }
}

public struct GiveInformation: Codable, Sendable {
    public let answer: Words

    public init(answer: Words) {
        self.answer = answer
    }
}
