/// Lots, providers, insurers, orders, draws, underwriting and policies (A4 to A12, R1 to R3).
public enum OrderAPI: ServiceAPI {
    public static let server = Party.order
    public static let eventSenders: Set<Party> = [.payment, .refund]
}

// MARK: Lots and providers (A4, A5)

/// Lot 标段 of a project, as the trading centre published it.
public struct LotDetails: Codable, Sendable, Equatable {
    public let id: LotID
    public let region: String
    public let projectNumber: Words
    public let projectName: Words
    public let number: Words
    public let name: Words
    /// Tenderee 招标人.
    public let tenderee: Words
    public let tendereeCreditCode: UnifiedSocialCreditCode
    public let kind: ProjectKind
    public let estimate: Money
    public let deposit: Money
    /// Bid deadline and opening are the same moment.
    public let opening: Instant
    /// Validity of a bid, and so of the guarantee, in days.
    public let validityDays: Int
    public let state: TenderState
    /// Grows with each notice of the trading centre, so that an old notice cannot undo a newer one.
    public let version: Int
    /// SHA-256 of the draw's seed, published with the lot (A7).
    public let drawCommitment: String?
    /// The seed, after the opening only.
    public let drawSeed: String?

    public init(
        id: LotID, region: String, projectNumber: Words, projectName: Words, number: Words, name: Words,
        tenderee: Words, tendereeCreditCode: UnifiedSocialCreditCode, kind: ProjectKind, estimate: Money,
        deposit: Money, opening: Instant, validityDays: Int, state: TenderState, version: Int,
        drawCommitment: String? = nil, drawSeed: String? = nil
    ) {
        self.id = id
        self.region = region
        self.projectNumber = projectNumber
        self.projectName = projectName
        self.number = number
        self.name = name
        self.tenderee = tenderee
        self.tendereeCreditCode = tendereeCreditCode
        self.kind = kind
        self.estimate = estimate
        self.deposit = deposit
        self.opening = opening
        self.validityDays = validityDays
        self.state = state
        self.version = version
        self.drawCommitment = drawCommitment
        self.drawSeed = drawSeed
    }
}

/// 1 works, 2 goods, 3 survey and design, 4 government procurement.
public enum ProjectKind: String, Codable, Sendable, CaseIterable {
    case works, goods, survey, procurement
}

public struct LotQuery: Codable, Sendable {
    /// Words in the names or numbers of project and lot.
    public let text: String?
    public let cursor: String?
    public let limit: Int?

    public init(text: String? = nil, cursor: String? = nil, limit: Int? = nil) {
        self.text = text
        self.cursor = cursor
        self.limit = limit
    }
}

public struct PageQuery: Codable, Sendable {
    public let cursor: String?
    public let limit: Int?

    public init(cursor: String? = nil, limit: Int? = nil) {
        self.cursor = cursor
        self.limit = limit
    }
}

/// Provider 保函机构: a broker or guarantee house with insurers and rates of its own (A5).
public struct ProviderDetails: Codable, Sendable, Equatable {
    public let id: String
    public let name: Words
    public let insurers: [InsurerDetails]
    /// Premium as a share of the deposit, in millionths.
    public let ratePerMillion: Int64
    public let minimumPremium: Money

    public init(id: String, name: Words, insurers: [InsurerDetails], ratePerMillion: Int64, minimumPremium: Money) {
        self.id = id
        self.name = name
        self.insurers = insurers
        self.ratePerMillion = ratePerMillion
        self.minimumPremium = minimumPremium
    }
}

public struct InsurerDetails: Codable, Sendable, Equatable {
    public let id: String
    public let name: Words
    public let creditCode: UnifiedSocialCreditCode
    /// Published weight in the draw (A7).
    public let weight: Int

    public init(id: String, name: Words, creditCode: UnifiedSocialCreditCode, weight: Int) {
        self.id = id
        self.name = name
        self.creditCode = creditCode
        self.weight = weight
    }
}

// MARK: Orders (A4 to A8)

public struct CreateOrder: Codable, Sendable {
    public let lot: LotID
    public let provider: String

    public init(lot: LotID, provider: String) {
        self.lot = lot
        self.provider = provider
    }
}

/// Handler 经办人 (A6).
public struct Handler: Codable, Sendable, Equatable {
    public let name: Words
    public let citizenID: CitizenID
    public let mobile: MobileNumber
    public let email: Words

