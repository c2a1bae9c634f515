import Contracts
import Cryptography
import Foundation
import ServiceRuntime

/// Builds the portal: the pages. It holds no business state; what a browser is logged in as travels sealed in its cookie.
func portal(_ runtime: Runtime) async throws {
    let settings = try PortalSettings(runtime.settings)
    let pages = try Pages()
    let auth = runtime.client(AuthAPI.self)
    let browsers = BrowserSessions(auth: auth, key: settings.cookieKey, origin: settings.origin, clock: runtime.clock)
    let login = LoginPages(
        pages: pages, browsers: browsers, auth: auth, certificateLogin: settings.certificateLogin,
        keyAgent: settings.keyAgent)
    let account = AccountPages(pages: pages, browsers: browsers, auth: auth)
    try runtime.serveBrowsers(
        listen: "listen", default: Runtime.defaultAddress(.portal),
        envelope: Envelope(pages: pages, keyAgent: settings.keyAgent).run
    ) { web in
        addAssets(to: web)
        login.addRoutes(to: web)
        account.addRoutes(to: web)
    }
}

/// What the portal is told at its start.
struct PortalSettings {
    /// Where browsers find the portal, as in `https://bid.example.cn`.
    let origin: String
    /// Where browsers find Auth's login listener.
    let certificateLogin: String
    /// The local middleware that holds the keys of CA locks.
    let keyAgent: String
    let cookieKey: SealingKey

    init(_ settings: Settings) throws {
        origin = settings.text("portal.address", default: "https://localhost:7000")
        certificateLogin = settings.text("login.address", default: "https://localhost:7011")
        keyAgent = settings.text("key.agent", default: "https://127.0.0.1:7010")
        let file = settings.file(
            "cookies.key", "32 bytes in hexadecimal digits that seal cookies; the same for all replicas")
        try settings.check()
        let text = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let key = bytes(hex: text), key.count == 32 else {
            throw Settings.Invalid(problems: ["cookies.key must hold 64 hexadecimal digits"])
        }
        cookieKey = try SealingKey(key)
    }
}
