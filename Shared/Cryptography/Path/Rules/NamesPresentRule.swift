/// An issuer is named; a subject too, unless a leaf's critical alternative names stand in for it (RFC 5280, 4.1.2.4, 4.1.2.6
/// and 4.2.1.6).
struct NamesPresentRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            guard !certificate.fields.issuer.isEmpty else {
                throw path.refusal(.issuerEmpty, depth, "it names no issuer")
            }
            guard certificate.fields.subject.isEmpty else { continue }
            let isAuthority = depth > 0 || certificate.basicConstraints?.isAuthority == true
            let names = certificate.fields.extension(ExtensionID.subjectAlternativeName)
            guard !isAuthority, names?.isCritical == true else {
                throw path.refusal(.subjectEmpty, depth, "it names no subject")
            }
        }
    }
}
