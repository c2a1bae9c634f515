import Contracts
import Cryptography

/// Signatures of callbacks in the manner of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, in Base64 behind
/// `v1,`. Several keys may be valid at a time, so that they can be changed without a gap.
public struct CallbackSignature: Sendable {
    private let keys: [[UInt8]]
    /// How far the timestamp may lie from our clock.
    static let tolerance = Duration.minutes(5)

    /// - Parameter keys: newest first; the first one signs.
    public init(keys: [[UInt8]]) {
        precondition(!keys.isEmpty && keys.allSatisfy { $0.count >= 24 }, "a callback key has at least 24 bytes")
        self.keys = keys
    }

    /// Keys from the lines of a file, newest first.
    public init(file text: String) throws(InvalidValue) {
        let keys = text.split(whereSeparator: \.isNewline).map { Array($0.utf8) }
        guard !keys.isEmpty, keys.allSatisfy({ $0.count >= 24 }) else {
            throw InvalidValue("a callback key has at least 24 characters")
        }
        self.init(keys: keys)
    }

    public func sign(id: String, at instant: Instant, body: [UInt8]) -> String {
        "v1," + Self.code(id: id, timestamp: String(instant.seconds), body: body, key: keys[0])
    }

    /// - Throws: ``Problem`` with ``ProblemCode/signatureInvalid`` or, for an old timestamp, ``ProblemCode/replayed``.
    func verify(id: String?, timestamp: String?, signature: String?, body: [UInt8], now: Instant) throws(Problem) {
        guard let id, let timestamp, let signature, let seconds = Int64(timestamp) else {
            throw Problem(.signatureInvalid, "the headers of the signature are missing")
        }
        let candidates = signature.split(separator: " ").filter { $0.hasPrefix("v1,") }.map {
            Array($0.dropFirst(3).utf8)
        }
        let isValid = keys.contains { key in
            let expected = Array(Self.code(id: id, timestamp: timestamp, body: body, key: key).utf8)
            return candidates.contains { isEqualInConstantTime($0, expected) }
        }
        guard isValid else { throw Problem(.signatureInvalid) }
        guard abs(now.seconds - seconds) <= Self.tolerance.components.seconds else {
            throw Problem(.replayed, "the timestamp is more than five minutes away")
        }
    }

    private static func code(id: String, timestamp: String, body: [UInt8], key: [UInt8]) -> String {
        Base64.standard.encode(hmacSHA256(Array("\(id).\(timestamp).".utf8) + body, key: key))
    }
}