    public init(name: Words, citizenID: CitizenID, mobile: MobileNumber, email: Words) {
        self.name = name
        self.citizenID = citizenID
        self.mobile = mobile
        self.email = email
    }
}

public struct SaveDraft: Codable, Sendable {
    public let version: Int
    public let handler: Handler?
    public let provider: String?

    public init(version: Int, handler: Handler? = nil, provider: String? = nil) {
        self.version = version
        self.handler = handler
        self.provider = provider
    }
}

/// The version that was shown to the person.
public struct AtVersion: Codable, Sendable {
    public let version: Int

    public init(version: Int) {
        self.version = version
    }
}

/// 立即投保 (A7).
public struct Insure: Codable, Sendable {
    public let version: Int
    public let consent: ConsentID
    public let smsCode: SMSCodeID
    public let code: String

    public init(version: Int, consent: ConsentID, smsCode: SMSCodeID, code: String) {
        self.version = version
        self.consent = consent
        self.smsCode = smsCode
        self.code = code
    }
}

public struct Quote: Codable, Sendable, Equatable {
    public let premium: Money
    public let ratePerMillion: Int64
    public let rulesVersion: String
    public let validUntil: Instant

    public init(premium: Money, ratePerMillion: Int64, rulesVersion: String, validUntil: Instant) {
        self.premium = premium
        self.ratePerMillion = ratePerMillion
        self.rulesVersion = rulesVersion
        self.validUntil = validUntil
    }
}

public struct OrderDetails: Codable, Sendable {
    public let id: OrderID
    public let lot: LotID
    public let enterprise: EnterpriseID
    public let provider: String
    public let handler: Handler?
    public let application: ApplicationState
    public let payment: PaymentState
    public let policy: PolicyState
    public let tender: TenderState
    public let deposit: Money
    public let quote: Quote?
    public let insurer: InsurerDetails?
    /// Why it was rejected, or what the insurer wants to know (A8).
    public let underwritingNote: String?
    /// Why money went back (A9).
    public let paymentNote: PaymentSentBack.Reason?
    public let policyNumber: String?
    public let opening: Instant
    public let version: Int
    public let createdAt: Instant
    public let updatedAt: Instant

