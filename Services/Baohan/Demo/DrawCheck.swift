import Contracts
import Cryptography

/// Replays a draw as an outsider would, from what is published: commitment, seed, weights and the order's number (A7).
/// Written apart from the service's own code on purpose, so that the two check each other.
///
/// - Returns: whether the seed fits the commitment and leads to the insurer that was drawn.
func isDrawRight(_ draw: DrawRecord) -> Bool {
    guard let text = draw.seed, let seed = bytes(hex: text), sha256(seed).hex == draw.commitment else { return false }
    let total = UInt64(draw.candidates.reduce(0) { $0 + $1.weight })
    let remainder = (UInt64.max % total + 1) % total
    var round = 0
    while true {
        let code = hmacSHA256(Array((draw.order.text + "|" + String(round)).utf8), key: seed)
        var number: UInt64 = 0
        for index in 0..<8 { number = number * 256 + UInt64(code[index]) }
        round += 1
        // The last, incomplete stretch would favour the first insurers.
        if remainder != 0, number > UInt64.max - remainder { continue }
        var bound: UInt64 = 0
        for candidate in draw.candidates {
            bound += UInt64(candidate.weight)
            if number % total < bound { return candidate.id == draw.insurer }
        }
        return false
    }
}
