/// A moment in UTC, to the millisecond; RFC 3339 on the wire, Asia/Shanghai (UTC+8, no summer time since 1992) on paper.
public struct Instant: Hashable, Sendable, Comparable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    public static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

    public static func + (instant: Instant, duration: Duration) -> Instant {
        Instant(milliseconds: instant.milliseconds + duration.milliseconds)
    }

    public static func - (instant: Instant, duration: Duration) -> Instant {
        Instant(milliseconds: instant.milliseconds - duration.milliseconds)
    }

    public static func - (left: Instant, right: Instant) -> Duration {
        .milliseconds(left.milliseconds - right.milliseconds)
    }

    /// Whole seconds since 1970, as JWT (RFC 7519) counts.
    public var seconds: Int64 { milliseconds.quotientRoundedDown(by: 1_000) }

    private static let shanghai: Int64 = 8 * 3_600_000
    private static let millisecondsPerDay: Int64 = 86_400_000

    /// The calendar day in Asia/Shanghai.
    public var day: CalendarDay {
        CalendarDay(daysSince1970: (milliseconds + Self.shanghai).quotientRoundedDown(by: Self.millisecondsPerDay))
    }

    /// The first moment of `day` in Asia/Shanghai.
    public init(startOf day: CalendarDay) {
        milliseconds = day.daysSince1970 * Self.millisecondsPerDay - Self.shanghai
    }

    /// `2026-01-31 09:30` in Asia/Shanghai.
    public var localText: String {
        let local = Instant(milliseconds: milliseconds + Self.shanghai)
        return String(local.text.prefix(16)).replacing("T", with: " ")
    }
}

extension Instant: ValidatedText {
    /// RFC 3339 in UTC; the fraction only when there is one.
    public var text: String {
        let days = milliseconds.quotientRoundedDown(by: Self.millisecondsPerDay)
        let rest = milliseconds - days * Self.millisecondsPerDay
        let fraction = rest % 1_000
        var text: [UInt8] = []
        text.reserveCapacity(24)
        CalendarDay(daysSince1970: days).write(to: &text)
        text.append(UInt8(ascii: "T"))
        text.append(decimal: rest / 3_600_000, digits: 2)
        text.append(UInt8(ascii: ":"))
        text.append(decimal: rest / 60_000 % 60, digits: 2)
        text.append(UInt8(ascii: ":"))
        text.append(decimal: rest / 1_000 % 60, digits: 2)
        if fraction != 0 {
            text.append(UInt8(ascii: "."))
            text.append(decimal: fraction, digits: 3)
        }
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    public var description: String { text }

    /// - Throws: ``InvalidValue`` unless `text` is an RFC 3339 time with Z or an offset; digits behind the millisecond
    ///   are dropped.
    public init(_ text: String) throws(InvalidValue) {
        let wrong = InvalidValue("must be a time such as 2026-01-31T09:30:00Z")
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) throws(InvalidValue) -> Int64 {
            guard range.upperBound <= bytes.count else { throw wrong }
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (0x30...0x39).contains(byte) else { throw wrong }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] | 0x20 == 0x74, bytes[13] == 0x3A,
            bytes[16] == 0x3A,
            let day = CalendarDay(
                year: Int(try number(0..<4)), month: Int(try number(5..<7)), day: Int(try number(8..<10)))
        else { throw wrong }
        let (hour, minute, second) = (try number(11..<13), try number(14..<16), try number(17..<19))
        guard hour < 24, minute < 60, second < 60 else { throw wrong }
        var index = 19
        var fraction: Int64 = 0
        if bytes[index] == 0x2E {
            var scale: Int64 = 100
            index += 1
            let start = index
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                fraction += Int64(bytes[index] - 0x30) * scale
                scale /= 10
                index += 1
            }
            guard index > start else { throw wrong }
        }
        var offset: Int64 = 0
        guard index < bytes.count else { throw wrong }
        if bytes[index] | 0x20 == 0x7A {
            index += 1
        } else {
            guard bytes[index] == 0x2B || bytes[index] == 0x2D, index + 6 <= bytes.count, bytes[index + 3] == 0x3A
            else { throw wrong }
            let (hours, minutes) = (try number(index + 1..<index + 3), try number(index + 4..<index + 6))
            guard hours < 24, minutes < 60 else { throw wrong }
            offset = (bytes[index] == 0x2B ? 1 : -1) * (hours * 3_600_000 + minutes * 60_000)
            index += 6
        }
        guard index == bytes.count else { throw wrong }
        milliseconds =
            day.daysSince1970 * Self.millisecondsPerDay + hour * 3_600_000 + minute * 60_000 + second * 1_000
            + fraction - offset
    }
}

/// A day of the proleptic Gregorian calendar.
public struct CalendarDay: Hashable, Sendable, Comparable {
    public let daysSince1970: Int64

    public init(daysSince1970: Int64) {
        self.daysSince1970 = daysSince1970
    }

    /// nil when there is no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9_999).contains(year), (1...12).contains(month), day >= 1 else { return nil }
        // Years are counted from March, so that the leap day comes last (H. Hinnant, "chrono-compatible low-level date
        // algorithms").
        let shifted = Int64(month <= 2 ? year - 1 : year)
        let era = shifted.quotientRoundedDown(by: 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        daysSince1970 = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        guard components == (year, month, day) else { return nil }
    }

    public var components: (year: Int, month: Int, day: Int) {
        let shifted = daysSince1970 + 719_468
        let era = shifted.quotientRoundedDown(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = Int(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9)
        return (
            Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), month, Int(dayOfYear - (153 * marchMonth + 2) / 5 + 1)
        )
    }

    public static func < (left: CalendarDay, right: CalendarDay) -> Bool { left.daysSince1970 < right.daysSince1970 }

    public func adding(days: Int) -> CalendarDay {
        CalendarDay(daysSince1970: daysSince1970 + Int64(days))
    }
}

extension CalendarDay: ValidatedText {
    public var text: String {
        var text: [UInt8] = []
        write(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    fileprivate func write(to text: inout [UInt8]) {
        let (year, month, day) = components
        text.append(decimal: Int64(year), digits: 4)
        text.append(UInt8(ascii: "-"))
        text.append(decimal: Int64(month), digits: 2)
        text.append(UInt8(ascii: "-"))
        text.append(decimal: Int64(day), digits: 2)
    }

    public var description: String { text }

    public init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count == 10, parts.count == 3, let year = Int(parts[0]), let month = Int(parts[1]),
            let day = Int(parts[2]), let value = CalendarDay(year: year, month: month, day: day)
        else { throw InvalidValue("must be a day such as 2026-01-31") }
        self = value
    }
}

extension Duration {
    public var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }

    public static func minutes(_ minutes: Int) -> Duration { .seconds(minutes * 60) }
    public static func hours(_ hours: Int) -> Duration { .seconds(hours * 3_600) }
    public static func days(_ days: Int) -> Duration { .seconds(days * 86_400) }
}

extension Int64 {
    fileprivate func quotientRoundedDown(by divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : (self - divisor + 1) / divisor
    }
}

extension [UInt8] {
    /// The last `digits` digits of a number that is not negative, with leading zeros.
    fileprivate mutating func append(decimal number: Int64, digits: Int) {
        let end = count + digits
        append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits))
        var rest = number
        for place in 1...digits {
            self[end - place] += UInt8(rest % 10)
            rest /= 10
        }
    }
}