    public init(
        id: OrderID, lot: LotID, enterprise: EnterpriseID, provider: String, handler: Handler? = nil,
        application: ApplicationState, payment: PaymentState, policy: PolicyState, tender: TenderState, deposit: Money,
        quote: Quote? = nil, insurer: InsurerDetails? = nil, underwritingNote: String? = nil,
        paymentNote: PaymentSentBack.Reason? = nil, policyNumber: String? = nil, opening: Instant, version: Int,
        createdAt: Instant, updatedAt: Instant
    ) {
        self.id = id
        self.lot = lot
        self.enterprise = enterprise
        self.provider = provider
        self.handler = handler
        self.application = application
        self.payment = payment
        self.policy = policy
        self.tender = tender
        self.deposit = deposit
        self.quote = quote
        self.insurer = insurer
        self.underwritingNote = underwritingNote
        self.paymentNote = paymentNote
        self.policyNumber = policyNumber
        self.opening = opening
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// One page to check it all before submitting (A6).
public struct ApplicationSummary: Codable, Sendable {
    public let order: OrderDetails
    public let lot: LotDetails
    public let provider: ProviderDetails
    public let enterprise: EnterpriseProfile
    public let coverage: CoveragePeriod
    /// What is missing or looks odd; nothing can be submitted while something is missing.
    public let missing: [String]
    public let warnings: [String]

    public init(
        order: OrderDetails, lot: LotDetails, provider: ProviderDetails, enterprise: EnterpriseProfile,
        coverage: CoveragePeriod, missing: [String], warnings: [String]
    ) {
        self.order = order
        self.lot = lot
        self.provider = provider
        self.enterprise = enterprise
        self.coverage = coverage
        self.missing = missing
        self.warnings = warnings
    }
}

/// Half-open: the first day, and the day behind the last one.
public struct CoveragePeriod: Codable, Sendable, Equatable {
    public let from: CalendarDay
    public let until: CalendarDay

    public init(from: CalendarDay, until: CalendarDay) {
        self.from = from
        self.until = until
    }
}

// MARK: Draw (A7)

/// All that is needed to replay the draw of an insurer once the lot's seed is revealed.
public struct DrawRecord: Codable, Sendable, Equatable {
    public let order: OrderID
    public let commitment: String
    /// In the order in which the weights are laid end to end.
    public let candidates: [InsurerDetails]
    public let insurer: String
    public let drawnAt: Instant
    /// After the opening only.
    public let seed: String?

    public init(
        order: OrderID, commitment: String, candidates: [InsurerDetails], insurer: String, drawnAt: Instant,
        seed: String? = nil
    ) {
        self.order = order
        self.commitment = commitment
        self.candidates = candidates
        self.insurer = insurer
        self.drawnAt = drawnAt
        self.seed = seed
    }
}

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
    public let reason: SurrenderReason

    public init(refund: RefundID, enterprise: EnterpriseID, reason: SurrenderReason) {
        self.refund = refund
        self.enterprise = enterprise
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

// MARK: Routes

extension Endpoint where API == OrderAPI, ID == Nothing, Request == LotQuery, Reply == Page<LotDetails> {
    /// Lots that still take applications (A4).
    public static var lots: Self { .get("/v1/lots", for: .person(.bidder, .platformOperator)) }
}

extension Endpoint where API == OrderAPI, ID == LotID, Request == Nothing, Reply == LotDetails {
    public static var lot: Self { .get("/v1/lots/{id}", for: .person(.bidder, .platformOperator)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == Nothing, Reply == [ProviderDetails] {
    public static var providers: Self { .get("/v1/providers", for: .person(.bidder, .platformOperator)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == CreateOrder, Reply == OrderDetails {
    /// 立即申请 (A4, A5).
    public static var createOrder: Self { .post("/v1/orders", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == PageQuery, Reply == Page<OrderDetails> {
    /// 我的投标保函.
    public static var orders: Self { .get("/v1/orders", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == OrderDetails {
    public static var order: Self { .get("/v1/orders/{id}", for: .person(.bidder)) }
    public static var cancelOrder: Self { .repeatablePost("/v1/orders/{id}/cancellation", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == SaveDraft, Reply == OrderDetails {
    public static var saveDraft: Self { .put("/v1/orders/{id}/draft", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == ApplicationSummary {
    public static var summary: Self { .get("/v1/orders/{id}/summary", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == AtVersion, Reply == OrderDetails {
    /// 提交申请 (A6).
    public static var submitApplication: Self { .post("/v1/orders/{id}/application", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Insure, Reply == OrderDetails {
    /// 立即投保 (A7).
    public static var insure: Self { .post("/v1/orders/{id}/insurance", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == DrawRecord {
    public static var draw: Self { .get("/v1/orders/{id}/draw", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == Nothing, Reply == [UnderwritingCase] {
    public static var underwritingCases: Self { .get("/v1/underwritings", for: .person(.underwriter)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == DecideUnderwriting, Reply == Nothing {
    public static var decideUnderwriting: Self { .post("/v1/underwritings/{id}/decision", for: .person(.underwriter)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == GiveInformation, Reply == OrderDetails {
    public static var giveInformation: Self { .post("/v1/orders/{id}/information", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == PaymentInstruction {
    /// 确定付款 (A9).
    public static var pay: Self { .post("/v1/orders/{id}/payment", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == PolicyDetails {
    public static var policy: Self { .get("/v1/orders/{id}/policy", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == File {
    /// 下载保单 (A12).
    public static var policyFile: Self { .get("/v1/orders/{id}/policy/file", for: .person(.bidder)) }
    /// The detached CMS signature over the file.
    public static var policySignature: Self { .get("/v1/orders/{id}/policy/signature", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == VerifyPolicy, Reply == PolicyVerification {
    /// A POST, because the code must not stand in an address.
    public static var verifyPolicy: Self { .repeatablePost("/v1/policy-verification", for: .anybody) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == AskSurrender, Reply == SurrenderDecision {
    public static var askSurrender: Self { .post("/v1/orders/{id}/surrender", for: .parties(.refund)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == EnterpriseQuery, Reply == InvoiceBasis {
    public static var invoiceBasis: Self { .get("/v1/orders/{id}/invoice-basis", for: .parties(.invoice)) }
}

/// On whose behalf a service asks.
public struct EnterpriseQuery: Codable, Sendable {
    public let enterprise: EnterpriseID

    public init(enterprise: EnterpriseID) {
        self.enterprise = enterprise
    }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == LotNotice, Reply == Nothing {
    public static var lotNotice: Self { .post("/v1/callbacks/trading-centre", for: .callback(.tradingCentre)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == InsurerNotice, Reply == Nothing {
    public static var insurerNotice: Self { .post("/v1/callbacks/insurer", for: .callback(.insurer)) }
}
