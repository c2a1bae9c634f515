/// Who is there, and may they: certificates, sessions, enterprises, captchas, SMS codes, consents (A1 to A3, A7).
public enum AuthAPI: ServiceAPI {
    public static let server = Party.auth
}

/// A text to be signed with the certificate's key, within two minutes and once.
public struct LoginChallenge: Codable, Sendable {
    public let id: ChallengeID
    public let text: String
    public let expiresAt: Instant

    public init(id: ChallengeID, text: String, expiresAt: Instant) {
        self.id = id
        self.text = text
        self.expiresAt = expiresAt
    }
}

public struct ChallengeAnswer: Codable, Sendable {
    public enum Form: String, Codable, Sendable, CaseIterable {
        /// P1: the signature alone.
        case raw
        /// P7: a CMS SignedData message that brings its certificates, with the text inside or without it.
        case cms
    }

    /// How a raw signature was made.
    public enum Algorithm: String, Codable, Sendable, CaseIterable {
        case rsaSHA256 = "rsa_sha256"
        case rsaPSSSHA256 = "rsa_pss_sha256"
        case ecdsaSHA256 = "ecdsa_sha256"
        case ecdsaSHA384 = "ecdsa_sha384"
        case sm2SM3 = "sm2_sm3"
        case ed25519
    }

    /// Raw if absent.
    public let form: Form?
    /// Of a raw signature; what is usual for the key if absent.
    public let algorithm: Algorithm?
    /// PEM, leaf first, intermediates behind it; only with a raw signature.
    public let certificates: String?
    /// The signature over the UTF-8 text, in Base64. ECDSA in DER; SM2 in DER or as two numbers of 32 bytes.
    public let signature: String

    public init(form: Form? = nil, algorithm: Algorithm? = nil, certificates: String? = nil, signature: String) {
        self.form = form
        self.algorithm = algorithm
        self.certificates = certificates
        self.signature = signature
    }
}

/// Audience of hand-off tickets: another than that of session tokens, so that neither can stand for the other.
public let handOffAudience = "baohan-hand-off"

/// The trading platform's signed ticket (A2).
public struct HandOff: Codable, Sendable {
    public let ticket: String

    public init(ticket: String) {
        self.ticket = ticket
    }
}

/// What the trading platform's registry says of an enterprise (A3); read-only here.
public struct RegisteredEnterprise: Codable, Sendable, Equatable {
    public let creditCode: UnifiedSocialCreditCode
    public let name: Words
    public let address: Words
    public let legalPerson: Words
    public let basicAccount: AccountReference

    public init(
        creditCode: UnifiedSocialCreditCode, name: Words, address: Words, legalPerson: Words,
        basicAccount: AccountReference
    ) {
        self.creditCode = creditCode
        self.name = name
        self.address = address
        self.legalPerson = legalPerson
        self.basicAccount = basicAccount
    }
}

/// An account at a bank.
public struct AccountReference: Codable, Sendable, Equatable {
    public let name: Words
    public let number: AccountNumber
    public let bank: Words
    public let branch: BranchNumber?

    public init(name: Words, number: AccountNumber, bank: Words, branch: BranchNumber? = nil) {
        self.name = name
        self.number = number
        self.bank = bank
        self.branch = branch
    }
}

/// The enterprise as its owner sees it (用户中心 → 账户中心, A3).
public struct EnterpriseProfile: Codable, Sendable {
    public let id: EnterpriseID
    public let creditCode: UnifiedSocialCreditCode
    public let name: Words
    /// nil until the first synchronisation.
    public let registered: RegisteredEnterprise?
    public let synchronisedAt: Instant?
    /// What the enterprise adds itself.
    public let contact: ContactDetails?
    /// Whether it was saved since the last synchronisation; nothing can be applied for before that.
    public let isSaved: Bool
    public let version: Int

    public init(
        id: EnterpriseID, creditCode: UnifiedSocialCreditCode, name: Words, registered: RegisteredEnterprise? = nil,
        synchronisedAt: Instant? = nil, contact: ContactDetails? = nil, isSaved: Bool, version: Int
    ) {
        self.id = id
        self.creditCode = creditCode
        self.name = name
        self.registered = registered
        self.synchronisedAt = synchronisedAt
        self.contact = contact
        self.isSaved = isSaved
        self.version = version
    }
}

public struct ContactDetails: Codable, Sendable, Equatable {
    public let email: Words
    public let phone: Words

    public init(email: Words, phone: Words) {
        self.email = email
        self.phone = phone
    }
}

/// 保存企业信息.
public struct SaveEnterprise: Codable, Sendable {
    public let contact: ContactDetails
    /// The version that was shown; another one in the database means that somebody else saved.
    public let version: Int

    public init(contact: ContactDetails, version: Int) {
        self.contact = contact
        self.version = version
    }
}

/// The notice that is read and agreed to (投保须知, A7).
public struct InsuranceNotice: Codable, Sendable {
    public let version: String
    public let text: String
    /// SHA-256 of the text, in hexadecimal digits.
    public let hash: String

    public init(version: String, text: String, hash: String) {
        self.version = version
        self.text = text
        self.hash = hash
    }
}

