/// Payment orders, the ledger and payouts (A9, R6).
public enum PaymentAPI: ServiceAPI {
    public static let server = Party.payment
    public static let eventSenders: Set<Party> = [.order]
}

public struct CreatePaymentOrder: Codable, Sendable {
    public let order: OrderID
    public let enterprise: EnterpriseID
    public let payerName: Words
    public let basicAccount: AccountReference
    /// Whether the region binds the premium to the basic account (A9).
    public let requiresBasicAccount: Bool
    public let amount: Money
    public let expiresAt: Instant
    public let region: String?
    /// The region's rules on paying out, as they were when the order was made.
    public let payouts: PayoutRules?

    public init(
        order: OrderID, enterprise: EnterpriseID, payerName: Words, basicAccount: AccountReference,
        requiresBasicAccount: Bool, amount: Money, expiresAt: Instant, region: String? = nil,
        payouts: PayoutRules? = nil
    ) {
        self.order = order
        self.enterprise = enterprise
        self.payerName = payerName
        self.basicAccount = basicAccount
        self.requiresBasicAccount = requiresBasicAccount
        self.amount = amount
        self.expiresAt = expiresAt
        self.region = region
        self.payouts = payouts
    }
}

/// Where a second person has to look before money leaves.
public struct PayoutRules: Codable, Sendable, Equatable {
    /// Above this, two operators release a payout.
    public let approvalAbove: Money
    /// What leaves for one region in a day, by Shanghai's calendar, before payouts wait.
    public let dailyLimit: Money

    public init(approvalAbove: Money, dailyLimit: Money) {
        self.approvalAbove = approvalAbove
        self.dailyLimit = dailyLimit
    }
}

public struct PaymentOrderDetails: Codable, Sendable {
    public let instruction: PaymentInstruction
    public let order: OrderID
    public let state: PaymentState

    public init(instruction: PaymentInstruction, order: OrderID, state: PaymentState) {
        self.instruction = instruction
        self.order = order
        self.state = state
    }
}

/// Order cannot use what was paid, for example because the lot was opened in the meantime.
public struct ReturnPayment: Codable, Sendable {
    public let reason: PaymentSentBack.Reason

    public init(reason: PaymentSentBack.Reason) {
        self.reason = reason
    }
}

public struct CreatePayout: Codable, Sendable {
    public let refund: RefundID
    public let order: OrderID
    public let amount: Money
    public let account: AccountReference

    public init(refund: RefundID, order: OrderID, amount: Money, account: AccountReference) {
        self.refund = refund
        self.order = order
        self.amount = amount
        self.account = account
    }
}

/// Money on its way out: a refund (R6), or what came in and could not be taken (A9).
public struct PayoutDetails: Codable, Sendable {
    public let id: PayoutID
    public let state: PayoutState
    /// Why it waits, while it is held.
    public let hold: PayoutHold?
    public let order: OrderID?
    public let refund: RefundID?
    public let amount: Money?
    public let account: AccountReference?
    /// How many operators have released it; two are needed.
    public let releases: Int?
    public let createdAt: Instant?

    public init(
        id: PayoutID, state: PayoutState, hold: PayoutHold? = nil, order: OrderID? = nil, refund: RefundID? = nil,
        amount: Money? = nil, account: AccountReference? = nil, releases: Int? = nil, createdAt: Instant? = nil
    ) {
        self.id = id
        self.state = state
        self.hold = hold
        self.order = order
        self.refund = refund
        self.amount = amount
        self.account = account
        self.releases = releases
        self.createdAt = createdAt
    }
}

public enum PayoutState: String, Codable, Sendable, CaseIterable {
    case held, sending, done, failed
}

/// Why a payout waits for people, or for time.
public enum PayoutHold: String, Codable, Sendable, CaseIterable {
    /// The account's name is not the bidder's.
    case nameDiffers = "name_differs"
    /// Above the region's limit for one person.
    case aboveLimit = "above_limit"
    /// The region's limit for a day is used up; goes on by itself the next day.
    case dailyLimit = "daily_limit"
    /// The bank refused to give money back to where it came from; tried again by itself a few times.
    case bankRefused = "bank_refused"
}

/// One operator's word on a held payout.
public struct DecidePayout: Codable, Sendable {
    public enum Decision: String, Codable, Sendable {
        case release
        /// Of a refund only: the bidder names another account. What came in by mistake has to go back.
        case refuse
    }

    public let decision: Decision
    /// Another account, for money that its sender's bank does not take back. Both operators name the same one.
    public let account: AccountReference?

    public init(_ decision: Decision, account: AccountReference? = nil) {
        self.decision = decision
        self.account = account
    }
}

/// The switch that stops all money from leaving.
public struct PayoutSwitch: Codable, Sendable, Equatable {
    public let isPaused: Bool

