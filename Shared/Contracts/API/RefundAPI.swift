/// Giving a policy back (R1 to R6).
public enum RefundAPI: ServiceAPI {
    public static let server = Party.refund
    public static let eventSenders: Set<Party> = [.order, .payment]
}

/// 申请退保 (R4).
public struct RequestRefund: Codable, Sendable {
    public let order: OrderID
    public let reason: SurrenderReason

    public init(order: OrderID, reason: SurrenderReason) {
        self.order = order
        self.reason = reason
    }
}

/// 完善退保账户信息 (R5); without an account the money goes back to where it came from.
public struct FillRefundAccount: Codable, Sendable {
    public let account: AccountReference?

    public init(account: AccountReference? = nil) {
        self.account = account
    }
}

public struct RefundDetails: Codable, Sendable {
    public let id: RefundID
    public let order: OrderID
    public let state: RefundState
    /// nil, like the rules and the payer, while Order is asked.
    public let amount: Money?
    public let ground: SurrenderReason
    public let rulesVersion: String?
    /// The account that paid, proposed for the refund.
    public let payer: AccountReference?
    public let account: AccountReference?
    public let note: String?
    public let requestedAt: Instant
    public let updatedAt: Instant

    public init(
        id: RefundID, order: OrderID, state: RefundState, amount: Money? = nil, ground: SurrenderReason,
        rulesVersion: String? = nil, payer: AccountReference? = nil, account: AccountReference? = nil,
        note: String? = nil, requestedAt: Instant, updatedAt: Instant
    ) {
        self.id = id
        self.order = order
        self.state = state
        self.amount = amount
        self.ground = ground
        self.rulesVersion = rulesVersion
        self.payer = payer
        self.account = account
        self.note = note
        self.requestedAt = requestedAt
        self.updatedAt = updatedAt
    }
}

/// The insurer's decision on a surrender (R6).
public struct SurrenderNotice: Codable, Sendable {
    public let refund: RefundID
    public let isApproved: Bool
    public let note: String?

    public init(refund: RefundID, isApproved: Bool, note: String? = nil) {
        self.refund = refund
        self.isApproved = isApproved
        self.note = note
    }
}

public struct OrderQuery: Codable, Sendable {
    public let order: OrderID

    public init(order: OrderID) {
        self.order = order
    }
}

extension Endpoint where API == RefundAPI, ID == Nothing, Request == RequestRefund, Reply == RefundDetails {
    public static var requestRefund: Self { .post("/v1/refunds", for: .person(.bidder)) }
}

extension Endpoint where API == RefundAPI, ID == Nothing, Request == OrderQuery, Reply == [RefundDetails] {
    public static var refunds: Self { .get("/v1/refunds", for: .person(.bidder)) }
}

extension Endpoint where API == RefundAPI, ID == RefundID, Request == Nothing, Reply == RefundDetails {
    public static var refund: Self { .get("/v1/refunds/{id}", for: .person(.bidder)) }
}

extension Endpoint where API == RefundAPI, ID == RefundID, Request == FillRefundAccount, Reply == RefundDetails {
    public static var fillAccount: Self { .put("/v1/refunds/{id}/account", for: .person(.bidder)) }
}

extension Endpoint where API == RefundAPI, ID == Nothing, Request == SurrenderNotice, Reply == Nothing {
    public static var surrenderNotice: Self { .post("/v1/callbacks/insurer", for: .callback(.insurer)) }
}
