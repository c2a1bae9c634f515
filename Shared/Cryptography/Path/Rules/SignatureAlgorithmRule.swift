/// The algorithm stands the same inside and outside (RFC 5280, 4.1.1.2), and is one that holds today. A trust anchor's
/// signature over itself proves nothing, so its strength does not count.
struct SignatureAlgorithmRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            guard certificate.fields.innerAlgorithm == certificate.fields.outerAlgorithm else {
                throw path.refusal(.algorithmMismatch, depth, "it names two signature algorithms")
            }
            let algorithm: SignatureAlgorithm
            do {
                algorithm = try SignatureAlgorithm(der: certificate.fields.outerAlgorithm)
            } catch {
                throw path.refusal(.malformed, depth, error.detail)
            }
            let isAnchor = depth == path.certificates.count - 1
            guard algorithm.isAllowed || (isAnchor && certificate.isSelfIssued) else {
                throw path.refusal(.weakSignature, depth, "it is signed by \(algorithm.name), which is not accepted")
            }
        }
    }
}
