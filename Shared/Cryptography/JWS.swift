/// Compact JSON Web Signatures (RFC 7515) with ES256 and nothing else, so that no header can choose a weaker way
/// (RFC 8725, 3.1).
public enum JWS {
    public enum Failure: Error, Equatable, Sendable {
        case malformed
        case badSignature
    }

    /// The token over `payload`; `header` must name `"alg":"ES256"`.
    public static func sign(header: [UInt8], payload: [UInt8], key: PrivateKey) throws -> String {
        let input = Base64.url.encode(header) + "." + Base64.url.encode(payload)
        let der = try key.sign(Array(input.utf8))
        guard let raw = rawSignature(der: der) else { throw Failure.malformed }
        return input + "." + Base64.url.encode(raw)
    }

    /// A token taken apart; nothing of it is trusted before ``verify(with:)``.
    public struct Token: Sendable {
        public let header: [UInt8]
        private let payload: [UInt8]
        private let input: [UInt8]
        private let signature: [UInt8]

        /// - Throws: ``Failure/malformed``.
        public init(_ text: String) throws(Failure) {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, let header = Base64.url.decode(parts[0]), let payload = Base64.url.decode(parts[1]),
                let raw = Base64.url.decode(parts[2]), let signature = JWS.derSignature(raw: raw)
            else { throw .malformed }
            self.header = header
            self.payload = payload
            self.signature = signature
            input = Array((parts[0] + "." + parts[1]).utf8)
        }

        /// The payload, if `key` signed it.
        /// - Throws: ``Failure/badSignature``.
        public func verify(with key: PublicKey) throws(Failure) -> [UInt8] {
            guard key.kind == .ellipticCurve("prime256v1"), key.verifies(signature, of: input) else {
                throw .badSignature
            }
            return payload
        }
    }

    /// ECDSA's DER sequence of two integers as two numbers of 32 bytes (RFC 7518, 3.4).
    private static func rawSignature(der: [UInt8]) -> [UInt8]? {
        var index = 2
        guard der.count > 6, der[0] == 0x30, Int(der[1]) == der.count - 2 else { return nil }
        var raw: [UInt8] = []
        for _ in 0..<2 {
            guard index + 2 <= der.count, der[index] == 0x02 else { return nil }
            let length = Int(der[index + 1])
            guard index + 2 + length <= der.count else { return nil }
            let number = der[index + 2..<index + 2 + length].drop { $0 == 0 }
            guard number.count <= 32 else { return nil }
            raw += [UInt8](repeating: 0, count: 32 - number.count) + number
            index += 2 + length
        }
        return raw
    }

    /// Two numbers of 32 bytes as ECDSA's DER; nil for another length.
    static func derSignature(raw: [UInt8]) -> [UInt8]? {
        guard raw.count == 64 else { return nil }
        func integer(_ number: ArraySlice<UInt8>) -> [UInt8] {
            var digits = Array(number.drop { $0 == 0 })
            if digits.isEmpty || digits[0] >= 0x80 { digits.insert(0, at: 0) }
            return [0x02, UInt8(digits.count)] + digits
        }
        let body = integer(raw[..<32]) + integer(raw[32...])
        return [0x30, UInt8(body.count)] + body
    }
}
