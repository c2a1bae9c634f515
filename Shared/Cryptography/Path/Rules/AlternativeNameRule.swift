/// Alternative names are what they claim to be (RFC 5280, 4.2.1.6).
struct AlternativeNameRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            for name in certificate.alternativeNames where !name.isWellFormed {
                throw path.refusal(.alternativeNames, depth, "one of its alternative names is malformed")
            }
        }
        guard path.check.profile == .webpki else { return }
        guard let found = path.leaf.fields.extension(ExtensionID.subjectAlternativeName) else {
            throw path.refusal(.alternativeNames, 0, "it has no alternative names")
        }
        // Baseline Requirements, 7.1.2.7.12.
        guard found.isCritical == path.leaf.fields.subject.isEmpty else {
            throw path.refusal(.extensionCriticality, 0, "its alternative names must not be critical beside a subject")
        }
    }
}
