/// The times of certificates and revocation lists.
enum CertificateTime {
    /// Seconds since 1970; nil unless the text is in the one form that RFC 5280 allows for it.
    static func seconds(_ value: DERValue) -> Int64? {
        guard let seconds = any(value), value.tag == DERTag.utcTime || seconds >= firstGeneralized else { return nil }
        return seconds
    }

    /// Of a response of RFC 6960, which writes every time in the long form.
    static func seconds(generalized value: DERValue) -> Int64? {
        value.tag == DERTag.generalizedTime ? any(value) : nil
    }

    /// 2050-01-01.
    private static let firstGeneralized: Int64 = 2_524_608_000

    private static func any(_ value: DERValue) -> Int64? {
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

    /// The form that RFC 5280 prescribes for the time.
    static func der(_ seconds: Int64) -> [UInt8] {
        let days = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let rest = seconds - days * 86_400
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let parts = [month, dayOfYear - (153 * marchMonth + 2) / 5 + 1, rest / 3_600, rest / 60 % 60, rest % 60]
        func two(_ number: Int64) -> [UInt8] { [0x30 + UInt8(number / 10 % 10), 0x30 + UInt8(number % 10)] }
        let tail = parts.flatMap(two) + [UInt8(ascii: "Z")]
        return year < 2_050
            ? derValue(DERTag.utcTime, two(year % 100), tail)
            : derValue(DERTag.generalizedTime, two(year / 100), two(year % 100), tail)
    }
}
