import Contracts
import Cryptography
import Foundation
import ServiceRuntime

/// Logging in (A1, A2): by the browser's own certificate, by a CA lock behind local middleware, by a trading platform's
/// ticket.
struct LoginPages: Sendable {
    let pages: Pages
    let browsers: BrowserSessions
    let auth: Client<AuthAPI>
    let certificateLogin: String
    let keyAgent: String

    func addRoutes(to web: WebRoutes) {
        web.on(.get, "/login") { request in try show(request) }
        web.on(.get, "/login/certificate") { request in start(request) }
        web.on(.get, "/login/done") { request in try await finish(request) }
        web.on(.post, "/login/challenge") { request in try await challenge(request) }
        web.on(.post, "/login/answer") { request in try await answer(request) }
        web.on(.post, "/hand-off") { request in try await handOff(request) }
        web.on(.post, "/logout") { request in try await logOut(request) }
    }

    private struct LoginQuery: Codable {
        /// Why the person is here: the code of a problem.
        let refused: String?
    }

    private func show(_ request: WebRequest) throws -> WebReply {
        let refused = try request.query(LoginQuery.self).refused.flatMap(ProblemCode.init(rawValue:))
        let (browser, cookie) = browsers.browser(of: request)
        var content: [String: any Sendable] = ["agent": keyAgent, "token": browsers.formToken(browser)]
        if let refused { content["refused"] = refused.sentence(in: .chinese) }
        var reply = try pages.page("login", content)
        if let cookie { reply.set("Set-Cookie", cookie) }
        return reply
    }

    // MARK: The browser's certificate

    private func start(_ request: WebRequest) -> WebReply {
        let (browser, cookie) = browsers.browser(of: request)
        let challenge = sha256(browsers.loginVerifier(browser).utf8).hex
        var reply = WebReply.redirect(to: "\(certificateLogin)/v1/browser-logins?challenge=\(challenge)")
        if let cookie { reply.set("Set-Cookie", cookie) }
        return reply
    }

    private struct DoneQuery: Codable {
        let code: String
    }

    private func finish(_ request: WebRequest) async throws -> WebReply {
        let verifier = browsers.loginVerifier(browsers.browser(of: request).id)
        return try await enter(request) {
            let code = try request.query(DoneQuery.self).code
            return try await auth.forwarding(request.address).call(
                .exchangeLoginCode, ExchangeLoginCode(code: code, verifier: verifier))
        }
    }

    // MARK: The CA lock

    private struct ChallengeForm: Codable {
        let token: String
    }

    private func challenge(_ request: WebRequest) async throws -> WebReply {
        try browsers.checkForm(try request.json(ChallengeForm.self).token, of: request)
        return try .json(try await auth.forwarding(request.address).call(.startChallenge))
    }

    private struct AnswerForm: Codable {
        let token: String
        let challenge: ChallengeID
        let signature: String
        let certificates: String
    }

    private func answer(_ request: WebRequest) async throws -> WebReply {
        let form = try request.form(AnswerForm.self)
        try browsers.checkForm(form.token, of: request)
        return try await enter(request) {
            try await auth.forwarding(request.address).call(
                .answerChallenge, form.challenge,
                ChallengeAnswer(form: .raw, certificates: form.certificates, signature: form.signature))
        }
    }

    // MARK: The trading platform

    private struct HandOffForm: Codable {
        let ticket: String
    }

    /// The trading platform's page posts the ticket here; the ticket itself is the proof, so no form of ours is needed.
    private func handOff(_ request: WebRequest) async throws -> WebReply {
        let ticket = try request.form(HandOffForm.self).ticket
        return try await enter(request) {
            try await auth.forwarding(request.address).call(.handOff, HandOff(ticket: ticket))
        }
    }

    // MARK: In and out

    private func enter(_ request: WebRequest, _ open: () async throws -> Session) async throws -> WebReply {
        do {
            let session = try await open()
            var reply = WebReply.redirect(to: "/")
            reply.set("Set-Cookie", try browsers.cookie(for: session))
            return reply
        } catch let problem as Problem where problem.code.status < 500 {
            return .redirect(to: "/login?refused=\(problem.code.rawValue)")
        }
    }

    private struct LogOutForm: Codable {
        let token: String
    }

    private func logOut(_ request: WebRequest) async throws -> WebReply {
        try browsers.checkForm(try request.form(LogOutForm.self).token, of: request)
        if let (session, _) = try await browsers.session(of: request) {
            _ = try? await auth.on(behalfOf: session).call(.endSession, session.id)
        }
        var reply = WebReply.redirect(to: "/login")
        reply.set("Set-Cookie", browsers.noSession)
        return reply
    }
}
