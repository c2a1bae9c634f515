/// The strings by which tests and the demo pull the outside world: its clock, its faults, what its people do.
public enum SandboxAPI: ServiceAPI { public static let server = Party.tradingCentre }

/// A thing that goes wrong in the outside world, the next `times` times that `operation` is called.
public struct Fault: Codable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Answer after `milliseconds`.
        case delay
        /// Do the work and close the connection instead of answering.
        case loseReply = "lose_reply"
        /// Send the callback that follows twice.
        case duplicateCallback = "duplicate_callback"
        /// Send the callback that follows behind the next one.
        case reorderCallback = "reorder_callback"
        /// Never send the callback that follows.
        case loseCallback = "lose_callback"
        /// Refuse for a reason of business.
        case refuse
    }

    public let operation: String
    public let kind: Kind
    public let times: Int
    public let milliseconds: Int?
    /// Strikes only calls about this order, refund, reference, account or credit code; all if nil.
    public let subject: String?

    public init(operation: String, kind: Kind, times: Int, milliseconds: Int? = nil, subject: String? = nil) {
        self.operation = operation
        self.kind = kind
        self.times = times
        self.milliseconds = milliseconds
        self.subject = subject
    }
}

/// Puts a lot into the trading centre's book. The opening lies `opensInSeconds` ahead of the sandbox's clock.
public struct PublishLot: Codable, Sendable {
    public let region: String
    public let projectName: Words
    public let lotName: Words
    public let kind: ProjectKind
    public let estimate: Money
    public let deposit: Money
    public let opensInSeconds: Int
    public let validityDays: Int

    public init(
        region: String, projectName: Words, lotName: Words, kind: ProjectKind, estimate: Money, deposit: Money,
        opensInSeconds: Int, validityDays: Int
    ) {
        self.region = region
        self.projectName = projectName
        self.lotName = lotName
        self.kind = kind
        self.estimate = estimate
        self.deposit = deposit
        self.opensInSeconds = opensInSeconds
        self.validityDays = validityDays
    }
}

/// The tender moves on, or its opening is moved.
public struct MoveLot: Codable, Sendable {
    public let event: TenderState.Event?
    public let opening: Instant?

    public init(event: TenderState.Event? = nil, opening: Instant? = nil) {
        self.event = event
        self.opening = opening
    }
}

public struct MakeTicket: Codable, Sendable {
    public let creditCode: UnifiedSocialCreditCode
    public let name: Words
    public let lot: LotID
    /// SHA-256 of the certificate with which the person logged in at the trading platform.
    public let certificate: String?

    public init(creditCode: UnifiedSocialCreditCode, name: Words, lot: LotID, certificate: String? = nil) {
        self.creditCode = creditCode
        self.name = name
        self.lot = lot
        self.certificate = certificate
    }
}

/// A bidder's transfer at its bank (A9).
public struct BankTransfer: Codable, Sendable {
    public let from: AccountReference
    public let isBasicAccount: Bool
    public let reference: String
    public let amount: Money

    public init(from: AccountReference, isBasicAccount: Bool, reference: String, amount: Money) {
        self.from = from
        self.isBasicAccount = isBasicAccount
        self.reference = reference
        self.amount = amount
    }
}

/// What went over the platform's account at the sandbox's bank, for checks from outside.
public struct BankMovement: Codable, Sendable {
    public let transaction: String
    public let isIncoming: Bool
    public let amount: Money
    public let counterpart: AccountReference
    public let purpose: String

    public init(transaction: String, isIncoming: Bool, amount: Money, counterpart: AccountReference, purpose: String) {
        self.transaction = transaction
        self.isIncoming = isIncoming
        self.amount = amount
        self.counterpart = counterpart
        self.purpose = purpose
    }
}

/// The messages that a telephone got. The number stands in the body, because personal data never stand in an address.
public struct PhoneQuery: Codable, Sendable {
    public let mobile: MobileNumber

    public init(mobile: MobileNumber) {
        self.mobile = mobile
    }
}

extension Endpoint where API == SandboxAPI, ID == Nothing, Request == Nothing, Reply == ClockOffset {
    public static var clock: Self { .get("/sandbox/v1/clock", for: .everyParty) }
}

extension Endpoint where API == SandboxAPI, ID == Nothing, Request == ClockOffset, Reply == ClockOffset {
    /// Moves the sandbox's clock and that of every service; answers when all have followed.
    public static var moveClock: Self { .put("/sandbox/v1/clock", for: .parties(.tool)) }
}

extension Endpoint where API == SandboxAPI, ID == Nothing, Request == Fault, Reply == Nothing {
    public static var addFault: Self { .repeatablePost("/sandbox/v1/faults", for: .parties(.tool)) }
}

extension Endpoint where API == SandboxAPI, ID == Nothing, Request == PublishLot, Reply == LotDetails {
    public static var publishLot: Self { .repeatablePost("/sandbox/v1/lots", for: .parties(.tool)) }
}

extension Endpoint where API == SandboxAPI, ID == LotID, Request == MoveLot, Reply == LotDetails {
    public static var moveLot: Self { .repeatablePost("/sandbox/v1/lots/{id}", for: .parties(.tool)) }
}

extension Endpoint where API == SandboxAPI, ID == Nothing, Request == RegisteredEnterprise, Reply == Nothing {
    public static var registerEnterprise: Self { .repeatablePost("/sandbox/v1/enterprises", for: .parties(.tool)) }
}

extension Endpoint where API == SandboxAPI, ID == Nothing, Request == MakeTicket, Reply == HandOff {
    public static var makeTicket: Self { .repeatablePost("/sandbox/v1/hand-off-tickets", for: .parties(.tool)) }
}

extension Endpoint where API == SandboxAPI, ID == Nothing, Request == PhoneQuery, Reply == [TextMessage] {
    public static var messages: Self { .repeatablePost("/sandbox/v1/messages", for: .parties(.tool)) }
}

extension Endpoint where API == SandboxAPI, ID == Nothing, Request == BankTransfer, Reply == BankMovement {
    public static var transfer: Self { .repeatablePost("/sandbox/v1/transfers", for: .parties(.tool)) }
}

extension Endpoint where API == SandboxAPI, ID == Nothing, Request == Nothing, Reply == [BankMovement] {
    public static var movements: Self { .get("/sandbox/v1/movements", for: .parties(.tool)) }
}
