// The outside world, as small interfaces: what Baohan asks of others. Each call carries a key of ours; whoever gets the
// same key twice gives the first answer again, and can be asked by that key what became of a call.

/// Registry of enterprises and lots (A3, A4).
public enum TradingCentreAPI: ServiceAPI { public static let server = Party.tradingCentre }

/// Insurers and rates of a provider (A5).
public enum ProviderAPI: ServiceAPI { public static let server = Party.provider }

/// Underwriting, issuing, endorsing, surrendering (A8, A10 to A12, R6).
public enum InsurerAPI: ServiceAPI { public static let server = Party.insurer }

/// Collection and payout (A9, R6).
public enum BankAPI: ServiceAPI { public static let server = Party.bank }

public enum SMSGatewayAPI: ServiceAPI { public static let server = Party.smsGateway }

/// Issues tax invoices (I2).
public enum TaxPlatformAPI: ServiceAPI { public static let server = Party.taxPlatform }

public enum CourierAPI: ServiceAPI { public static let server = Party.courier }

// MARK: Trading centre

/// Lots with a version above this one, oldest first.
public struct LotsSince: Codable, Sendable {
    public let sequence: Int

    public init(sequence: Int) {
        self.sequence = sequence
    }
}

public struct LotFeed: Codable, Sendable {
    public let lots: [LotDetails]
    public let sequence: Int

    public init(lots: [LotDetails], sequence: Int) {
        self.lots = lots
        self.sequence = sequence
    }
}

extension Endpoint
where API == TradingCentreAPI, ID == UnifiedSocialCreditCode, Request == Nothing, Reply == RegisteredEnterprise {
    public static var registeredEnterprise: Self { .get("/centre/v1/enterprises/{id}", for: .parties(.auth)) }
}

extension Endpoint where API == TradingCentreAPI, ID == Nothing, Request == LotsSince, Reply == LotFeed {
    public static var lotsSince: Self { .get("/centre/v1/lots", for: .parties(.order)) }
}

// MARK: Provider

extension Endpoint where API == ProviderAPI, ID == Nothing, Request == Nothing, Reply == [ProviderDetails] {
    public static var catalogue: Self { .get("/providers/v1/catalogue", for: .parties(.order)) }
}

// MARK: Insurer

/// What an insurer learns before the opening: the bidder and the amounts; a token stands for the lot (A11).
public struct UnderwritingRequest: Codable, Sendable {
    public let order: OrderID
    public let insurer: String
    public let bidder: Words
    public let bidderCreditCode: UnifiedSocialCreditCode
    public let lotToken: String
    public let deposit: Money
    public let premium: Money
    public let coverage: CoveragePeriod
    public let answer: String?

    public init(
        order: OrderID, insurer: String, bidder: Words, bidderCreditCode: UnifiedSocialCreditCode, lotToken: String,
        deposit: Money, premium: Money, coverage: CoveragePeriod, answer: String? = nil
    ) {
        self.order = order
        self.insurer = insurer
        self.bidder = bidder
        self.bidderCreditCode = bidderCreditCode
        self.lotToken = lotToken
        self.deposit = deposit
        self.premium = premium
        self.coverage = coverage
        self.answer = answer
    }
}

public struct UnderwritingAnswer: Codable, Sendable {
    /// nil while the insurer thinks; a callback follows.
    public let verdict: UnderwritingVerdict?
    public let note: String?

    public init(verdict: UnderwritingVerdict? = nil, note: String? = nil) {
        self.verdict = verdict
        self.note = note
    }
}

public struct IssueRequest: Codable, Sendable {
    public let order: OrderID
    public let insurer: String
    public let bidder: Words
    public let bidderCreditCode: UnifiedSocialCreditCode
    public let lotToken: String
    public let amount: Money
    public let premium: Money
    public let coverage: CoveragePeriod

    public init(
        order: OrderID, insurer: String, bidder: Words, bidderCreditCode: UnifiedSocialCreditCode, lotToken: String,
        amount: Money, premium: Money, coverage: CoveragePeriod
    ) {
        self.order = order
        self.insurer = insurer
        self.bidder = bidder
        self.bidderCreditCode = bidderCreditCode
        self.lotToken = lotToken
        self.amount = amount
        self.premium = premium
        self.coverage = coverage
    }
}

