/// Version 3, as every certificate with extensions is (RFC 5280, 4.1.2.1).
struct VersionRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() where certificate.fields.version != 3 {
            throw path.refusal(.version, depth, "its version is \(certificate.fields.version), not 3")
        }
    }
}
