import Contracts

/// A person who is logged in, as the verified token says.
public struct Person: Sendable, Equatable {
    public let enterprise: EnterpriseID
    public let role: Role
    public let standing: Standing
    public let name: Words
    public let creditCode: UnifiedSocialCreditCode
    /// Of an underwriter: the insurer for which it decides.
    public let insurer: String?
    public let session: SessionID
    /// Codes of the regions in which the person may apply; nil for all.
    public let regions: [String]?

    public init(
        enterprise: EnterpriseID, role: Role, standing: Standing, name: Words, creditCode: UnifiedSocialCreditCode,
        insurer: String?,
        session: SessionID, regions: [String]? = nil
    ) {
        self.enterprise = enterprise
        self.role = role
        self.standing = standing
        self.name = name
        self.creditCode = creditCode
        self.insurer = insurer
        self.session = session
        self.regions = regions
    }
}

extension Person {
    /// Whoever nobody has said anything of yet may only look.
    ///
    /// - Throws: ``ProblemCode/rightMissing``.
    public func demandAssigned() throws(Problem) {
        guard standing != .unassigned else { throw Problem(.rightMissing) }
    }
}

/// One call as its handler sees it: everything checked that can be checked before.
public struct Call<ID: PathParameter, Body: Sendable>: Sendable {
    public let id: ID
    public let body: Body
    /// The deployment's parties that the caller's certificate names.
    public let callers: Set<Party>
    /// The insurers that the caller's certificate names, by their IDs.
    public let insurers: Set<String>
    /// The caller's certificates in DER, leaf first.
    public let peerChain: [[UInt8]]
    /// The caller's network address; behind a portal, the portal's.
    public let address: String
    let verifiedPerson: Person?
    let verifiedKey: IdempotencyKey?

    /// Who is logged in; only for endpoints whose access names roles.
    public var person: Person {
        get throws(Problem) {
            guard let verifiedPerson else { throw Problem(.sessionMissing) }
            return verifiedPerson
        }
    }

    /// The key of a request that creates or moves something.
    public var key: IdempotencyKey {
        get throws(Problem) {
            guard let verifiedKey else { throw Problem(.idempotencyKeyMissing) }
            return verifiedKey
        }
    }
}
