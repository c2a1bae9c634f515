// MARK: Payment (A9)

/// What the bidder needs to pay (确定付款).
public struct PaymentInstruction: Codable, Sendable, Equatable {
    public let paymentOrder: PaymentOrderID
    public let amount: Money
    public let payTo: AccountReference
    /// To be given with the transfer.
    public let reference: String
    public let onlyFrom: AccountReference?
    public let expiresAt: Instant

    public init(
        paymentOrder: PaymentOrderID, amount: Money, payTo: AccountReference, reference: String,
        onlyFrom: AccountReference? = nil, expiresAt: Instant
    ) {
        self.paymentOrder = paymentOrder
        self.amount = amount
        self.payTo = payTo
        self.reference = reference
        self.onlyFrom = onlyFrom
        self.expiresAt = expiresAt
    }
}

// MARK: Policy (A10 to A12)

public struct PolicyDetails: Codable, Sendable {
    public let number: String
    public let state: PolicyState
    public let insurer: InsurerDetails
    public let amount: Money
    public let coverage: CoveragePeriod
    public let issuedAt: Instant
    /// SHA-256 of the document that can be downloaded now; nil while the policy is sealed.
    public let documentHash: String?
    /// For the public page; nil while the policy is sealed.
    public let verificationCode: String?

    public init(
        number: String, state: PolicyState, insurer: InsurerDetails, amount: Money, coverage: CoveragePeriod,
        issuedAt: Instant, documentHash: String? = nil, verificationCode: String? = nil
    ) {
        self.number = number
        self.state = state
        self.insurer = insurer
        self.amount = amount
        self.coverage = coverage
        self.issuedAt = issuedAt
        self.documentHash = documentHash
        self.verificationCode = verificationCode
    }
}

public struct VerifyPolicy: Codable, Sendable {
    public let number: String
    public let code: String

    public init(number: String, code: String) {
        self.number = number
        self.code = code
    }
}

/// What the public page says (A12).
public struct PolicyVerification: Codable, Sendable {
    public let number: String
    public let state: PolicyState
    public let insurer: Words
    public let bidder: Words
    public let tenderee: Words
    public let lot: Words
    public let amount: Money
    public let coverage: CoveragePeriod
    public let documentHash: String

    public init(
        number: String, state: PolicyState, insurer: Words, bidder: Words, tenderee: Words, lot: Words, amount: Money,
        coverage: CoveragePeriod, documentHash: String
    ) {
        self.number = number
        self.state = state
        self.insurer = insurer
        self.bidder = bidder
        self.tenderee = tenderee
        self.lot = lot
        self.amount = amount
        self.coverage = coverage
        self.documentHash = documentHash
    }
}

// MARK: For Refund and Invoice

public enum SurrenderReason: String, Codable, Sendable, CaseIterable {
    /// The bidder gives up (R1).
    case withdrawn
    /// The project is aborted or suspended (R1).
    case suspended
    /// The project is terminated (R2).
    case terminated
}

public struct AskSurrender: Codable, Sendable {
    public let refund: RefundID
    public let enterprise: EnterpriseID
    public let standing: Standing
    public let reason: SurrenderReason

    public init(refund: RefundID, enterprise: EnterpriseID, standing: Standing, reason: SurrenderReason) {
        self.refund = refund
        self.enterprise = enterprise
        self.standing = standing
        self.reason = reason
    }
}

/// The policy is stopped; this is what goes back and on which ground.
public struct SurrenderDecision: Codable, Sendable, Equatable {
    public let order: OrderID
    public let enterprise: EnterpriseID
    public let policyNumber: String
    public let insurer: String
    public let amount: Money
    public let ground: SurrenderReason
    public let rulesVersion: String
    public let payer: AccountReference
    public let decidedAt: Instant

    public init(
        order: OrderID, enterprise: EnterpriseID, policyNumber: String, insurer: String, amount: Money,
        ground: SurrenderReason, rulesVersion: String, payer: AccountReference, decidedAt: Instant
    ) {
        self.order = order
        self.enterprise = enterprise
        self.policyNumber = policyNumber
        self.insurer = insurer
        self.amount = amount
        self.ground = ground
        self.rulesVersion = rulesVersion
        self.payer = payer
        self.decidedAt = decidedAt
    }
}

/// What an invoice is made from; given out after the opening only (I1).
public struct InvoiceBasis: Codable, Sendable {
    public let order: OrderID
    public let policyNumber: String
    public let insurer: InsurerDetails
    public let premium: Money
    public let vatPercent: Int
    /// Media and kinds that the region offers (I2).
    public let offered: [InvoiceForm]

    public init(
        order: OrderID, policyNumber: String, insurer: InsurerDetails, premium: Money, vatPercent: Int,
        offered: [InvoiceForm]
    ) {
        self.order = order
        self.policyNumber = policyNumber
        self.insurer = insurer
        self.premium = premium
        self.vatPercent = vatPercent
        self.offered = offered
    }
}

/// The trading centre's word on a lot: published, changed, or its tender moved on.
public struct LotNotice: Codable, Sendable {
    public let lot: LotDetails

    public init(lot: LotDetails) {
        self.lot = lot
    }
}

/// An insurer's late answer (A8).
public struct InsurerNotice: Codable, Sendable {
    public let order: OrderID
    public let verdict: UnderwritingVerdict
    public let note: String?

    public init(order: OrderID, verdict: UnderwritingVerdict, note: String? = nil) {
        self.order = order
        self.verdict = verdict
        self.note = note
    }
}
