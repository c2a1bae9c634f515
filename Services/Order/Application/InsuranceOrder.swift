import Contracts
import Cryptography

/// The bidder as it was when the order was made.
struct Applicant: Codable, Sendable, Equatable {
    let name: Words
    let creditCode: UnifiedSocialCreditCode
    let basicAccount: AccountReference
}

/// One application for a guarantee and what became of it, on all its axes.
struct InsuranceOrder: Codable, Sendable {
    let id: OrderID
    let lot: LotID
    let enterprise: EnterpriseID
    let applicant: Applicant
    let deposit: Money
    let rulesVersion: String
    /// Stands for the lot toward the insurer before the opening (A11). Each order has its own, so that two orders for
    /// one lot cannot be joined.
    let lotToken: String
    let createdAt: Instant

    var provider: String
    var handler: Handler?
    var quote: Quote?
    var stepUp: StepUp?
    var draw: DrawRecord?
    var insurer: InsurerDetails?
    var application = ApplicationState.draft
    var payment = PaymentState.none
    var policy = PolicyState.none
    /// Waits for a person at the insurer, and why (A8).
    var referral: [String]?
    var underwritingNote: String?
    /// What the bidder said to the insurer's question.
    var answer: String?
    var instruction: PaymentInstruction?
    var paymentNote: PaymentSentBack.Reason?
    var payer: AccountReference?
    var issued: IssuedPolicy?
    var coverage: CoveragePeriod?
    var verificationCode: String?
    var endorsement: Endorsement?
    var refund: RefundID?
    /// What was decided on `refund`, for whoever asks again.
    var surrender: SurrenderDecision?
    /// Of Payment; known from the instruction, or from the money if that was faster.
    var paymentOrder: PaymentOrderID?
    var version = 1
    var updatedAt: Instant

    init(
        lot: Lot, enterprise: EnterpriseID, applicant: Applicant, provider: String, rulesVersion: String,
        at now: Instant
    ) {
        self.init(
            id: OrderID(), lot: lot.details.id, enterprise: enterprise, applicant: applicant,
            deposit: lot.details.deposit, rulesVersion: rulesVersion, lotToken: "LT" + randomBytes(12).hex.uppercased(),
            createdAt: now, provider: provider, updatedAt: now)
    }

    init(
        id: OrderID, lot: LotID, enterprise: EnterpriseID, applicant: Applicant, deposit: Money, rulesVersion: String,
        lotToken: String, createdAt: Instant, provider: String, updatedAt: Instant
    ) {
        self.id = id
        self.lot = lot
        self.enterprise = enterprise
        self.applicant = applicant
        self.deposit = deposit
        self.rulesVersion = rulesVersion
        self.lotToken = lotToken
        self.createdAt = createdAt
        self.provider = provider
        self.updatedAt = updatedAt
    }

    // MARK: Steps on the axes

    mutating func advance(_ event: ApplicationState.Event) throws { application = try application.applying(event) }
    mutating func advance(_ event: PaymentState.Event) throws { payment = try payment.applying(event) }
    mutating func advance(_ event: PolicyState.Event) throws { policy = try policy.applying(event) }

    func surrender(for refund: RefundID) -> SurrenderDecision? { self.refund == refund ? surrender : nil }

    /// Whether it stands in the way of another application for the same lot.
    var isLive: Bool {
        switch policy {
        case .surrendered, .expired, .released, .claimed, .issueFailed: false
        case .none, .issuing, .sealed, .opening, .open, .surrendering: application.isLive
        }
    }

    /// Refuses what was decided on an older picture of the order.
    func require(version shown: Int) throws(Problem) {
        guard shown == version else { throw Problem(.versionConflict) }
    }

    func details(in lot: Lot) -> OrderDetails {
        OrderDetails(
            id: id, lot: self.lot, enterprise: enterprise, provider: provider, handler: handler,
            application: application, payment: payment, policy: policy, tender: lot.details.state, deposit: deposit,
            quote: quote, insurer: insurer, underwritingNote: underwritingNote, paymentNote: paymentNote,
            policyNumber: issued?.number, opening: lot.details.opening, version: version, createdAt: createdAt,
            updatedAt: updatedAt)
    }
}
