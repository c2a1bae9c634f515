/// A logged-in person; the token is a JWT (ES256) that every service verifies by itself.
public struct Session: Codable, Sendable {
    /// Good for five minutes.
    public let token: String
    public let expiresAt: Instant
    /// Brings a new token, once; each answer brings the next one. Of a session that began with a certificate in the
    /// handshake it works only on a connection with the same certificate.
    public let refreshToken: String
    public let refreshExpiresAt: Instant
    public let id: SessionID
    public let enterprise: EnterpriseID
    public let name: Words
    public let creditCode: UnifiedSocialCreditCode
    public let role: Role
    public let standing: Standing
    /// The lot that a trading platform handed over with the person (A2).
    public let lot: LotID?
    /// Days until the certificate expires, when they are 60 or fewer.
    public let certificateExpiresInDays: Int?

    public init(
        token: String, expiresAt: Instant, refreshToken: String, refreshExpiresAt: Instant, id: SessionID,
        enterprise: EnterpriseID, name: Words, creditCode: UnifiedSocialCreditCode, role: Role, standing: Standing,
        lot: LotID? = nil, certificateExpiresInDays: Int? = nil
    ) {
        self.token = token
        self.expiresAt = expiresAt
        self.refreshToken = refreshToken
        self.refreshExpiresAt = refreshExpiresAt
        self.id = id
        self.enterprise = enterprise
        self.name = name
        self.creditCode = creditCode
        self.role = role
        self.standing = standing
        self.lot = lot
        self.certificateExpiresInDays = certificateExpiresInDays
    }
}

public struct RefreshSession: Codable, Sendable {
    public let refreshToken: String

    public init(refreshToken: String) {
        self.refreshToken = refreshToken
    }
}

/// How somebody came in.
public enum LoginWay: String, Codable, Sendable, CaseIterable {
    /// The certificate in the handshake.
    case mutualTLS = "mutual_tls"
    /// The same by a browser, which the login listener sent back to the portal.
    case browser
    /// A signature over a challenge.
    case challenge
    /// A trading platform's ticket (A2).
    case ticket
}

/// One of the enterprise's own sessions.
public struct SessionSummary: Codable, Sendable {
    public let id: SessionID
    public let way: LoginWay
    public let standing: Standing
    public let startedAt: Instant
    /// When its token was last renewed.
    public let lastUsedAt: Instant
    /// Whether it is the one that asks.
    public let isCurrent: Bool

    public init(
        id: SessionID, way: LoginWay, standing: Standing, startedAt: Instant, lastUsedAt: Instant, isCurrent: Bool
    ) {
        self.id = id
        self.way = way
        self.standing = standing
        self.startedAt = startedAt
        self.lastUsedAt = lastUsedAt
        self.isCurrent = isCurrent
    }
}

public struct SessionList: Codable, Sendable {
    public let sessions: [SessionSummary]

    public init(sessions: [SessionSummary]) {
        self.sessions = sessions
    }
}

/// Sessions that were ended while a token of theirs may still be valid.
public struct RevokedSessions: Codable, Sendable {
    public let sessions: [SessionID]

    public init(sessions: [SessionID]) {
        self.sessions = sessions
    }
}

/// Shuts out a certificate or an enterprise: its sessions end, and it does not log in again until it is let in.
public struct Block: Codable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// By the SHA-256 of the certificate, in hexadecimal digits.
        case certificate
        /// By its unified social credit code.
        case enterprise
    }

    public let kind: Kind
    public let value: String
    public let reason: Words
    /// false lets it in again.
    public let isBlocked: Bool

    public init(kind: Kind, value: String, reason: Words, isBlocked: Bool) {
        self.kind = kind
        self.value = value
        self.reason = reason
        self.isBlocked = isBlocked
    }
}

/// Auth's public keys (RFC 7517), by which services verify tokens.
public struct KeySet: Codable, Sendable {
    public struct Key: Codable, Sendable {
        public let kty: String
        public let crv: String
        public let kid: String
        public let x: String
        public let y: String

        public init(kty: String, crv: String, kid: String, x: String, y: String) {
            self.kty = kty
            self.crv = crv
            self.kid = kid
            self.x = x
            self.y = y
        }
    }

    public let keys: [Key]

    public init(keys: [Key]) {
        self.keys = keys
    }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Nothing, Reply == KeySet {
    public static var keys: Self { .get("/v1/keys", for: .everyParty) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Nothing, Reply == RevokedSessions {
    public static var revokedSessions: Self { .get("/v1/revoked-sessions", for: .everyParty) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == RefreshSession, Reply == Session {
    public static var refreshSession: Self { .repeatablePost("/v1/session-refreshes", for: .anybody) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Nothing, Reply == SessionList {
    public static var sessions: Self {
        .get("/v1/sessions", for: .person(.bidder, .underwriter, .platformOperator))
    }
    /// Ends all of one's own sessions, this one too.
    public static var endAllSessions: Self {
        .repeatablePost("/v1/sessions/end", for: .person(.bidder, .underwriter, .platformOperator))
    }
}

extension Endpoint where API == AuthAPI, ID == SessionID, Request == Nothing, Reply == SessionList {
    /// Ends one of one's own sessions.
    public static var endSession: Self {
        .repeatablePost("/v1/sessions/{id}/end", for: .person(.bidder, .underwriter, .platformOperator))
    }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Block, Reply == Nothing {
    public static var block: Self { .repeatablePost("/v1/blocks", for: .parties(.tool)) }
}

/// What the login listener gave the browser, and the portal's proof that it is the one that asked (RFC 7636).
public struct ExchangeLoginCode: Codable, Sendable {
    public let code: String
    public let verifier: String

    public init(code: String, verifier: String) {
        self.code = code
        self.verifier = verifier
    }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == ExchangeLoginCode, Reply == Session {
    public static var exchangeLoginCode: Self { .repeatablePost("/v1/login-codes", for: .parties(.portal)) }
}

/// The portal's challenge (RFC 7636, S256): the SHA-256 of its verifier, in hexadecimal digits.
public struct BrowserLogin: Codable, Sendable {
    public let challenge: String

    public init(challenge: String) {
        self.challenge = challenge
    }
}

extension Endpoint where API == LoginAPI, ID == Nothing, Request == BrowserLogin, Reply == Redirect {
    /// Where the portal sends a browser that has a certificate; it comes back to the portal with a code, or with the
    /// code of a refusal.
    public static var browserLogin: Self { .get("/v1/browser-logins", for: .parties([])) }
}

/// The listener of Auth that asks for the bidder's own certificate (A1). Its callers have no certificate of the
/// deployment, so the routes there are open to everybody who proves a key.
public enum LoginAPI: ServiceAPI {
    public static let server = Party.auth
}

extension Endpoint where API == LoginAPI, ID == Nothing, Request == Nothing, Reply == Session {
    public static var logIn: Self { .repeatablePost("/v1/sessions", for: .parties([])) }
}

extension Endpoint where API == LoginAPI, ID == Nothing, Request == RefreshSession, Reply == Session {
    public static var refreshBoundSession: Self { .repeatablePost("/v1/session-refreshes", for: .parties([])) }
}
