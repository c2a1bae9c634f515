/// Where more about the issuer is found, if it is said, is said in form (RFC 5280, 4.2.2.1).
struct AuthorityInformationRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            guard let found = certificate.fields.extension(ExtensionID.authorityInformationAccess) else { continue }
            do throws(DERError) {
                let descriptions = try DERReader.elements(DERTag.sequence, in: found.value)
                guard !descriptions.isEmpty else { throw DERError(detail: "no description") }
                for description in descriptions {
                    guard description.tag == DERTag.sequence else { throw DERError(detail: "no description") }
                    var reader = description.reader()
                    _ = try reader.next(DERTag.objectIdentifier).objectIdentifier()
                    _ = try GeneralName(der: reader.next())
                    try reader.finish()
                }
            } catch {
                throw path.refusal(.authorityInformation, depth, "its authority information is malformed")
            }
        }
    }
}
