import Contracts
import Mustache
import ServiceRuntime

/// The pages' templates, compiled into the executable.
struct Pages: Sendable {
    private let library: MustacheLibrary

    init() throws {
        let sources = [
            ("layout", PackageResources.layout_mustache), ("login", PackageResources.login_mustache),
            ("account", PackageResources.account_mustache), ("problem", PackageResources.problem_mustache),
        ]
        library = MustacheLibrary(
            templates: try Dictionary(
                uniqueKeysWithValues: sources.map { name, bytes in
                    (name, try MustacheTemplate(string: String(decoding: bytes, as: UTF8.self)))
                }))
    }

    /// - Parameter content: what the template asks for; every value is escaped.
    func page(_ template: String, _ content: [String: any Sendable], status: Int = 200) throws -> WebReply {
        guard let html = library.render(content, withTemplate: template) else {
            throw Problem(.internalError)
        }
        return WebReply(
            status: status, headers: [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")],
            body: Array(html.utf8))
    }
}

/// Around every page: the headers that keep it to itself, and a page for whatever goes wrong.
struct Envelope: Sendable {
    let pages: Pages
    let keyAgent: String

    @Sendable
    func run(_ request: WebRequest, _ handler: @Sendable (WebRequest) async throws -> WebReply) async throws -> WebReply
    {
        var reply: WebReply
        do {
            reply = try await handler(request)
        } catch let problem as Problem {
            reply = try page(for: problem, request)
        }
        for (name, value) in headers { reply.set(name, value) }
        return reply
    }

    /// Someone without a session is led to the login, not told off.
    private func page(for problem: Problem, _ request: WebRequest) throws -> WebReply {
        switch problem.code {
        case .sessionMissing, .sessionInvalid, .sessionExpired, .sessionRevoked:
            return .redirect(to: "/login?refused=\(problem.code.rawValue)")
        default:
            let document = problem.document(in: request.language)
            var content: [String: any Sendable] = [
                "title": document.title, "code": document.code, "request": document.instance,
            ]
            if let detail = problem.detail { content["detail"] = detail }
            return try pages.page("problem", content, status: problem.code.status)
        }
    }

    private var headers: [(String, String)] {
        [
            (
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                    + "connect-src 'self' \(keyAgent); form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            ),
            ("Strict-Transport-Security", "max-age=31536000"), ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
        ]
    }
}

/// Style and script, compiled into the executable.
func addAssets(to web: WebRoutes) {
    let assets = [
        ("/assets/portal.css", "text/css; charset=utf-8", PackageResources.portal_css),
        ("/assets/login.js", "text/javascript; charset=utf-8", PackageResources.login_js),
    ]
    for (path, mediaType, bytes) in assets {
        web.on(.get, path) { _ in
            WebReply(
                headers: [("Content-Type", mediaType), ("Cache-Control", "public, max-age=300")], body: bytes)
        }
    }
}
