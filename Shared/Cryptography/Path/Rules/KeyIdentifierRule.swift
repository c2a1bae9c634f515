/// Key identifiers that say whose key signed (RFC 5280, 4.2.1.1 and 4.2.1.2): every authority has one of its own, and every
/// certificate that neither signed itself nor is trusted by itself names its issuer's.
struct KeyIdentifierRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            if depth > 0, certificate.subjectKeyIdentifier?.isEmpty != false {
                throw path.refusal(.subjectKeyIdentifier, depth, "it signs others and has no key identifier")
            }
            guard let identifier = certificate.authorityKeyIdentifier else {
                // An anchor is trusted for its name and key, whoever else signed it.
                guard depth == path.certificates.count - 1 || certificate.isSelfSigned else {
                    throw path.refusal(.authorityKeyIdentifier, depth, "it does not identify its issuer's key")
                }
                continue
            }
            let isSelfSigned = certificate.isSelfSigned
            guard let key = identifier.keyIdentifier else {
                guard isSelfSigned, path.check.profile != .webpki else {
                    throw path.refusal(.authorityKeyIdentifier, depth, "it does not identify its issuer's key")
                }
                continue
            }
            let issuer =
                depth + 1 < path.certificates.count ? path.certificates[depth + 1] : isSelfSigned ? certificate : nil
            if let issuer, let own = issuer.subjectKeyIdentifier, own != key {
                throw path.refusal(.authorityKeyIdentifier, depth, "it identifies another key than its issuer's")
            }
            if path.check.profile == .webpki, identifier.hasIssuer || identifier.hasSerialNumber,
                depth == path.certificates.count - 1
            {
                throw path.refusal(.authorityKeyIdentifier, depth, "its key identifier names more than a key")
            }
        }
    }
}
