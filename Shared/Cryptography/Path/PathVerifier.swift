import COpenSSL

/// Finds a path from a certificate to a trust anchor that keeps every rule (RFC 5280, 6; RFC 4158 for the search).
///
/// OpenSSL checks signatures and judges each path; it follows one path only and lets pass what a login must not, so the
/// search and the rules in `Rules/` are ours.
public struct PathVerifier: Sendable {
    /// What is to be known about revocation before a path is accepted.
    public enum RevocationPolicy: Sendable, Equatable {
        /// A list that is there is obeyed.
        case whereKnown
        /// Every certificate below the anchor needs a list that is not older than `graceSeconds` past its due time.
        case required(graceSeconds: Int64)
    }

    private static let rules: [any PathRule] = [
        VersionRule(), SerialNumberRule(), SignatureAlgorithmRule(), NamesPresentRule(), UniqueIdentifierRule(),
        ExtensionRule(), PublicKeyRule(), ValidityRule(), KeyIdentifierRule(), BasicConstraintsRule(), PathLengthRule(),
        KeyUsageRule(), ExtendedKeyUsageRule(), AlternativeNameRule(), AuthorityInformationRule(), PolicyRule(),
        NameConstraintsRule(), ExpectedNameRule(), CommonNameRule(),
    ]
    /// Signature checks of one search. A sound path takes one per certificate; chains made to confuse take thousands.
    private static let maximumSignatureChecks = 200
    /// Certificates of one path, however self-issued.
    private static let maximumPath = 16

    private let anchors: [PathCertificate]
    private let known: [PathCertificate]
    private let lists: [RevocationList]
    private let policy: RevocationPolicy

    /// - Parameters:
    ///   - anchors: certificates that are trusted; whether they signed themselves does not matter.
    ///   - intermediates: authorities that need not be sent along.
    public init(
        anchors: [Certificate], intermediates: [Certificate] = [], revocationLists: [RevocationList] = [],
        revocation: RevocationPolicy = .whereKnown
    ) throws(PathRefusal) {
        self.anchors = try Self.read(anchors, strictly: false)
        known = try Self.read(intermediates, strictly: false)
        lists = revocationLists
        policy = revocation
    }

    /// An unreadable certificate that is not the leaf is no part of any path.
    private static func read(_ certificates: [Certificate], strictly: Bool) throws(PathRefusal) -> [PathCertificate] {
        var found: [PathCertificate] = []
        for (depth, certificate) in certificates.enumerated() {
            do {
                found.append(try PathCertificate(certificate))
            } catch {
                guard strictly else { continue }
                throw PathRefusal(
                    code: .malformed, depth: depth, subject: certificate.subject("CN").first ?? "(unreadable)",
                    detail: "it is not what RFC 5280 says: \(error.detail)")
            }
        }
        return found
    }

    /// The accepted path, leaf first, anchor last.
    ///
    /// - Throws: the refusal of the path that came closest.
    public func verify(
        _ leaf: Certificate, intermediates: [Certificate] = [], for check: PathCheck
    ) throws(PathRefusal) -> [Certificate] {
        guard let first = try Self.read([leaf], strictly: true).first else {
            throw PathRefusal(code: .malformed, depth: 0, subject: "", detail: "there is no certificate")
        }
        var search = Search(
            candidates: anchors.map { ($0, true) }
                + (try Self.read(intermediates, strictly: false) + known).map { ($0, false) })
        let isAnchor = anchors.contains { $0.fingerprint == first.fingerprint }
        if isAnchor, let path = attempt([first], check, &search) { return path }
        if let path = extend([first], check, &search) { return path }
        throw search.refusal
            ?? PathRefusal(
                code: .untrusted, depth: search.deepest.count - 1,
                subject: search.deepest.last?.fields.subject.summary ?? "",
                detail: "no path leads from it to an authority that is trusted here")
    }

    private struct Search {
        let candidates: [(certificate: PathCertificate, isAnchor: Bool)]
        var signatureChecks = 0
        var refusal: PathRefusal?
        var deepest: [PathCertificate] = []
    }

    /// Depth first; anchors before others, and those whose key identifier fits before those whose does not.
    private func extend(
        _ path: [PathCertificate], _ check: PathCheck, _ search: inout Search
    ) -> [Certificate]? {
        guard let last = path.last, path.count < Self.maximumPath else { return nil }
        if path.count > search.deepest.count { search.deepest = path }
        let wanted = last.authorityKeyIdentifier?.keyIdentifier
        let issuers = search.candidates.filter { candidate, _ in
            candidate.fields.subject == last.fields.issuer
                && !path.contains { $0.fingerprint == candidate.fingerprint || Self.isSameEntity($0, candidate) }
        }
        let fitting = issuers.filter { wanted == nil || $0.certificate.subjectKeyIdentifier == wanted }
        let others = issuers.filter { wanted != nil && $0.certificate.subjectKeyIdentifier != wanted }
        for (issuer, isAnchor) in fitting + others {
            search.signatureChecks += 1
            guard search.signatureChecks <= Self.maximumSignatureChecks else {
                search.refusal =
                    search.refusal
                    ?? PathRefusal(
                        code: .tooComplex, depth: 0, subject: path[0].fields.subject.summary,
                        detail: "there are too many ways to look for its issuer")
                return nil
            }
            guard last.certificate.isSigned(by: issuer.certificate) else {
                search.refusal =
                    search.refusal
                    ?? PathRefusal(
                        code: .signature, depth: path.count - 1, subject: last.fields.subject.summary,
                        detail: "its signature is not its issuer's")
                continue
            }
            let found = isAnchor ? attempt(path + [issuer], check, &search) : extend(path + [issuer], check, &search)
            if let found { return found }
        }
        return nil
    }

