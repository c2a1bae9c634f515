import Contracts
import Foundation
import ServiceRuntime

/// 账户中心: who is logged in, and where else.
struct AccountPages: Sendable {
    let pages: Pages
    let browsers: BrowserSessions
    let auth: Client<AuthAPI>

    func addRoutes(to web: WebRoutes) {
        web.on(.get, "/") { request in try await show(request) }
        web.on(.post, "/sessions/{id}/end") { request in try await end(request) }
    }

    private func show(_ request: WebRequest) async throws -> WebReply {
        guard let (session, cookie) = try await browsers.session(of: request) else { throw Problem(.sessionMissing) }
        let list = try await auth.on(behalfOf: session).call(.sessions).sessions
        let (browser, _) = browsers.browser(of: request)
        var content: [String: any Sendable] = [
            "name": session.name.text, "creditCode": session.creditCode.text, "standing": session.standing.chinese,
            "token": browsers.formToken(browser),
            "sessions": list.map { item in
                [
                    "id": item.id.text, "way": item.way.chinese, "started": item.startedAt.shanghai,
                    "used": item.lastUsedAt.shanghai, "isCurrent": item.isCurrent,
                ] as [String: any Sendable]
            },
        ]
        if let days = session.certificateExpiresInDays {
            content["expiring"] = "您的数字证书将在 \(days) 天后到期，请及时到发证机构办理更新。"
            // Sixty and thirty days before it is a remark, seven days before it is urgent.
            content["isUrgent"] = days <= 7
        }
        var reply = try pages.page("account", content)
        if let cookie { reply.set("Set-Cookie", cookie) }
        return reply
    }

    private struct EndForm: Codable {
        let token: String
    }

    private func end(_ request: WebRequest) async throws -> WebReply {
        try browsers.checkForm(try request.form(EndForm.self).token, of: request)
        guard let (session, _) = try await browsers.session(of: request) else { throw Problem(.sessionMissing) }
        let id = try SessionID(request.id)
        _ = try await auth.on(behalfOf: session).call(.endSession, id)
        return .redirect(to: id == session.id ? "/login" : "/")
    }
}

extension Standing {
    fileprivate var chinese: String {
        switch self {
        case .holder: "企业证书持有人"
        case .handler: "经办人"
        case .unassigned: "未指定权限，请联系本企业证书持有人"
        }
    }
}

extension LoginWay {
    fileprivate var chinese: String {
        switch self {
        case .mutualTLS: "程序接口证书"
        case .browser: "浏览器证书"
        case .challenge: "CA 锁签名"
        case .ticket: "交易平台跳转"
        }
    }
}

extension Instant {
    /// `2026-11-23 21:04` in Asia/Shanghai, which has no summer time.
    fileprivate var shanghai: String {
        String((self + .hours(8)).text.prefix(16)).replacingOccurrences(of: "T", with: " ")
    }
}
