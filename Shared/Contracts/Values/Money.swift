/// An amount of renminbi in whole fen; on the wire a decimal string with two places, `"200.00"`, never a number.
public struct Money: Hashable, Sendable, Comparable {
    public let fen: Int64

    public init(fen: Int64) {
        self.fen = fen
    }

    public static let zero = Money(fen: 0)
    /// One hundred thousand million yuan: above every deposit, and far from where sums of amounts overflow.
    public static let maximum = Money(fen: 10_000_000_000_000)

    public static func < (left: Money, right: Money) -> Bool { left.fen < right.fen }
    public static func + (left: Money, right: Money) -> Money { Money(fen: left.fen + right.fen) }
    public static func - (left: Money, right: Money) -> Money { Money(fen: left.fen - right.fen) }
    public static prefix func - (amount: Money) -> Money { Money(fen: -amount.fen) }

    /// `amount × parts ÷ whole`, rounded half up (away from zero) to the fen.
    public func share(_ parts: Int64, of whole: Int64) -> Money {
        precondition(whole > 0 && parts >= 0, "a share is a positive fraction")
        let product = fen.magnitude.multipliedFullWidth(by: UInt64(parts))
        let (quotient, remainder) = UInt64(whole).dividingFullWidth(product)
        let rounded = Int64(quotient) + (remainder >= (UInt64(whole) + 1) / 2 ? 1 : 0)
        return Money(fen: fen < 0 ? -rounded : rounded)
    }

    /// The value-added tax that is inside a gross amount: `net = gross ÷ (1 + rate)`, `tax = gross − net`.
    public func splitVAT(percent: Int64) -> (net: Money, tax: Money) {
        let net = share(100, of: 100 + percent)
        return (net, self - net)
    }
}

extension Money: ValidatedText {
    public var text: String {
        let (yuan, cents) = fen.magnitude.quotientAndRemainder(dividingBy: 100)
        let text = String(yuan) + (cents < 10 ? ".0" : ".") + String(cents)
        return fen < 0 ? "-" + text : text
    }

    public var description: String { text }

    /// - Parameter text: yuan with two places. Foreign systems send up to six; the places behind the second must be 0.
    /// - Throws: ``InvalidValue`` for a sign, an exponent, leading zeros, other places, or more than ``maximum``.
    public init(_ text: String) throws(InvalidValue) {
        let wrong = InvalidValue("must be an amount in yuan with two places, such as \"200.00\"")
        let bytes = Array(text.utf8)
        guard let point = bytes.firstIndex(of: 0x2E), (1...12).contains(point),
            (2...6).contains(bytes.count - point - 1),
            point == 1 || bytes[0] != 0x30
        else { throw wrong }
        var value: Int64 = 0
        for (index, byte) in bytes.enumerated() where index != point {
            guard (0x30...0x39).contains(byte) else { throw wrong }
            if index <= point + 2 { value = value * 10 + Int64(byte - 0x30) } else if byte != 0x30 { throw wrong }
        }
        guard value <= Self.maximum.fen else { throw InvalidValue("must be at most \(Self.maximum.text) yuan") }
        fen = value
    }

    /// Amount in yuan as written in code and tests.
    public init(yuan text: String) throws(InvalidValue) { try self.init(text) }
}

extension Money {
    /// The amount in capitals as the People's Bank prescribes for bills (支付结算办法, annex on filling in bills):
    /// 人民币壹仟肆佰零玖元伍角.
    ///
    /// One canonical form of those that the rule allows: 整 behind 元 and not behind 角; 零 where a zero lies between
    /// other digits, and once for any run of zeros; where the rule leaves it open, none at 万, but one behind 元 when
    /// the amount goes on after a zero.
    public var capitals: String {
        let digits = Array("零壹贰叁肆伍陆柒捌玖")
        let magnitude = fen.magnitude
        let (yuan, jiao, cents) = (magnitude / 100, Int(magnitude / 10 % 10), Int(magnitude % 10))
        var text = "人民币" + (fen < 0 ? "负" : "")
        if yuan > 0 {
            text += Self.capitals(ofWhole: yuan, digits) + "元"
        }
        if jiao == 0 && cents == 0 { return text + (yuan > 0 ? "整" : "零元整") }
        if yuan > 0, yuan % 10 == 0 || jiao == 0 { text += "零" }
        if jiao > 0 { text += "\(digits[jiao])角" }
        if cents > 0 { text += "\(digits[cents])分" }
        return text
    }

    private static func capitals(ofWhole number: UInt64, _ digits: [Character]) -> String {
        let places = ["", "拾", "佰", "仟"]
        let groups = ["", "万", "亿", "万亿"]
        let decimal = Array(String(number)).reversed().map { Int(String($0)) ?? 0 }
        var text = ""
        var zeroPending = false
        for group in stride(from: (decimal.count - 1) / 4, through: 0, by: -1) {
            var groupText = ""
            for place in stride(from: 3, through: 0, by: -1) {
                let index = group * 4 + place
                guard index < decimal.count else { continue }
                if decimal[index] == 0 {
                    // A zero at the end of a group is left open by the rule, and left out.
                    zeroPending = true
                } else {
                    if zeroPending && !(text.isEmpty && groupText.isEmpty) { groupText += "零" }
                    zeroPending = false
                    groupText += "\(digits[decimal[index]])\(places[place])"
                }
            }
            if !groupText.isEmpty {
                text += groupText + groups[group]
                zeroPending = false
            }
        }
        return text
    }
}