public struct IssuedPolicy: Codable, Sendable, Equatable {
    public let number: String
    public let issuedAt: Instant

    public init(number: String, issuedAt: Instant) {
        self.number = number
        self.issuedAt = issuedAt
    }
}

/// The plain data that turns a sealed policy into an open one (A12).
public struct EndorsementRequest: Codable, Sendable {
    public let policyNumber: String
    public let insurer: String
    public let tenderee: Words
    public let projectName: Words
    public let lotName: Words

    public init(policyNumber: String, insurer: String, tenderee: Words, projectName: Words, lotName: Words) {
        self.policyNumber = policyNumber
        self.insurer = insurer
        self.tenderee = tenderee
        self.projectName = projectName
        self.lotName = lotName
    }
}

public struct Endorsement: Codable, Sendable, Equatable {
    public let number: String
    public let at: Instant

    public init(number: String, at: Instant) {
        self.number = number
        self.at = at
    }
}

public struct SurrenderRequest: Codable, Sendable {
    public let refund: RefundID
    public let insurer: String
    public let policyNumber: String
    public let ground: SurrenderReason
    public let amount: Money

    public init(refund: RefundID, insurer: String, policyNumber: String, ground: SurrenderReason, amount: Money) {
        self.refund = refund
        self.insurer = insurer
        self.policyNumber = policyNumber
        self.ground = ground
        self.amount = amount
    }
}

public struct SurrenderAnswer: Codable, Sendable {
    /// nil while the insurer thinks; a callback follows.
    public let isApproved: Bool?
    public let note: String?

    public init(isApproved: Bool? = nil, note: String? = nil) {
        self.isApproved = isApproved
        self.note = note
    }
}

extension Endpoint where API == InsurerAPI, ID == Nothing, Request == UnderwritingRequest, Reply == UnderwritingAnswer {
    public static var underwrite: Self { .post("/insurer/v1/underwritings", for: .parties(.order)) }
}

extension Endpoint where API == InsurerAPI, ID == OrderID, Request == Nothing, Reply == UnderwritingAnswer {
    public static var underwriting: Self { .get("/insurer/v1/underwritings/{id}", for: .parties(.order)) }
}

extension Endpoint where API == InsurerAPI, ID == Nothing, Request == IssueRequest, Reply == IssuedPolicy {
    public static var issue: Self { .post("/insurer/v1/policies", for: .parties(.order)) }
}

extension Endpoint where API == InsurerAPI, ID == OrderID, Request == Nothing, Reply == IssuedPolicy {
    public static var issuedPolicy: Self { .get("/insurer/v1/policies/{id}", for: .parties(.order)) }
}

extension Endpoint where API == InsurerAPI, ID == Nothing, Request == EndorsementRequest, Reply == Endorsement {
    public static var endorse: Self { .post("/insurer/v1/endorsements", for: .parties(.order)) }
}

extension Endpoint where API == InsurerAPI, ID == Nothing, Request == SurrenderRequest, Reply == SurrenderAnswer {
    public static var surrender: Self { .post("/insurer/v1/surrenders", for: .parties(.refund)) }
}

extension Endpoint where API == InsurerAPI, ID == RefundID, Request == Nothing, Reply == SurrenderAnswer {
    public static var surrenderStatus: Self { .get("/insurer/v1/surrenders/{id}", for: .parties(.refund)) }
}

// MARK: Bank

public struct BankPayout: Codable, Sendable {
    public let key: MessageID
    public let amount: Money
    public let to: AccountReference
    public let purpose: String

    public init(key: MessageID, amount: Money, to: AccountReference, purpose: String) {
        self.key = key
        self.amount = amount
        self.to = to
        self.purpose = purpose
    }
}

public struct BankPayoutStatus: Codable, Sendable {
    public let state: PayoutState
    public let transaction: String?

    public init(state: PayoutState, transaction: String? = nil) {
        self.state = state
        self.transaction = transaction
    }
}

/// Credits behind a position of the bank's statement.
public struct StatementQuery: Codable, Sendable {
    public let after: Int

    public init(after: Int) {
        self.after = after
    }
}

