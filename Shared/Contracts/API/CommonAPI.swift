/// A fact that one service tells others: delivered at least once, in order per aggregate; the receiver remembers `id`.
public struct EventEnvelope: Codable, Sendable {
    public let id: MessageID
    public let at: Instant
    public let event: Event

    public init(id: MessageID, at: Instant, event: Event) {
        self.id = id
        self.at = at
        self.event = event
    }
}

/// Everything that happened in one service and concerns another.
public enum Event: Codable, Sendable, Equatable {
    // From Payment
    case paymentReceived(PaymentReceived)
    case paymentSentBack(PaymentSentBack)
    case paymentExpired(order: OrderID)
    case payoutDone(PayoutResult)
    case payoutFailed(PayoutResult)
    // From Order
    case surrenderAllowed(SurrenderAllowed)
    case policyIssued(PolicyIssued)
    // From Refund
    case surrenderRefused(order: OrderID, refund: RefundID)
    case surrenderDone(order: OrderID, refund: RefundID)
}

/// The premium is booked (A9).
public struct PaymentReceived: Codable, Sendable, Equatable {
    public let order: OrderID
    public let paymentOrder: PaymentOrderID
    public let amount: Money
    public let payer: AccountReference
    public let at: Instant

    public init(order: OrderID, paymentOrder: PaymentOrderID, amount: Money, payer: AccountReference, at: Instant) {
        self.order = order
        self.paymentOrder = paymentOrder
        self.amount = amount
        self.payer = payer
        self.at = at
    }
}

/// Money came that could not be taken, and went back to where it came from (A9).
public struct PaymentSentBack: Codable, Sendable, Equatable {
    public enum Reason: String, Codable, Sendable {
        case notBasicAccount = "not_basic_account"
        case otherPayer = "other_payer"
        case wrongAmount = "wrong_amount"
        case tooLate = "too_late"
        case alreadyPaid = "already_paid"
        case orderClosed = "order_closed"
    }

    public let order: OrderID
    public let amount: Money
    public let reason: Reason

    public init(order: OrderID, amount: Money, reason: Reason) {
        self.order = order
        self.amount = amount
        self.reason = reason
    }
}

/// A policy is issued, so the premium is earned (A10).
public struct PolicyIssued: Codable, Sendable, Equatable {
    public let order: OrderID
    public let policyNumber: String
    public let insurer: String
    public let provider: String
    public let premium: Money
    /// The provider's part of the premium, with the tax that is inside it.
    public let commission: Money
    public let vatPercent: Int

    public init(
        order: OrderID, policyNumber: String, insurer: String, provider: String, premium: Money, commission: Money,
        vatPercent: Int
    ) {
        self.order = order
        self.policyNumber = policyNumber
        self.insurer = insurer
        self.provider = provider
        self.premium = premium
        self.commission = commission
        self.vatPercent = vatPercent
    }
}

public struct PayoutResult: Codable, Sendable, Equatable {
    public let payout: PayoutID
    public let refund: RefundID
    public let order: OrderID
    public let amount: Money

    public init(payout: PayoutID, refund: RefundID, order: OrderID, amount: Money) {
        self.payout = payout
        self.refund = refund
        self.order = order
        self.amount = amount
    }
}

/// Order stopped the policy; Refund carries it through (R4 to R6).
public struct SurrenderAllowed: Codable, Sendable, Equatable {
    public let refund: RefundID
    public let decision: SurrenderDecision

    public init(refund: RefundID, decision: SurrenderDecision) {
        self.refund = refund
        self.decision = decision
    }
}

/// A message whose delivery was given up until somebody looks at it.
public struct DeadLetter: Codable, Sendable {
    public let id: MessageID
    public let kind: String
    public let aggregate: String
    public let attempts: Int
    public let lastError: String
    public let since: Instant

    public init(id: MessageID, kind: String, aggregate: String, attempts: Int, lastError: String, since: Instant) {
        self.id = id
        self.kind = kind
        self.aggregate = aggregate
        self.attempts = attempts
        self.lastError = lastError
        self.since = since
    }
}

/// One callback, received or sent, and what became of it.
public struct CallbackRecord: Codable, Sendable {
    public enum Direction: String, Codable, Sendable, CaseIterable {
        case received = "in"
        case sent = "out"
    }

    public let id: String
    public let direction: Direction
    public let kind: String
    public let attempts: Int
    /// `done`, or the code of the last refusal.
    public let outcome: String
    public let firstAt: Instant
    public let lastAt: Instant

    public init(
        id: String, direction: Direction, kind: String, attempts: Int, outcome: String, firstAt: Instant,
        lastAt: Instant
    ) {
        self.id = id
        self.direction = direction
        self.kind = kind
        self.attempts = attempts
        self.outcome = outcome
        self.firstAt = firstAt
        self.lastAt = lastAt
    }
}

/// Whether a service can do its work.
public struct Health: Codable, Sendable {
    public let service: String
    public let status: String
    public let version: String
    public let now: Instant
    /// What is not ready, by name.
    public let problems: [String]

    public init(service: String, status: String, version: String, now: Instant, problems: [String]) {
        self.service = service
        self.status = status
        self.version = version
        self.now = now
        self.problems = problems
    }
}

/// How far a sandbox clock is ahead of the real one; services take it only when configured for a sandbox.
public struct ClockOffset: Codable, Sendable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }
}

extension Endpoint where ID == Nothing, Request == Nothing, Reply == Health {
    public static var alive: Self { .get("/livez", for: .everyParty) }
    public static var ready: Self { .get("/readyz", for: .everyParty) }
}

extension Endpoint where ID == Nothing, Request == EventEnvelope, Reply == Nothing {
    public static var event: Self { .repeatablePost("/v1/events", for: .parties(API.eventSenders)) }
}

extension Endpoint where ID == Nothing, Request == Nothing, Reply == [DeadLetter] {
    public static var deadLetters: Self { .get("/v1/dead-letters", for: .parties(.tool)) }
}

extension Endpoint where ID == MessageID, Request == Nothing, Reply == Nothing {
    public static var replayDeadLetter: Self { .repeatablePost("/v1/dead-letters/{id}/replay", for: .parties(.tool)) }
}

extension Endpoint where ID == Nothing, Request == Nothing, Reply == [CallbackRecord] {
    /// The newest thousand.
    public static var callbacks: Self { .get("/v1/callbacks", for: .parties(.tool)) }
}

extension Endpoint where ID == MessageID, Request == Nothing, Reply == Nothing {
    /// Sends a callback of ours again, under its own ID.
    public static var replayCallback: Self { .repeatablePost("/v1/callbacks/{id}/replay", for: .parties(.tool)) }
}

extension Endpoint where ID == Nothing, Request == ClockOffset, Reply == Nothing {
    public static var setClock: Self { .put("/v1/clock", for: .parties(.tradingCentre)) }
}
