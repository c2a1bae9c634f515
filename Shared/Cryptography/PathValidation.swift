import COpenSSL

/// Certificates that logins may lead to, and the check of a path to one of them (RFC 5280, 6) at a given time.
///
/// `@unchecked Sendable`: the `X509_STORE` is only read after `init`, and OpenSSL locks what it caches inside.
public final class TrustAnchors: @unchecked Sendable {
    /// Why a path was refused, and which certificate of it is to blame.
    public struct Refusal: Error, Equatable, Sendable {
        public enum Reason: Equatable, Sendable {
            case expired, notYetValid, untrusted, purpose
        }

        public let reason: Reason
        /// 0 is the leaf.
        public let depth: Int
        public let detail: String
    }

    private let store: OpaquePointer

    public init(_ anchors: [Certificate]) throws {
        guard let store = X509_STORE_new() else { throw CryptographyError("trust store") }
        self.store = store
        for anchor in anchors {
            guard X509_STORE_add_cert(store, anchor.raw) == 1 else { throw CryptographyError("trust anchor") }
        }
    }

    deinit { X509_STORE_free(store) }

    /// - Parameter time: seconds since 1970, from the injected clock.
    public func verify(_ leaf: Certificate, intermediates: [Certificate], at time: Int64) throws(Refusal) {
        guard let context = X509_STORE_CTX_new(), let untrusted = baohan_sk_X509_new() else {
            throw Refusal(reason: .untrusted, depth: 0, detail: "out of memory")
        }
        defer {
            X509_STORE_CTX_free(context)
            baohan_sk_X509_free(untrusted)
            ERR_clear_error()
        }
        for certificate in intermediates { _ = baohan_sk_X509_push(untrusted, certificate.raw) }
        guard X509_STORE_CTX_init(context, store, leaf.raw, untrusted) == 1,
            let parameters = X509_STORE_CTX_get0_param(context)
        else { throw Refusal(reason: .untrusted, depth: 0, detail: "the check could not begin") }
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_X509_STRICT) | UInt(X509_V_FLAG_CHECK_SS_SIGNATURE))
        X509_VERIFY_PARAM_set_time(parameters, time_t(time))
        X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        guard X509_verify_cert(context) != 1 else { return }
        let code = X509_STORE_CTX_get_error(context)
        let reason: Refusal.Reason =
            switch code {
            case X509_V_ERR_CERT_HAS_EXPIRED: .expired
            case X509_V_ERR_CERT_NOT_YET_VALID: .notYetValid
            case X509_V_ERR_INVALID_PURPOSE: .purpose
            default: .untrusted
            }
        throw Refusal(
            reason: reason, depth: Int(X509_STORE_CTX_get_error_depth(context)),
            detail: String(cString: X509_verify_cert_error_string(Int(code))))
    }
}
