/// Keys are used for what they are for (RFC 5280, 4.2.1.3).
struct KeyUsageRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        let last = path.certificates.count - 1
        for (depth, certificate) in path.certificates.enumerated() {
            guard let usage = certificate.keyUsage else {
                // A trust anchor is trusted for its name and key (RFC 5280, 6.1.1 d); an intermediate has to say it.
                guard depth == 0 || depth == last else {
                    throw path.refusal(.keyUsage, depth, "it signs others and has no key usage")
                }
                continue
            }
            guard !usage.bits.isEmpty else { throw path.refusal(.keyUsage, depth, "its key may be used for nothing") }
            if depth > 0, !usage.contains(.keyCertSign) {
                throw path.refusal(.keyUsage, depth, "its key may not sign certificates")
            }
        }
        if path.check.profile == .login { try checkLogin(path) }
    }

    /// A double-certificate key has a signing and an encryption certificate (GM/T 0015); only the first logs in. A
    /// certificate that says nothing does not either: a login is no place to guess.
    private func checkLogin(_ path: CertificatePath) throws(PathRefusal) {
        guard let usage = path.leaf.keyUsage else {
            throw path.refusal(.keyUsage, 0, "it does not say what its key may be used for")
        }
        guard usage.contains(.digitalSignature) else {
            let encrypts =
                usage.contains(.keyEncipherment) || usage.contains(.dataEncipherment) || usage.contains(.keyAgreement)
            throw path.refusal(
                encrypts ? .encryptionCertificate : .keyUsage, 0,
                encrypts ? "it is the encryption certificate of its key" : "its key may not make digital signatures")
        }
    }
}