/// What came in and went out, in the order of booking: the remedy for callbacks that got lost.
public struct BankStatement: Codable, Sendable {
    /// One movement of the account.
    public enum Line: Codable, Sendable {
        case notice(BankNotice)
        /// What the bank booked and we cannot read, such as a kind that we do not know. The lines behind it count.
        case unreadable

        public init(from decoder: any Decoder) throws {
            do {
                self = .notice(try BankNotice(from: decoder))
            } catch {
                self = .unreadable
            }
        }

        public func encode(to encoder: any Encoder) throws {
            switch self {
            case .notice(let notice): try notice.encode(to: encoder)
            case .unreadable: try [String: String]().encode(to: encoder)
            }
        }
    }

    public let notices: [Line]
    public let position: Int
    /// The bank's time: what it booked until then and behind `position` stands in `notices`.
    public let at: Instant?

    public init(notices: [Line], position: Int, at: Instant? = nil) {
        self.notices = notices
        self.position = position
        self.at = at
    }
}

extension Endpoint where API == BankAPI, ID == Nothing, Request == Nothing, Reply == AccountReference {
    /// The platform's own collection account.
    public static var collectionAccount: Self { .get("/bank/v1/collection-account", for: .parties(.payment)) }
}

extension Endpoint where API == BankAPI, ID == Nothing, Request == BankPayout, Reply == BankPayoutStatus {
    public static var payOut: Self { .post("/bank/v1/payouts", for: .parties(.payment)) }
}

extension Endpoint where API == BankAPI, ID == MessageID, Request == Nothing, Reply == BankPayoutStatus {
    public static var payoutStatus: Self { .get("/bank/v1/payouts/{id}", for: .parties(.payment)) }
}

extension Endpoint where API == BankAPI, ID == Nothing, Request == StatementQuery, Reply == BankStatement {
    public static var statement: Self { .get("/bank/v1/statement", for: .parties(.payment)) }
}

// MARK: SMS gateway, tax platform, courier

public struct TextMessage: Codable, Sendable {
    public let to: MobileNumber
    public let text: String

    public init(to: MobileNumber, text: String) {
        self.to = to
        self.text = text
    }
}

extension Endpoint where API == SMSGatewayAPI, ID == Nothing, Request == TextMessage, Reply == Nothing {
    public static var send: Self { .post("/sms/v1/messages", for: .parties(.auth, .order, .refund)) }
}

public struct TaxInvoiceRequest: Codable, Sendable {
    public let invoice: InvoiceID
    public let form: InvoiceForm
    public let buyer: InvoiceBuyer
    public let seller: Words
    public let sellerCreditCode: UnifiedSocialCreditCode
    public let net: Money
    public let tax: Money
    public let gross: Money

    public init(
        invoice: InvoiceID, form: InvoiceForm, buyer: InvoiceBuyer, seller: Words,
        sellerCreditCode: UnifiedSocialCreditCode, net: Money, tax: Money, gross: Money
    ) {
        self.invoice = invoice
        self.form = form
        self.buyer = buyer
        self.seller = seller
        self.sellerCreditCode = sellerCreditCode
        self.net = net
        self.tax = tax
        self.gross = gross
    }
}

extension Endpoint where API == TaxPlatformAPI, ID == Nothing, Request == TaxInvoiceRequest, Reply == Nothing {
    public static var issue: Self { .post("/tax/v1/invoices", for: .parties(.invoice)) }
}

extension Endpoint where API == TaxPlatformAPI, ID == InvoiceID, Request == Nothing, Reply == TaxNotice {
    public static var status: Self { .get("/tax/v1/invoices/{id}", for: .parties(.invoice)) }
}

public struct Shipment: Codable, Sendable {
    public let invoice: InvoiceID
    public let recipient: Recipient

    public init(invoice: InvoiceID, recipient: Recipient) {
        self.invoice = invoice
        self.recipient = recipient
    }
}

extension Endpoint where API == CourierAPI, ID == Nothing, Request == Shipment, Reply == Nothing {
    public static var ship: Self { .post("/courier/v1/shipments", for: .parties(.invoice)) }
}

extension Endpoint where API == CourierAPI, ID == InvoiceID, Request == Nothing, Reply == CourierNotice {
    public static var shipment: Self { .get("/courier/v1/shipments/{id}", for: .parties(.invoice)) }
}
