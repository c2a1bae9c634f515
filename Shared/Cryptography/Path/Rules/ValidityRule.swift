/// Valid at the time of the check, both ends included to the second, and written as RFC 5280, 4.1.2.5 says: UTCTime until
/// 2049, GeneralizedTime from 2050, both to the second and in Z.
struct ValidityRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        let now =
            path.check.milliseconds >= 0 ? path.check.milliseconds / 1_000 : (path.check.milliseconds - 999) / 1_000
        for (depth, certificate) in path.certificates.enumerated().reversed() {
            guard let notBefore = CertificateTime.seconds(certificate.fields.notBefore),
                let notAfter = CertificateTime.seconds(certificate.fields.notAfter), notBefore <= notAfter
            else { throw path.refusal(.validityEncoding, depth, "its validity is not written as it must be") }
            guard now >= notBefore else { throw path.refusal(.notYetValid, depth, "it is not yet valid") }
            guard now <= notAfter else { throw path.refusal(.expired, depth, "it has expired") }
        }
    }
}
