/// What became of one premium, as Payment tells the insurer and the provider, and as they keep it in their books: shares
/// that they are owed, or that were taken back with a refund.
public struct Settlement: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// The policy is issued, and paid for.
        case premium
        /// Given back to the bidder (R6, A9).
        case refund
    }

    /// By which both sides know it.
    public let id: MessageID
    public let kind: Kind
    public let order: OrderID
    public let policyNumber: String
    public let insurer: String
    public let provider: String
    public let insurerShare: Money
    /// Without the tax inside it.
    public let providerShare: Money
    public let tax: Money
    public let at: Instant

    public init(
        id: MessageID, kind: Kind, order: OrderID, policyNumber: String, insurer: String, provider: String,
        insurerShare: Money, providerShare: Money, tax: Money, at: Instant
    ) {
        self.id = id
        self.kind = kind
        self.order = order
        self.policyNumber = policyNumber
        self.insurer = insurer
        self.provider = provider
        self.insurerShare = insurerShare
        self.providerShare = providerShare
        self.tax = tax
        self.at = at
    }
}

/// What a party has in its book, a page at a time.
public struct SettlementBook: Codable, Sendable {
    public let lines: [Settlement]
    public let position: Int

    public init(lines: [Settlement], position: Int) {
        self.lines = lines
        self.position = position
    }
}

extension Endpoint where API == InsurerAPI, ID == Nothing, Request == Settlement, Reply == Nothing {
    public static var settlement: Self { .post("/insurer/v1/callbacks/settlements", for: .callback(.payment)) }
}

extension Endpoint where API == ProviderAPI, ID == Nothing, Request == Settlement, Reply == Nothing {
    public static var settlement: Self { .post("/providers/v1/callbacks/settlements", for: .callback(.payment)) }
}

extension Endpoint where API == InsurerAPI, ID == Nothing, Request == StatementQuery, Reply == SettlementBook {
    public static var book: Self { .get("/insurer/v1/settlements", for: .parties(.payment)) }
}

extension Endpoint where API == ProviderAPI, ID == Nothing, Request == StatementQuery, Reply == SettlementBook {
    public static var book: Self { .get("/providers/v1/settlements", for: .parties(.payment)) }
}
