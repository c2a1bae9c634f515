import Contracts
import Cryptography

/// The draw of an insurer (A7): HMAC-SHA256 of the order's number under the lot's seed, mapped without bias on the
/// published weights. The seed's hash is published with the lot and the seed after the opening, so that anybody can
/// replay the draw and nobody can choose it.
enum Draw {
    /// The commitment to a seed: its SHA-256, in hexadecimal digits.
    static func commitment(to seed: [UInt8]) -> String { sha256(seed).hex }

    /// - Returns: nil when there is nobody to draw.
    static func insurer(for order: OrderID, among candidates: [InsurerDetails], seed: [UInt8]) -> InsurerDetails? {
        let eligible = candidates.filter { $0.weight > 0 }
        let total = eligible.reduce(UInt64(0)) { $0 + UInt64($1.weight) }
        guard total > 0 else { return nil }
        var ticket = number(below: total, order: order, seed: seed)
        for insurer in eligible {
            if ticket < UInt64(insurer.weight) { return insurer }
            ticket -= UInt64(insurer.weight)
        }
        return nil
    }

    /// A number below `limit`. Values from the incomplete last stretch of 2^64 are thrown away, so that none is
    /// likelier than another; the next value then comes from the next counter.
    private static func number(below limit: UInt64, order: OrderID, seed: [UInt8]) -> UInt64 {
        let usable = UInt64.max - (UInt64.max % limit + 1) % limit
        var counter = 0
        while true {
            let code = hmacSHA256(Array("\(order.text)|\(counter)".utf8), key: seed)
            let value = code.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if value <= usable { return value % limit }
            counter += 1
        }
    }
}
