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
    /// The provider's part of the premium.
    public let commission: Money?

    public init(
        premium: Money, ratePerMillion: Int64, rulesVersion: String, validUntil: Instant, commission: Money? = nil
    ) {
        self.premium = premium
        self.ratePerMillion = ratePerMillion
        self.rulesVersion = rulesVersion
        self.validUntil = validUntil
        self.commission = commission
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
