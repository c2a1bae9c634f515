/// Payment orders, the ledger and payouts (A9, R6).
public enum PaymentAPI: ServiceAPI {
    public static let server = Party.payment
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

    public init(
        order: OrderID, enterprise: EnterpriseID, payerName: Words, basicAccount: AccountReference,
        requiresBasicAccount: Bool, amount: Money, expiresAt: Instant
    ) {
        self.order = order
        self.enterprise = enterprise
        self.payerName = payerName
        self.basicAccount = basicAccount
        self.requiresBasicAccount = requiresBasicAccount
        self.amount = amount
        self.expiresAt = expiresAt
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

public struct PayoutDetails: Codable, Sendable {
    public let id: PayoutID
    public let state: PayoutState

    public init(id: PayoutID, state: PayoutState) {
        self.id = id
        self.state = state
    }
}

public enum PayoutState: String, Codable, Sendable, CaseIterable {
    case sending, done, failed
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

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == BankNotice, Reply == Nothing {
    public static var bankNotice: Self { .post("/v1/callbacks/bank", for: .callback(.bank)) }
}
