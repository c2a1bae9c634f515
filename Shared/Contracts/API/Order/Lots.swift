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
    /// The provider's part of the premium, in millionths.
    public let commissionPerMillion: Int64?

    public init(
        id: String, name: Words, insurers: [InsurerDetails], ratePerMillion: Int64, minimumPremium: Money,
        commissionPerMillion: Int64? = nil
    ) {
        self.id = id
        self.name = name
        self.insurers = insurers
        self.ratePerMillion = ratePerMillion
        self.minimumPremium = minimumPremium
        self.commissionPerMillion = commissionPerMillion
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
