/// Each policy once (RFC 5280, 4.2.1.4); what they demand of the path is OpenSSL's to judge.
struct PolicyRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            guard let found = certificate.fields.extension(ExtensionID.certificatePolicies) else { continue }
            do throws(DERError) {
                var seen: Set<String> = []
                let policies = try DERReader.elements(DERTag.sequence, in: found.value)
                guard !policies.isEmpty else { throw DERError(detail: "no policy") }
                for policy in policies {
                    guard policy.tag == DERTag.sequence else { throw DERError(detail: "no policy") }
                    var reader = policy.reader()
                    let oid = try reader.next(DERTag.objectIdentifier).objectIdentifier()
                    guard seen.insert(oid).inserted else { throw DERError(detail: "a policy twice") }
                }
            } catch {
                throw path.refusal(.policies, depth, "its policies are malformed: \(error.detail)")
            }
        }
    }
}
