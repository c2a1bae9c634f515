/// Unified social credit code 统一社会信用代码 of a legal person (GB 32100-2015).
public struct UnifiedSocialCreditCode: ValidatedText {
    public let text: String
    public var description: String { text }

    /// 31 characters: no I, O, S, V, Z. A character's value is its place here.
    private static let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY".utf8)
    /// The value of each ASCII character.
    private static let values: [Int?] = (UInt8(0)..<128).map { alphabet.firstIndex(of: $0) }
    /// 3^(i−1) mod 31.
    private static let weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]

    /// - Throws: ``InvalidValue`` for a wrong length, character or check digit.
    public init(_ text: String) throws(InvalidValue) {
        guard text.utf8.count == 18 else { throw InvalidValue("a unified social credit code has 18 characters") }
        var sum = 0
        var last = 0
        for (position, byte) in text.utf8.enumerated() {
            guard byte < 0x80, let value = Self.values[Int(byte)] else {
                throw InvalidValue("a unified social credit code has digits and capitals only")
            }
            if position < 17 { sum += value * Self.weights[position] } else { last = value }
        }
        guard last == (31 - sum % 31) % 31 else {
            throw InvalidValue("the check character of the unified social credit code is wrong")
        }
        self.text = text
    }

    /// The code with the check character that its first 17 characters demand; for sample data.
    public init(completing first17: String) throws(InvalidValue) {
        for character in Self.alphabet {
            if let code = try? Self(first17 + String(Unicode.Scalar(character))) {
                self = code
                return
            }
        }
        throw InvalidValue("17 characters are due")
    }

    /// Whether the organisation code inside (characters 9 to 17) passes its own check (GB 11714). Some lawful old codes
    /// do not, so this may warn and must not refuse.
    public var hasValidOrganisationCode: Bool {
        let characters = Array(text.utf8)[8..<17].map { byte -> Int in
            byte <= 0x39 ? Int(byte) - 0x30 : Int(byte) - 0x41 + 10
        }
        let sum = zip(characters, [3, 7, 9, 10, 5, 8, 4, 2]).reduce(0) { $0 + $1.0 * $1.1 }
        let check = 11 - sum % 11
        return characters[8] == (check == 10 ? 33 : check == 11 ? 0 : check)
    }
}