    public init(isPaused: Bool) {
        self.isPaused = isPaused
    }
}

/// The bank's word: money came in, or a payout ended.
public struct BankNotice: Codable, Sendable {
    /// The bank's own number of the movement; a second notice with it is the same movement.
    public let transaction: String
    public let kind: Kind
    public let amount: Money
    /// Of a credit: the reference that the payer gave.
    public let reference: String?
    public let payer: AccountReference?
    /// Whether the bank knows the payer's account as its basic account 基本户.
    public let isBasicAccount: Bool?
    /// Of a payout: our key.
    public let key: MessageID?
    public let at: Instant

    public enum Kind: String, Codable, Sendable, CaseIterable {
        case credit
        case payoutDone = "payout_done"
        case payoutFailed = "payout_failed"
    }

    public init(
        transaction: String, kind: Kind, amount: Money, reference: String? = nil, payer: AccountReference? = nil,
        isBasicAccount: Bool? = nil, key: MessageID? = nil, at: Instant
    ) {
        self.transaction = transaction
        self.kind = kind
        self.amount = amount
        self.reference = reference
        self.payer = payer
        self.isBasicAccount = isBasicAccount
        self.key = key
        self.at = at
    }
}

/// One entry of the ledger: `amount` moved from the account `credit` to the account `debit`.
public struct LedgerEntry: Codable, Sendable, Equatable {
    public let number: Int
    public let debit: String
    public let credit: String
    public let amount: Money
    public let order: OrderID?
    /// What it is about: a payout, a movement at the bank, a policy, an order.
    public let subject: String
    public let at: Instant

    public init(
        number: Int, debit: String, credit: String, amount: Money, order: OrderID?, subject: String, at: Instant
    ) {
        self.number = number
        self.debit = debit
        self.credit = credit
        self.amount = amount
        self.order = order
        self.subject = subject
        self.at = at
    }
}

/// A statement: the entries of one account or of one order.
public struct LedgerQuery: Codable, Sendable {
    public let account: String?
    public let order: OrderID?
    public let cursor: String?
    public let limit: Int?

    public init(account: String? = nil, order: OrderID? = nil, cursor: String? = nil, limit: Int? = nil) {
        self.account = account
        self.order = order
        self.cursor = cursor
        self.limit = limit
    }
}

/// One line of the trial balance: what was booked on either side.
public struct AccountBalance: Codable, Sendable, Equatable {
    public let account: String
    public let debit: Money
    public let credit: Money

    public init(account: String, debit: Money, credit: Money) {
        self.account = account
        self.debit = debit
        self.credit = credit
    }

    /// Positive where debits prevail.
    public var balance: Money { debit - credit }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == CreatePaymentOrder, Reply == PaymentOrderDetails {
    public static var createPaymentOrder: Self { .post("/v1/payment-orders", for: .parties(.order)) }
}

extension Endpoint where API == PaymentAPI, ID == PaymentOrderID, Request == Nothing, Reply == PaymentOrderDetails {
    public static var paymentOrder: Self { .get("/v1/payment-orders/{id}", for: .parties(.order, .tool)) }
}

extension Endpoint where API == PaymentAPI, ID == PaymentOrderID, Request == ReturnPayment, Reply == Nothing {
    public static var returnPayment: Self { .post("/v1/payment-orders/{id}/return", for: .parties(.order)) }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == CreatePayout, Reply == PayoutDetails {
    public static var createPayout: Self { .post("/v1/payouts", for: .parties(.refund)) }
}

extension Endpoint where API == PaymentAPI, ID == PayoutID, Request == Nothing, Reply == PayoutDetails {
    public static var payout: Self { .get("/v1/payouts/{id}", for: .parties(.refund, .tool)) }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == Nothing, Reply == [AccountBalance] {
    public static var trialBalance: Self { .get("/v1/ledger/trial-balance", for: .parties(.tool)) }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == LedgerQuery, Reply == Page<LedgerEntry> {
    public static var ledgerEntries: Self { .get("/v1/ledger/entries", for: .parties(.tool)) }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == Nothing, Reply == [PayoutDetails] {
    /// Payouts that wait for a person.
    public static var heldPayouts: Self { .get("/v1/held-payouts", for: .person(.platformOperator)) }
}

extension Endpoint where API == PaymentAPI, ID == PayoutID, Request == DecidePayout, Reply == PayoutDetails {
    public static var decidePayout: Self { .post("/v1/payouts/{id}/decisions", for: .person(.platformOperator)) }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == PayoutSwitch, Reply == PayoutSwitch {
    public static var pausePayouts: Self { .put("/v1/payout-switch", for: .person(.platformOperator)) }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == BankNotice, Reply == Nothing {
    public static var bankNotice: Self { .post("/v1/callbacks/bank", for: .callback(.bank)) }
}