public struct GiveConsent: Codable, Sendable {
    public let version: String
    public let hash: String

    public init(version: String, hash: String) {
        self.version = version
        self.hash = hash
    }
}

public struct Consent: Codable, Sendable {
    public let id: ConsentID
    public let version: String
    public let at: Instant

    public init(id: ConsentID, version: String, at: Instant) {
        self.id = id
        self.version = version
        self.at = at
    }
}

public struct AskCaptcha: Codable, Sendable {
    public enum Form: String, Codable, Sendable, CaseIterable {
        /// Five letters and digits to read.
        case picture
        /// Six digits to hear, for those who cannot see the picture.
        case sound
    }

    public let form: Form

    public init(form: Form) {
        self.form = form
    }
}

public struct Captcha: Codable, Sendable {
    public let id: CaptchaID
    public let form: AskCaptcha.Form
    /// PNG, or WAV, in Base64.
    public let content: String
    public let expiresAt: Instant
    /// Only where the configuration says that this is a sandbox.
    public let sandboxAnswer: String?

    public init(
        id: CaptchaID, form: AskCaptcha.Form, content: String, expiresAt: Instant, sandboxAnswer: String? = nil
    ) {
        self.id = id
        self.form = form
        self.content = content
        self.expiresAt = expiresAt
        self.sandboxAnswer = sandboxAnswer
    }
}

public struct AskSMSCode: Codable, Sendable {
    public let mobile: MobileNumber
    public let captcha: CaptchaID
    public let captchaAnswer: String

    public init(mobile: MobileNumber, captcha: CaptchaID, captchaAnswer: String) {
        self.mobile = mobile
        self.captcha = captcha
        self.captchaAnswer = captchaAnswer
    }
}

public struct SMSCode: Codable, Sendable {
    public let id: SMSCodeID
    public let expiresAt: Instant
    public let nextAfter: Instant

    public init(id: SMSCodeID, expiresAt: Instant, nextAfter: Instant) {
        self.id = id
        self.expiresAt = expiresAt
        self.nextAfter = nextAfter
    }
}

/// Order asks whether the person who applies has read, agreed and holds the telephone (A7).
public struct CheckStepUp: Codable, Sendable {
    public let enterprise: EnterpriseID
    public let consent: ConsentID
    public let smsCode: SMSCodeID
    public let code: String

    public init(enterprise: EnterpriseID, consent: ConsentID, smsCode: SMSCodeID, code: String) {
        self.enterprise = enterprise
        self.consent = consent
        self.smsCode = smsCode
        self.code = code
    }
}

public struct StepUp: Codable, Sendable, Equatable {
    public let mobile: MobileNumber
    public let mobileVerifiedAt: Instant
    public let consentVersion: String
    public let consentHash: String
    public let consentAt: Instant

    public init(
        mobile: MobileNumber, mobileVerifiedAt: Instant, consentVersion: String, consentHash: String, consentAt: Instant
    ) {
        self.mobile = mobile
        self.mobileVerifiedAt = mobileVerifiedAt
        self.consentVersion = consentVersion
        self.consentHash = consentHash
        self.consentAt = consentAt
    }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Nothing, Reply == LoginChallenge {
    public static var startChallenge: Self { .repeatablePost("/v1/login-challenges", for: .anybody) }
}

extension Endpoint where API == AuthAPI, ID == ChallengeID, Request == ChallengeAnswer, Reply == Session {
    public static var answerChallenge: Self { .repeatablePost("/v1/login-challenges/{id}/answer", for: .anybody) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == HandOff, Reply == Session {
    public static var handOff: Self { .repeatablePost("/v1/hand-offs", for: .anybody) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Nothing, Reply == EnterpriseProfile {
    public static var enterprise: Self { .get("/v1/enterprise", for: .person(.bidder)) }
    /// 同步企业信息: asks the trading platform's registry.
    public static var synchroniseEnterprise: Self {
        .repeatablePost("/v1/enterprise/synchronisation", for: .person(.bidder))
    }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == SaveEnterprise, Reply == EnterpriseProfile {
    public static var saveEnterprise: Self { .put("/v1/enterprise", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == EnterpriseID, Request == Nothing, Reply == EnterpriseProfile {
    public static var enterpriseForService: Self {
        .get("/v1/enterprises/{id}", for: .parties(.order, .payment, .refund, .invoice))
    }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == Nothing, Reply == InsuranceNotice {
    public static var notice: Self { .get("/v1/notice", for: .anybody) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == GiveConsent, Reply == Consent {
    public static var giveConsent: Self { .post("/v1/consents", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == AskCaptcha, Reply == Captcha {
    public static var createCaptcha: Self { .repeatablePost("/v1/captchas", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == AskSMSCode, Reply == SMSCode {
    public static var askSMSCode: Self { .post("/v1/sms-codes", for: .person(.bidder)) }
}

extension Endpoint where API == AuthAPI, ID == Nothing, Request == CheckStepUp, Reply == StepUp {
    public static var checkStepUp: Self { .post("/v1/step-ups", for: .parties(.order)) }
}
