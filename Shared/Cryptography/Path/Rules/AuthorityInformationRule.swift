/// Where more about the issuer, and its revocation lists, are found, if it is said, is said in form (RFC 5280, 4.2.2.1 and
/// 4.2.1.13).
struct AuthorityInformationRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            if let points = certificate.fields.extension(ExtensionID.crlDistributionPoints),
                (try? DERReader.elements(DERTag.sequence, in: points.value))?.isEmpty != false
            {
                throw path.refusal(.authorityInformation, depth, "its revocation points are malformed")
            }
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
