import Contracts
import Cryptography
import ServiceRuntime
import StrictJSON

/// What a browser is logged in as. The cookie holds it, sealed: it is of no use to scripts, thieves of disks, or other
/// sites.
actor BrowserSessions {
    private static let sessionCookie = "__Host-baohan"
    /// Ties forms and logins to one browser.
    private static let browserCookie = "__Host-baohan-browser"
    /// A token that is about to run out is renewed first.
    private static let margin = Duration.seconds(60)
    /// Tabs of one browser that ask at once show the same old refresh token; it is exchanged once.
    private static let memory = Duration.seconds(30)

    private let auth: Client<AuthAPI>
    private let key: SealingKey
    private let origin: String
    private let clock: ServiceClock
    private var renewals: [String: (at: Instant, task: Task<Session, any Error>)] = [:]

    init(auth: Client<AuthAPI>, key: SealingKey, origin: String, clock: ServiceClock) {
        self.auth = auth
        self.key = key
        self.origin = origin
        self.clock = clock
    }

    // MARK: Logged in

    /// Who is logged in, with a token that is good for a while; nil when nobody is.
    ///
    /// - Returns: also the cookie that keeps it, when it has changed.
    func session(of request: WebRequest) async throws -> (session: Session, cookie: String?)? {
        guard let cookie = request.cookies[Self.sessionCookie], let sealed = Base64.url.decode(cookie),
            let bytes = key.open(sealed, context: Self.sessionCookie),
            let session = try? StrictJSON.decode(Session.self, from: bytes)
        else { return nil }
        guard session.expiresAt - clock.now < Self.margin else { return (session, nil) }
        do {
            let renewed = try await renew(session)
            return (renewed, try self.cookie(for: renewed))
        } catch let problem as Problem where problem.code.status < 500 {
            return nil
        }
    }

    private func renew(_ session: Session) async throws -> Session {
        let now = clock.now
        renewals = renewals.filter { now - $0.value.at < Self.memory }
        if let known = renewals[session.refreshToken] { return try await known.task.value }
        let auth = auth
        let task = Task {
            try await auth.call(.refreshSession, RefreshSession(refreshToken: session.refreshToken))
        }
        renewals[session.refreshToken] = (now, task)
        return try await task.value
    }

    nonisolated func cookie(for session: Session) throws -> String {
        let sealed = try key.seal(try StrictJSON.encode(session), context: Self.sessionCookie)
        return Self.cookie(Self.sessionCookie, Base64.url.encode(sealed))
    }

    /// Takes the cookie away.
    nonisolated var noSession: String { "\(Self.sessionCookie)=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0" }

    /// `__Host-` cookies belong to one host and to TLS; Lax, so that a trading platform's link finds its session.
    private static func cookie(_ name: String, _ value: String) -> String {
        "\(name)=\(value); Path=/; Secure; HttpOnly; SameSite=Lax"
    }

    // MARK: One browser

    /// What identifies the browser that asks, and the cookie that it needs when it has none.
    nonisolated func browser(of request: WebRequest) -> (id: String, cookie: String?) {
        if let id = request.cookies[Self.browserCookie], Base64.url.decode(id)?.count == 16 { return (id, nil) }
        let id = Base64.url.encode(randomBytes(16))
        return (id, Self.cookie(Self.browserCookie, id))
    }

    /// The proof in a form that it comes from a page of ours, shown to this browser.
    nonisolated func formToken(_ browser: String) -> String { derived("form", browser) }

    /// - Throws: ``ProblemCode/notAllowed`` for a form of another site.
    nonisolated func checkForm(_ token: String, of request: WebRequest) throws {
        let (browser, _) = browser(of: request)
        guard request.origin == nil || request.origin == origin,
            isEqualInConstantTime(Array(token.utf8), Array(formToken(browser).utf8))
        else { throw Problem(.notAllowed, "the form is not from this browser's page; load it again") }
    }

    /// The secret by which the portal shows that it asked for a login code (RFC 7636).
    nonisolated func loginVerifier(_ browser: String) -> String { derived("login", browser) }

    private nonisolated func derived(_ purpose: String, _ browser: String) -> String {
        key.derived("\(purpose) \(browser)").hex
    }
}
