/// What somebody may do for an enterprise, besides looking.
public enum Right: String, Codable, Sendable, CaseIterable {
    /// 立即投保, and what belongs to it (A7, A8).
    case apply
    /// 确定付款 (A9).
    case pay
    /// 申请退保 (R4, R5).
    case refund
    /// 申请发票 (I1).
    case invoice
}

/// In what capacity a certificate acts for its enterprise.
public enum Standing: Hashable, Sendable {
    /// The enterprise itself: may do everything, and says what its handlers may.
    case holder
    /// A handler 经办人, by what the holder allows.
    case handler(HandlerID)
    /// A certificate of an enterprise that has handlers, and of which the holder has not said what it is.
    case unassigned
}

extension Standing: ValidatedText {
    public init(_ text: String) throws(InvalidValue) {
        switch text {
        case "holder": self = .holder
        case "unassigned": self = .unassigned
        default: self = .handler(try HandlerID(text))
        }
    }

    public var text: String {
        switch self {
        case .holder: "holder"
        case .handler(let id): id.text
        case .unassigned: "unassigned"
        }
    }

    public var description: String { text }
}

/// What a handler may do.
public struct HandlerRights: Codable, Sendable, Equatable {
    public let rights: Set<Right>
    /// The highest premium of an order that the handler may act on.
    public let limit: Money
    /// Whether somebody else of the enterprise has to agree to each act.
    public let needsSecondPerson: Bool

    public init(rights: Set<Right>, limit: Money, needsSecondPerson: Bool) {
        self.rights = rights
        self.limit = limit
        self.needsSecondPerson = needsSecondPerson
    }
}

/// The holder asks somebody to act for the enterprise. The code that makes the handler's own certificate known goes to
/// the telephone.
public struct InviteHandler: Codable, Sendable {
    public let name: Words
    public let mobile: MobileNumber
    public let rights: HandlerRights

    public init(name: Words, mobile: MobileNumber, rights: HandlerRights) {
        self.name = name
        self.mobile = mobile
        self.rights = rights
    }
}

/// Somebody who acts for an enterprise with a certificate of his or her own (经办人).
public struct EnterpriseHandler: Codable, Sendable {
    public enum State: String, Codable, Sendable, CaseIterable {
        case invited, active, ended
    }

    public let id: HandlerID
    public let name: Words
    public let mobile: MobileNumber
    public let rights: HandlerRights
    public let state: State
    public let invitedAt: Instant

    public init(
        id: HandlerID, name: Words, mobile: MobileNumber, rights: HandlerRights, state: State, invitedAt: Instant
    ) {
        self.id = id
        self.name = name
        self.mobile = mobile
        self.rights = rights
        self.state = state
        self.invitedAt = invitedAt
    }
}

public struct HandlerList: Codable, Sendable {
    public let handlers: [EnterpriseHandler]

    public init(handlers: [EnterpriseHandler]) {
        self.handlers = handlers
    }
}

/// Said by the handler, logged in with the certificate that is to be his or hers.
public struct AcceptInvitation: Codable, Sendable {
    /// From the SMS.
    public let code: String

    public init(code: String) {
        self.code = code
    }
}

/// A certificate that has logged in for the enterprise.
public struct KnownCertificate: Codable, Sendable {
    /// SHA-256, in hexadecimal digits.
    public let fingerprint: String
    public let issuer: String
    public let subject: String
    public let serialNumber: String
    public let firstUsedAt: Instant
    public let expiresAt: Instant
    public let standing: Standing

    public init(
        fingerprint: String, issuer: String, subject: String, serialNumber: String, firstUsedAt: Instant,
        expiresAt: Instant, standing: Standing
    ) {
        self.fingerprint = fingerprint
        self.issuer = issuer
        self.subject = subject
        self.serialNumber = serialNumber
        self.firstUsedAt = firstUsedAt
        self.expiresAt = expiresAt
        self.standing = standing
    }
}

public struct CertificateList: Codable, Sendable {
    public let certificates: [KnownCertificate]

    public init(certificates: [KnownCertificate]) {
        self.certificates = certificates
    }
}

/// The holder says what a certificate of the enterprise is; its sessions end.
public struct AssignCertificate: Codable, Sendable {
    public let fingerprint: String
    public let standing: Standing

    public init(fingerprint: String, standing: Standing) {
        self.fingerprint = fingerprint
        self.standing = standing
    }
}

/// Order, Refund and Invoice ask whether somebody may do something with an order.
public struct AskPermission: Codable, Sendable {
    public let enterprise: EnterpriseID
    public let standing: Standing
    public let right: Right
    public let order: OrderID
    /// Of what the order was when it was asked for; an approval of another version counts for nothing.
    public let version: Int
    public let premium: Money

    public init(
        enterprise: EnterpriseID, standing: Standing, right: Right, order: OrderID, version: Int, premium: Money
    ) {
        self.enterprise = enterprise
        self.standing = standing
        self.right = right
        self.order = order
        self.version = version
        self.premium = premium
    }
}

/// An act that waits for a second person of the enterprise, or that one has decided on.
public struct Approval: Codable, Sendable {
    public enum State: String, Codable, Sendable, CaseIterable {
        case asked, approved, refused
    }

    public let id: ApprovalID
    public let handler: HandlerID
    public let handlerName: Words
    public let right: Right
    public let order: OrderID
    public let premium: Money
    public let state: State
    public let askedAt: Instant

    public init(
        id: ApprovalID, handler: HandlerID, handlerName: Words, right: Right, order: OrderID, premium: Money,
        state: State, askedAt: Instant
    ) {
        self.id = id
        self.handler = handler
        self.handlerName = handlerName
        self.right = right
        self.order = order
        self.premium = premium
        self.state = state
        self.askedAt = askedAt
    }
}

public struct ApprovalList: Codable, Sendable {
    public let approvals: [Approval]

    public init(approvals: [Approval]) {
        self.approvals = approvals
    }
}

public struct DecideApproval: Codable, Sendable {
    public let isApproved: Bool

    public init(isApproved: Bool) {
        self.isApproved = isApproved
    }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == InviteHandler, Reply == EnterpriseHandler {
    public static var inviteHandler: Self { .post("/v1/handlers", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Nothing, Reply == HandlerList {
    public static var handlers: Self { .get("/v1/handlers", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == HandlerID, Request == HandlerRights, Reply == EnterpriseHandler {
    public static var setRights: Self { .put("/v1/handlers/{id}/rights", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == HandlerID, Request == Nothing, Reply == EnterpriseHandler {
    /// The handler's sessions end, and its certificate opens nothing more until the holder assigns it anew.
    public static var endHandler: Self { .repeatablePost("/v1/handlers/{id}/end", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == AcceptInvitation, Reply == EnterpriseHandler {
    /// The session that says so ends: the next login with its certificate is the handler's.
    public static var acceptInvitation: Self { .repeatablePost("/v1/handlers/acceptance", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Nothing, Reply == CertificateList {
    public static var certificates: Self { .get("/v1/certificates", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == AssignCertificate, Reply == CertificateList {
    public static var assignCertificate: Self { .put("/v1/certificates", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == AskPermission, Reply == Nothing {
    public static var permit: Self { .repeatablePost("/v1/permissions", for: .parties(.order, .invoice)) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Nothing, Reply == ApprovalList {
    public static var approvals: Self { .get("/v1/approvals", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == ApprovalID, Request == DecideApproval, Reply == Approval {
    public static var decideApproval: Self { .repeatablePost("/v1/approvals/{id}/decision", for: .person(.bidder)) }
}
