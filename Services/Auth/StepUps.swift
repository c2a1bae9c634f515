import Contracts
import Cryptography
import Documents
import ServiceRuntime

/// Consent, captcha and SMS code: the step from reading to insuring (A7).
struct StepUps: Sendable {
    private static let captchaLifetime = Duration.seconds(120)
    private static let codeLifetime = Duration.minutes(5)
    private static let pauseBetweenCodes = Duration.seconds(60)
    static let triesPerCode = 5
    /// A telephone that rings all day is an attack on its owner; an office has one address and some dozens of clerks.
    private static let codesPerNumber = AttemptLimit(limit: 10, window: .days(1))
    private static let codesPerSession = AttemptLimit(limit: 20, window: .hours(1))
    private static let codesPerAddress = AttemptLimit(limit: 100, window: .hours(1))

    /// A person reads some; a program that trains on them wants thousands.
    private static let captchasPerSession = AttemptLimit(limit: 60, window: .hours(1))
    private static let captchasPerAddress = AttemptLimit(limit: 600, window: .hours(1))

    let store: Store
    /// Only in a sandbox: the demo has no eyes.
    let revealsCaptchas: Bool
    let clock: ServiceClock

    // MARK: Consent

    func giveConsent(_ request: GiveConsent, by person: Person, key: IdempotencyKey) async throws -> Consent {
        guard request.version == currentNotice.version, request.hash == currentNotice.hash else {
            throw Problem(.consentMissing)
        }
        let consent = Consent(id: ConsentID(), version: request.version, at: clock.now)
        return try await store.add(consent, hash: request.hash, by: person.enterprise, key: key)
    }

    // MARK: Captcha

    func createCaptcha(_ form: AskCaptcha.Form, for person: Person, from address: String) async throws -> Captcha {
        // Without the characters that look alike.
        let alphabet = Array(form == .picture ? "2345678ABCDEFGHJKMNPQRSTUVWXYZ" : "0123456789")
        let length = form == .picture ? 5 : 6
        let answer = String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
        let id = CaptchaID()
        let expiresAt = clock.now + Self.captchaLifetime
        try await store.addCaptcha(
            id, answerHash: Self.hash(id.text, answer), for: person.enterprise, until: expiresAt,
            limits: [
                ("captchas in \(person.session.text)", Self.captchasPerSession),
                ("captchas from \(address)", Self.captchasPerAddress),
            ], at: clock.now)
        let content = form == .picture ? try captchaPicture(of: answer) : captchaSound(of: answer)
        return Captcha(
            id: id, form: form, content: Base64.standard.encode(content), expiresAt: expiresAt,
            sandboxAnswer: revealsCaptchas ? answer : nil)
    }

    // MARK: SMS code

    func sendCode(
        _ request: AskSMSCode, to person: Person, from address: String, key: IdempotencyKey
    ) async throws -> SMSCode {
        if let stored: SMSCode = try await store.database.stored(key) { return stored }
        let now = clock.now
        // Used up in a transaction of its own: a wrong guess must not come back with the rollback.
        let answerHash = Self.hash(request.captcha.text, request.captchaAnswer.uppercased())
        guard try await store.useCaptcha(request.captcha, answerHash: answerHash, by: person.enterprise, at: now) else {
            throw Problem(.captchaWrong)
        }
        let digits = String(Int.random(in: 0...999_999))
        let code = String(repeating: "0", count: 6 - digits.count) + digits
        let sent = SMSCode(id: SMSCodeID(), expiresAt: now + Self.codeLifetime, nextAfter: now + Self.pauseBetweenCodes)
        let text = TextMessage(to: request.mobile, text: "【保函平台】验证码 \(code)，5 分钟内有效。请勿告诉他人。")
        return try await store.add(
            sent, codeHash: Self.hash(sent.id.text, code), text: text, for: person.enterprise,
            notBefore: now - Self.pauseBetweenCodes,
            limits: [
                ("sms to \(sha256(request.mobile.text.utf8).hex)", Self.codesPerNumber),
                ("sms in \(person.session.text)", Self.codesPerSession), ("sms from \(address)", Self.codesPerAddress),
            ], at: now, key: key)
    }

    /// Uses the code up. A wrong one costs a try; after five the code is worth nothing.
    func check(_ request: CheckStepUp, key: IdempotencyKey) async throws -> StepUp {
        if let stored: StepUp = try await store.database.stored(key) { return stored }
        let now = clock.now
        let codeHash = Self.hash(request.smsCode.text, request.code)
        guard try await store.tryCode(request.smsCode, codeHash: codeHash, by: request.enterprise, at: now) else {
            throw Problem(.smsCodeWrong)
        }
        return try await store.useCode(request, notice: currentNotice.version, at: now, key: key)
    }

    /// Short secrets are stored as the hash of their ID and themselves, and never logged.
    private static func hash(_ id: String, _ secret: String) -> String {
        sha256(Array("\(id) \(secret)".utf8)).hex
    }
}
