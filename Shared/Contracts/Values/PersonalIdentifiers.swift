/// Citizen identity number 公民身份号码 (GB 11643-1999), 18 characters.
public struct CitizenID: PersonalText {
    public let text: String

    private static let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    private static let checks = Array("10X98765432".utf8)

    /// - Throws: ``InvalidValue`` for a wrong length, birth date or check digit; old numbers of 15 digits are refused.
    public init(_ text: String) throws(InvalidValue) {
        let characters = Array(text.uppercased().utf8)
        guard characters.count == 18 else { throw InvalidValue("a citizen identity number has 18 characters") }
        let digits = characters.dropLast().map { Int($0) - 0x30 }
        guard digits.allSatisfy({ (0...9).contains($0) }) else {
            throw InvalidValue("a citizen identity number has 17 digits before its check character")
        }
        let year = digits[6..<10].reduce(0) { $0 * 10 + $1 }
        guard CalendarDay(year: year, month: digits[10] * 10 + digits[11], day: digits[12] * 10 + digits[13]) != nil
        else { throw InvalidValue("the birth date in the citizen identity number does not exist") }
        let sum = zip(digits, Self.weights).reduce(0) { $0 + $1.0 * $1.1 }
        guard characters[17] == Self.checks[sum % 11] else {
            throw InvalidValue("the check character of the citizen identity number is wrong")
        }
        self.text = String(decoding: characters, as: UTF8.self)
    }

    /// The day of birth, for the check that it does not lie in the future, which needs a clock.
    public var birthday: CalendarDay? {
        let digits = text.utf8.dropLast().map { Int($0) - 0x30 }
        return CalendarDay(
            year: digits[6..<10].reduce(0) { $0 * 10 + $1 }, month: digits[10] * 10 + digits[11],
            day: digits[12] * 10 + digits[13])
    }
}

/// Mobile number of mainland China: 11 digits, after a prefix +86 or 0086, blanks and dashes are taken away.
public struct MobileNumber: PersonalText {
    public let text: String

    /// - Throws: ``InvalidValue`` for anything but `1[3-9]` and nine more digits; machine numbers of 13 digits too.
    public init(_ text: String) throws(InvalidValue) {
        var digits = text.filter { $0 != " " && $0 != "-" }
        if digits.hasPrefix("+86") { digits.removeFirst(3) } else if digits.hasPrefix("0086") { digits.removeFirst(4) }
        let bytes = Array(digits.utf8)
        guard bytes.count == 11, bytes.allSatisfy({ (0x30...0x39).contains($0) }), bytes[0] == 0x31, bytes[1] >= 0x33
        else { throw InvalidValue("a mobile number has 11 digits and begins with 13 to 19") }
        self.text = digits
    }
}

/// Number of a corporate settlement account 对公账户: 8 to 30 digits. These have no common check digit; Luhn holds for
/// cards only and is not applied.
public struct AccountNumber: PersonalText {
    public let text: String

    public init(_ text: String) throws(InvalidValue) {
        let digits = text.filter { $0 != " " }
        guard (8...30).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw InvalidValue("an account number has 8 to 30 digits")
        }
        self.text = digits
    }
}

/// Number of a bank's branch 行号 in the payment system of the People's Bank (CNAPS), 12 digits.
public struct BranchNumber: ValidatedText {
    public let text: String
    public var description: String { text }

    public init(_ text: String) throws(InvalidValue) {
        guard text.utf8.count == 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw InvalidValue("a branch number has 12 digits")
        }
        self.text = text
    }
}

/// A name, address or remark: trimmed, not empty, at most 200 characters, without control characters.
public struct Words: ValidatedText {
    public let text: String
    public var description: String { text }

    public static let maximumLength = 200

    public init(_ text: String) throws(InvalidValue) {
        let trimmed = Self.trimmed(text)
        // No text has more characters than bytes, so short ones need not be counted.
        guard !trimmed.isEmpty, trimmed.utf8.count <= Self.maximumLength || trimmed.count <= Self.maximumLength else {
            throw InvalidValue("must have 1 to \(Self.maximumLength) characters")
        }
        guard !Self.hasControlCharacter(trimmed) else { throw InvalidValue("must not have control characters") }
        self.text = trimmed
    }

    private static func trimmed(_ text: String) -> String {
        // By scalars: finding whole characters costs more than the rest of reading a name.
        let scalars = text.unicodeScalars
        guard scalars.first?.properties.isWhitespace == true || scalars.last?.properties.isWhitespace == true else {
            return text
        }
        return String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    /// U+0000 to U+001F and U+007F to U+009F, looked for in their bytes.
    private static func hasControlCharacter(_ text: String) -> Bool {
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return true }
            previous = byte
        }
        return false
    }

    /// The same name however its brackets were typed: full-width and half-width ones are equal (account names).
    public func isSameName(as other: Words) -> Bool {
        func folded(_ text: String) -> String {
            text.map { $0 == "（" ? "(" : $0 == "）" ? ")" : String($0) }.joined()
        }
        return folded(text) == folded(other.text)
    }
}
