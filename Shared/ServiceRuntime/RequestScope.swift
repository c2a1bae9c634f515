import Contracts
import Synchronization

/// What belongs to the request that the current task works on, and travels with the calls that it makes.
public struct RequestScope: Sendable {
    public let requestID: String
    /// The caller's trace, where it sent one: `00-<trace>-`.
    private let trace: String?
    private let span = Self.nextNumber()

    @TaskLocal public static var current: RequestScope?

    /// Takes over the caller's IDs where they are well-formed, and makes new ones elsewhere.
    init(requestID: String?, traceparent: String?) {
        self.requestID = requestID.flatMap { Self.isPlain($0) ? $0 : nil } ?? Self.hexadecimal(Self.nextNumber())
        trace = traceparent.flatMap { Self.isTraceparent($0) ? String($0.prefix(36)) : nil }
    }

    /// W3C trace context: `00-<trace>-<span>-<flags>`. A request that began here is known by its span alone, from which
    /// its trace follows, so that nothing is written for a trace that nobody asks for.
    public var traceparent: String {
        let span = Self.hexadecimal(span)
        return (trace ?? "00-" + Self.hexadecimal(Self.mixed(self.span)) + span + "-") + span + "-01"
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

    private static func hexadecimal(_ number: UInt64) -> String {
        String(decoding: (0..<16).map { digits[Int(number >> (4 * $0) & 15)] }, as: UTF8.self)
    }

    /// Numbers that need only be different, from a counter that begins at random: the system's generator would cost a
    /// system call for each.
    private static let counter = Atomic(UInt64.random(in: 0 ... .max))

    /// SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators").
    private static func nextNumber() -> UInt64 {
        mixed(counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue)
    }

    private static func mixed(_ number: UInt64) -> UInt64 {
        var mixed = (number ^ number >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
