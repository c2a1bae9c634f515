/// Every way in which a call can fail for a reason that its caller can act on. The raw value is the stable `code` of
/// `application/problem+json` (RFC 9457).
public enum ProblemCode: String, Codable, Sendable, CaseIterable {
    // The call itself
    case malformedRequest = "malformed_request"
    case malformedJSON = "malformed_json"
    case invalidField = "invalid_field"
    case unknownField = "unknown_field"
    case bodyTooLarge = "body_too_large"
    case unsupportedMediaType = "unsupported_media_type"
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case idempotencyKeyMissing = "idempotency_key_missing"
    case idempotencyKeyReused = "idempotency_key_reused"
    case versionConflict = "version_conflict"
    case unavailable
    case deadlineExceeded = "deadline_exceeded"
    case internalError = "internal_error"
    // Who calls
    case sessionMissing = "session_missing"
    case sessionInvalid = "session_invalid"
    case sessionExpired = "session_expired"
    case sessionRevoked = "session_revoked"
    case tooManyAttempts = "too_many_attempts"
    case blocked
    case notAllowed = "not_allowed"
    case callerNotAllowed = "caller_not_allowed"
    case signatureInvalid = "signature_invalid"
    case signatureWeak = "signature_weak"
    case replayed
    // Login (A1, A2)
    case certificateMalformed = "certificate_malformed"
    case certificateUntrusted = "certificate_untrusted"
    case certificateExpired = "certificate_expired"
    case certificateNotYetValid = "certificate_not_yet_valid"
    case certificatePurpose = "certificate_purpose"
    case certificateWeak = "certificate_weak"
    case certificateWithoutCreditCode = "certificate_without_credit_code"
    case certificateAmbiguous = "certificate_ambiguous"
    case certificateEncryption = "certificate_encryption"
    case certificateRevoked = "certificate_revoked"
    case revocationUnknown = "revocation_unknown"
    case challengeUnknown = "challenge_unknown"
    case ticketInvalid = "ticket_invalid"
    // Handlers
    case rightMissing = "right_missing"
    case aboveLimit = "above_limit"
    case regionNotCovered = "region_not_covered"
    case approvalNeeded = "approval_needed"
    case approvalRefused = "approval_refused"
    case invitationInvalid = "invitation_invalid"
    // Key agent
    case pinWrong = "pin_wrong"
    case keyLocked = "key_locked"
    // Enterprise and step-up (A3, A7)
    case enterpriseNotSaved = "enterprise_not_saved"
    case enterpriseNotRegistered = "enterprise_not_registered"
    case captchaWrong = "captcha_wrong"
    case smsTooSoon = "sms_too_soon"
    case smsCodeWrong = "sms_code_wrong"
    case consentMissing = "consent_missing"
    // Applying (A4 to A8)
    case lotUnknown = "lot_unknown"
    case lotClosed = "lot_closed"
    case providerUnknown = "provider_unknown"
    case orderExists = "order_exists"
    case applicationIncomplete = "application_incomplete"
    case wrongState = "wrong_state"
    case underwritingRefused = "underwriting_refused"
    // Payment, policy, refund, invoice (A9 to I4)
    case quoteExpired = "quote_expired"
    case policySealed = "policy_sealed"
    case documentNotReady = "document_not_ready"
    case refundAfterOpening = "refund_after_opening"
    case refundNotInRegion = "refund_not_in_region"
    case refundNoLivePolicy = "refund_no_live_policy"
    case amountAbovePaid = "amount_above_paid"
    case secondPersonNeeded = "second_person_needed"
    case accountNameDiffers = "account_name_differs"
    case invoiceBeforeOpening = "invoice_before_opening"
    case invoiceKindNotOffered = "invoice_kind_not_offered"
    case invoiceExists = "invoice_exists"

    public enum Language: String, Codable, Sendable, CaseIterable {
        case chinese = "zh"
        case english = "en"
    }

    public var status: Int {
        switch self {
        case .malformedRequest, .malformedJSON, .idempotencyKeyMissing: 400
        case .sessionMissing, .sessionInvalid, .sessionExpired, .sessionRevoked, .signatureInvalid, .signatureWeak,
            .certificateMalformed,
            .certificateUntrusted, .certificateExpired, .certificateNotYetValid, .certificatePurpose, .certificateWeak,
            .certificateWithoutCreditCode, .certificateAmbiguous, .certificateEncryption, .certificateRevoked,
            .challengeUnknown, .ticketInvalid:
            401
        case .notAllowed, .callerNotAllowed, .blocked, .rightMissing, .aboveLimit, .regionNotCovered, .pinWrong: 403
        case .notFound, .lotUnknown, .providerUnknown, .enterpriseNotRegistered: 404
        case .methodNotAllowed: 405
        case .versionConflict, .orderExists, .lotClosed, .wrongState, .policySealed, .documentNotReady,
            .refundAfterOpening, .refundNotInRegion, .refundNoLivePolicy, .invoiceBeforeOpening, .invoiceExists,
            .enterpriseNotSaved, .quoteExpired, .replayed, .amountAbovePaid, .secondPersonNeeded, .underwritingRefused,
            .approvalNeeded, .approvalRefused:
            409
        case .keyLocked: 423
        case .bodyTooLarge: 413
        case .unsupportedMediaType: 415
        case .invalidField, .unknownField, .idempotencyKeyReused, .captchaWrong, .smsCodeWrong, .consentMissing,
            .applicationIncomplete, .accountNameDiffers, .invoiceKindNotOffered, .invitationInvalid:
            422
        case .smsTooSoon, .tooManyAttempts: 429
        case .internalError: 500
        case .unavailable, .revocationUnknown: 503
        case .deadlineExceeded: 504
        }
    }

