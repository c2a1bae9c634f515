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

/// The times of certificates and revocation lists.
enum CertificateTime {
    /// Seconds since 1970; nil unless the text is in the one form that RFC 5280 allows for it.
    static func seconds(_ value: DERValue) -> Int64? {
        let digits = value.content.dropLast()
        guard value.content.last == UInt8(ascii: "Z"), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        func number(_ start: Int, _ count: Int) -> Int64 {
            digits.dropFirst(start).prefix(count).reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        let year: Int64
        let start: Int
        switch (value.tag, digits.count) {
        case (DERTag.utcTime, 12):
            year = number(0, 2) + (number(0, 2) >= 50 ? 1_900 : 2_000)
            start = 2
        case (DERTag.generalizedTime, 14):
            year = number(0, 4)
            start = 4
            guard year >= 2_050 else { return nil }
        default: return nil
        }
        let (month, day) = (number(start, 2), number(start + 2, 2))
        let (hour, minute, second) = (number(start + 4, 2), number(start + 6, 2), number(start + 8, 2))
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...12).contains(month), (1...lengths[Int(month - 1)]).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        // Days since 1970 by years from March (H. Hinnant, "chrono-compatible low-level date algorithms").
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return days * 86_400 + hour * 3_600 + minute * 60 + second
    }
}
