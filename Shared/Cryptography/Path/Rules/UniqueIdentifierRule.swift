/// No unique identifiers (RFC 5280, 4.1.2.8): names are not used again.
struct UniqueIdentifierRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() where certificate.fields.hasUniqueIdentifiers {
            throw path.refusal(.uniqueIdentifiers, depth, "it has unique identifiers")
        }
    }
}