    public func sentence(in language: Language) -> String {
        switch language {
        case .chinese: sentences.chinese
        case .english: sentences.english
        }
    }

    private var sentences: (chinese: String, english: String) {
        switch self {
        case .malformedRequest: ("请求不是有效的 HTTP 报文。", "The request is not valid HTTP.")
        case .malformedJSON: ("请求内容不是有效的 JSON。", "The body is not valid JSON.")
        case .invalidField: ("请求中有一项内容不正确。", "A field of the request is wrong.")
        case .unknownField: ("请求中有无法识别的字段。", "The request has a field that is not known.")
        case .bodyTooLarge: ("请求内容过大。", "The body is too large.")
        case .unsupportedMediaType: ("请求内容须为 JSON。", "The body must be JSON.")
        case .notFound: ("没有找到您要的内容。", "There is nothing here for you.")
        case .methodNotAllowed: ("此地址不支持该请求方法。", "This address does not take this method.")
        case .idempotencyKeyMissing: ("缺少 Idempotency-Key 请求头。", "The Idempotency-Key header is missing.")
        case .idempotencyKeyReused: ("同一 Idempotency-Key 用于不同内容。", "The Idempotency-Key was used for another request.")
        case .versionConflict: ("内容已被修改，请刷新后重试。", "It was changed in the meantime; load it again.")
        case .unavailable: ("服务暂时不可用，请稍后重试。", "The service is not available now; try again in a moment.")
        case .deadlineExceeded: ("处理超时，请稍后查询结果。", "It took too long; look up the result in a moment.")
        case .internalError: ("系统出错，请凭请求编号联系客服。", "Something failed here; quote the request ID to support.")
        case .sessionMissing: ("请先登录。", "Log in first.")
        case .sessionInvalid: ("登录凭证无效，请重新登录。", "The session is not valid; log in again.")
        case .sessionExpired: ("登录已过期，请重新登录。", "The session has expired; log in again.")
        case .sessionRevoked: ("会话已被注销，请重新登录。", "The session was ended; log in again.")
        case .tooManyAttempts: ("尝试次数过多，请稍后再试。", "Too many attempts; try again later.")
        case .blocked: ("该证书或企业已被停用，请联系平台。", "This certificate or enterprise is shut out; ask the platform.")
        case .notAllowed: ("您没有此操作的权限。", "You may not do this.")
        case .callerNotAllowed: ("调用方证书无权访问此接口。", "The caller's certificate may not use this route.")
        case .signatureInvalid: ("签名验证未通过。", "The signature is not valid.")
        case .signatureWeak: ("签名算法不安全，不予接受。", "The signature's algorithm is not accepted.")
        case .replayed: ("该消息已处理过。", "This message was used before.")
        case .certificateMalformed: ("无法读取数字证书。", "The certificate cannot be read.")
        case .certificateUntrusted: ("数字证书不是受信任的机构颁发的。", "The certificate does not come from a trusted authority.")
        case .certificateExpired: ("数字证书已过期，请到发证机构更新。", "The certificate has expired; renew it with its authority.")
        case .certificateNotYetValid: ("数字证书尚未生效。", "The certificate is not valid yet.")
        case .certificateAmbiguous:
            ("证书中有两个不同的统一社会信用代码。", "The certificate holds two different unified social credit codes.")
        case .certificateEncryption:
            ("这是加密证书，请使用同一介质中的签名证书。", "This is the encryption certificate; use the signing one of the same key.")
        case .certificateRevoked: ("数字证书已被吊销，请联系发证机构。", "The certificate was revoked; ask its authority.")
        case .revocationUnknown:
            ("暂时无法查询证书吊销状态，请稍后重试。", "Whether the certificate was revoked cannot be told now; try again later.")
        case .certificatePurpose:
            ("该证书不能用于签名登录，请使用签名证书。", "The certificate is not made for signing; use the signing one.")
        case .certificateWeak: ("证书或签名的算法不够安全。", "The certificate or signature uses an algorithm that is not safe.")
        case .certificateWithoutCreditCode:
            ("证书中没有有效的统一社会信用代码。", "The certificate holds no valid unified social credit code.")
        case .challengeUnknown: ("登录挑战不存在、已使用或已过期。", "The login challenge is unknown, used or expired.")
        case .ticketInvalid: ("跳转凭证无效、已使用或已过期。", "The hand-off ticket is not valid, used or expired.")
        case .pinWrong: ("口令不正确；连续输错五次，CA 锁将被锁定。", "The PIN is wrong; after five wrong ones the key locks.")
        case .keyLocked: ("CA 锁已锁定，请联系发证机构解锁。", "The key is locked; ask its authority to unlock it.")
        case .rightMissing: ("企业未授权您办理此事项，请联系企业证书持有人。", "Your enterprise has not given you this right; ask its holder.")
        case .aboveLimit: ("金额超出您的办理限额。", "The amount is above your limit.")
        case .regionNotCovered:
            (
                "您的登录方式不适用于该地区，请换用该地区认可的证书。",
                "This way of logging in does not count in the lot's region; use a certificate of an authority that does."
            )
        case .approvalNeeded:
            (
                "已提交本企业另一人复核，通过后请再次办理。",
                "Another person of your enterprise has been asked; do it again when it is approved."
            )
        case .approvalRefused: ("本企业复核人未同意办理。", "The second person of your enterprise has refused.")
        case .invitationInvalid: ("邀请码不正确、已使用或已过期。", "The invitation code is wrong, used or expired.")
        case .enterpriseNotSaved: ("请先同步并保存企业信息。", "Synchronise and save the enterprise's data first.")
        case .enterpriseNotRegistered: ("交易平台没有该企业的登记信息。", "The trading platform does not know this enterprise.")
        case .captchaWrong: ("图形验证码不正确或已使用。", "The captcha is wrong or was used.")
        case .smsTooSoon: ("短信验证码发送过于频繁，请稍后再试。", "A code was sent a moment ago; wait before asking again.")
        case .smsCodeWrong: ("短信验证码不正确、已使用或已过期。", "The SMS code is wrong, used or expired.")
        case .consentMissing: ("请先阅读并同意当前版本的投保须知。", "Read and agree to the present version of the notice first.")
        case .lotUnknown: ("没有这个标段。", "There is no such lot.")
        case .lotClosed: ("该标段已不接受投保申请。", "The lot no longer takes applications.")
        case .providerUnknown: ("没有这个保函机构。", "There is no such provider.")
        case .orderExists: ("您在该标段已有未结束的投保订单。", "You already have a live order for this lot.")
        case .applicationIncomplete: ("申请信息不完整。", "The application is not complete.")
        case .wrongState: ("订单当前状态不允许此操作。", "The present state does not allow this.")
        case .underwritingRefused: ("该申请不符合承保规则。", "The application does not meet the underwriting rules.")
        case .quoteExpired: ("报价已过期，请重新提交申请。", "The quote has expired; submit the application again.")
        case .policySealed: ("开标前保单处于密封状态，无需下载。", "The policy is sealed until the bids are opened.")
        case .documentNotReady: ("文件正在制作，请稍后下载。", "The document is being made; try again in a moment.")
        case .refundAfterOpening: ("已到开标时间，不予退保。", "The bids are opened; nothing is refunded any more.")
        case .refundNotInRegion: ("本地区的规则不允许此情形退保。", "This region's rules do not refund in this case.")
        case .refundNoLivePolicy: ("该订单没有可退的保单。", "The order has no policy that can be given back.")
        case .amountAbovePaid: ("退款合计不能超过已收金额。", "More would go back than was paid.")
        case .secondPersonNeeded: ("须由另一人复核。", "Another person has to decide, not the same one again.")
        case .accountNameDiffers: ("账户名称与投保企业名称不一致。", "The account's name is not the bidder's.")
        case .invoiceBeforeOpening: ("开标后才能申请发票。", "An invoice can be asked for after the opening only.")
        case .invoiceKindNotOffered: ("电子发票只支持增值税普通发票。", "This kind of invoice is not offered on this medium.")
        case .invoiceExists: ("该订单已申请发票。", "An invoice was already asked for.")
        }
    }
}

/// A refusal on its way to the caller.
public struct Problem: Error, Equatable, Sendable {
    public let code: ProblemCode
    /// What exactly is wrong here; never a value from the request.
    public let detail: String?
    /// JSON Pointer of the field that is wrong.
    public let field: String?
    /// When trying again may help.
    public let retryAfter: Duration?

    public init(_ code: ProblemCode, _ detail: String? = nil, field: String? = nil, retryAfter: Duration? = nil) {
        self.code = code
        self.detail = detail
        self.field = field
        self.retryAfter = retryAfter
    }
}

extension Problem {
    /// The body of `application/problem+json`.
    public struct Document: Codable, Sendable {
        public let type: String
        public let code: String
        public let title: String
        public let status: Int
        public let detail: String?
        public let field: String?
        /// The request's ID, for support.
        public let instance: String

        public init(_ problem: Problem, language: ProblemCode.Language, requestID: String) {
            type = "urn:baohan:problem:\(problem.code.rawValue)"
            code = problem.code.rawValue
            title = problem.code.sentence(in: language)
            status = problem.code.status
            detail = problem.detail
            field = problem.field
            instance = requestID
        }
    }
}
