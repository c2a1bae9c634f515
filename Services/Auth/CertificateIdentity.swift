import Contracts
import Cryptography
import ServiceRuntime

/// Whom a certificate stands for.
struct CertificateIdentity: Sendable, Equatable {
    let creditCode: UnifiedSocialCreditCode
    let name: Words
    let fingerprint: String
    let serialNumber: String
}

/// Judges a certificate chain at a login (A1): algorithm, path, time, purpose, and the unified social credit code that
/// it holds.
///
/// - Parameter chain: leaf first.
/// - Throws: the ``Problem`` that says which certificate broke which rule.
func identity(of chain: [Certificate], anchors: TrustAnchors, at now: Instant) throws(Problem) -> CertificateIdentity {
    guard let leaf = chain.first, chain.count <= maximumChain else {
        throw Problem(.certificateMalformed, "a chain has 1 to \(maximumChain) certificates")
    }
    try refuseWeakKey(leaf)
    do {
        try anchors.verify(leaf, intermediates: Array(chain.dropFirst()), at: now.seconds)
    } catch {
        let place = error.depth == 0 ? "your certificate" : "certificate \(error.depth) above yours"
        let code: ProblemCode =
            switch error.reason {
            case .expired: .certificateExpired
            case .notYetValid: .certificateNotYetValid
            case .purpose: .certificatePurpose
            case .untrusted: .certificateUntrusted
            }
        throw Problem(code, "\(place): \(error.detail)")
    }
    guard leaf.allowsDigitalSignature, !leaf.isAuthority else {
        throw Problem(.certificatePurpose, "its key usage does not allow digital signatures")
    }
    guard let creditCode = creditCode(in: leaf), let name = enterpriseName(in: leaf),
        let fingerprint = try? leaf.fingerprint()
    else { throw Problem(.certificateWithoutCreditCode) }
    return CertificateIdentity(
        creditCode: creditCode, name: name, fingerprint: fingerprint, serialNumber: leaf.serialNumber)
}

/// Longer chains are not issued by anybody and cost time to check.
private let maximumChain = 6

private func refuseWeakKey(_ leaf: Certificate) throws(Problem) {
    switch leaf.publicKeyKind {
    case .rsa(let bits) where bits >= 2_048: return
    case .rsa(let bits): throw Problem(.certificateWeak, "RSA with \(bits) bits; at least 2048 are due")
    case .ellipticCurve("prime256v1"), .ellipticCurve("secp384r1"): return
    case .ellipticCurve, .other: throw Problem(.certificateWeak, "RSA, P-256 or P-384 is due")
    }
}

/// Where authorities put the credit code, in the order in which it is looked for: the SM2-era and RSA-era extensions,
/// one older one, then fields of the subject.
private let creditCodeExtensions = [
    "1.2.156.10260.4.1.4", "1.2.86.11.7.4", "1.2.86.11.7.5", "1.2.156.1.8888.148", "1.2.156.112570.11.205",
]
private let creditCodeFields = ["2.5.4.97", "2.5.4.5", "2.5.4.11"]

/// The first text of 18 characters whose check character is right; values come wrapped in DER and with prefixes.
func creditCode(in certificate: Certificate) -> UnifiedSocialCreditCode? {
    for oid in creditCodeExtensions {
        if let value = certificate.extensionValue(oid), let code = creditCode(inBytes: value) { return code }
    }
    for field in creditCodeFields {
        for value in certificate.subject(field) {
            if let code = creditCode(inBytes: Array(value.utf8)) { return code }
        }
    }
    return nil
}

private func creditCode(inBytes bytes: [UInt8]) -> UnifiedSocialCreditCode? {
    guard bytes.count >= 18 else { return nil }
    for start in 0...bytes.count - 18 {
        let candidate = String(decoding: bytes[start..<start + 18], as: UTF8.self)
        if let code = try? UnifiedSocialCreditCode(candidate) { return code }
    }
    return nil
}

private func enterpriseName(in certificate: Certificate) -> Words? {
    (certificate.subject("O") + certificate.subject("CN")).lazy.compactMap { try? Words($0) }.first
}
