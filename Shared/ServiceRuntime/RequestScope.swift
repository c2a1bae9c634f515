import Contracts
import Synchronization

/// What belongs to the request that the current task works on, and travels with the calls that it makes.
public struct RequestScope: Sendable {
    public let requestID: String
    /// W3C trace context: `00-<trace>-<span>-<flags>`.
    public let traceparent: String

    @TaskLocal public static var current: RequestScope?

    /// Takes over the caller's IDs where they are well-formed, and makes new ones elsewhere.
    init(requestID: String?, traceparent: String?) {
        self.requestID = requestID.flatMap { Self.isPlain($0) ? $0 : nil } ?? Self.random(16)
        if let traceparent, Self.isTraceparent(traceparent) {
            self.traceparent = traceparent.prefix(36) + Self.random(16) + "-01"
        } else {
            self.traceparent = "00-" + Self.random(32) + "-" + Self.random(16) + "-01"
        }
    }

    private static func isPlain(_ text: String) -> Bool {
        (8...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { $0 == 0x2D || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) }
    }

    private static func isTraceparent(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 55, bytes[2] == 0x2D, bytes[35] == 0x2D, bytes[52] == 0x2D else { return false }
        return bytes.allSatisfy { $0 == 0x2D || (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func random(_ length: Int) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(length)
        var bits: UInt64 = 0
        for index in 0..<length {
            if index % 16 == 0 { bits = nextNumber() }
            text.append(digits[Int(bits & 15)])
            bits >>= 4
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Numbers that need only be different, from a counter that begins at random: the system's generator would cost a
    /// system call for each.
    private static let counter = Atomic(UInt64.random(in: 0 ... .max))

    /// SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators").
    private static func nextNumber() -> UInt64 {
        var mixed = counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