    /// Another certificate for the same name and key leads nowhere new.
    private static func isSameEntity(_ left: PathCertificate, _ right: PathCertificate) -> Bool {
        left.fields.subject == right.fields.subject && left.fields.publicKeyInfo == right.fields.publicKeyInfo
    }

    private func attempt(
        _ certificates: [PathCertificate], _ check: PathCheck, _ search: inout Search
    ) -> [Certificate]? {
        do {
            try judge(CertificatePath(certificates: certificates, check: check))
            return certificates.map(\.certificate)
        } catch {
            // A finished path says more than a broken one, and the first more than its variants.
            if search.refusal.map({ $0.code == .signature || $0.code == .tooComplex }) ?? true {
                search.refusal = error
            }
            return nil
        }
    }

    private func judge(_ path: CertificatePath) throws(PathRefusal) {
        for rule in Self.rules { try rule.check(path) }
        try askOpenSSL(path)
        try checkRevocation(path)
    }

    // MARK: OpenSSL

    private func askOpenSSL(_ path: CertificatePath) throws(PathRefusal) {
        guard let store = X509_STORE_new(), let context = X509_STORE_CTX_new(), let untrusted = baohan_sk_X509_new(),
            let anchor = path.certificates.last
        else { throw path.refusal(.malformed, 0, "out of memory") }
        defer {
            X509_STORE_CTX_free(context)
            X509_STORE_free(store)
            baohan_sk_X509_free(untrusted)
            ERR_clear_error()
        }
        for certificate in path.authorities.dropLast() {
            _ = baohan_sk_X509_push(untrusted, certificate.certificate.raw)
        }
        guard X509_STORE_add_cert(store, anchor.certificate.raw) == 1,
            X509_STORE_CTX_init(context, store, path.leaf.certificate.raw, untrusted) == 1,
            let parameters = X509_STORE_CTX_get0_param(context)
        else { throw path.refusal(.malformed, 0, "the check could not begin") }
        let flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK
        X509_VERIFY_PARAM_set_flags(parameters, UInt(flags))
        // The times were compared by our rule, to the second that RFC 5280 means.
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_NO_CHECK_TIME))
        // Any policy will do, as long as the path is valid for one (RFC 5280, 6.1.1 c).
        X509_VERIFY_PARAM_add0_policy(parameters, OBJ_txt2obj("2.5.29.32.0", 1))
        // 112 bits of security: RSA 2048, P-256.
        X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        X509_VERIFY_PARAM_set_depth(parameters, Int32(Self.maximumPath))
        baohan_X509_STORE_CTX_set_callback(context)
        guard X509_verify_cert(context) != 1 else { return }
        let error = X509_STORE_CTX_get_error(context)
        let depth = min(max(0, Int(X509_STORE_CTX_get_error_depth(context))), path.certificates.count - 1)
        throw path.refusal(Self.code(error), depth, String(cString: X509_verify_cert_error_string(Int(error))))
    }

    private static func code(_ error: Int32) -> PathRefusal.Code {
        switch error {
        case X509_V_ERR_CERT_SIGNATURE_FAILURE: .signature
        case X509_V_ERR_PERMITTED_VIOLATION, X509_V_ERR_EXCLUDED_VIOLATION, X509_V_ERR_UNSUPPORTED_NAME_SYNTAX,
            X509_V_ERR_SUBTREE_MINMAX, X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE,
            X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
            .nameConstraints
        case X509_V_ERR_NO_EXPLICIT_POLICY, X509_V_ERR_INVALID_POLICY_EXTENSION: .policies
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL: .weakKey
        case X509_V_ERR_CA_MD_TOO_WEAK: .weakSignature
        case X509_V_ERR_PATH_LENGTH_EXCEEDED: .pathLength
        case X509_V_ERR_INVALID_CA, X509_V_ERR_INVALID_PURPOSE: .basicConstraints
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            .untrusted
        default: .malformed
        }
    }

    // MARK: Revocation

    private func checkRevocation(_ path: CertificatePath) throws(PathRefusal) {
        let now = path.check.milliseconds / 1_000
        for (depth, certificate) in path.certificates.enumerated().dropLast() {
            let issuer = path.certificates[depth + 1].certificate
            var isCovered = false
            var reason: UInt8?
            let covering = lists.filter { $0.covers(certificate) }
            for list in covering where list.applies(among: covering) {
                guard list.isSigned(by: issuer) else {
                    throw path.refusal(.revocationList, depth, "its issuer's revocation list is not signed by it")
                }
                guard list.thisUpdate <= now else {
                    throw path.refusal(.revocationList, depth, "its issuer's revocation list is from the future")
                }
                let grace: Int64 = if case .required(let seconds) = policy { seconds } else { 0 }
                guard now <= list.nextUpdate + grace else {
                    throw path.refusal(.revocationList, depth, "its issuer's revocation list is out of date")
                }
                if list.baseNumber == nil { isCovered = true }
                reason = list.reason(forSerialNumber: certificate.fields.serialNumber) ?? reason
            }
            // 8 takes a hold back (RFC 5280, 5.3.1).
            if let reason, reason != 8 { throw path.refusal(.revoked, depth, "it was revoked, reason \(reason)") }
            if case .required = policy, !isCovered, !path.check.knownGood.contains(certificate.fingerprint) {
                throw path.refusal(.revocationUnknown, depth, "nobody can say whether it was revoked")
            }
        }
    }
}
