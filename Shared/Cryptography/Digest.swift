import COpenSSL

/// SHA-256 (FIPS 180-4) of `bytes`.
public func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let input = Array(bytes)
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 32
    let done = EVP_Digest(input, input.count, &digest, &length, EVP_sha256(), nil)
    precondition(done == 1 && length == 32, "SHA-256 is part of every OpenSSL")
    return digest
}

/// The hash of `bytes` by an algorithm of signatures.
func digest(_ bytes: [UInt8], _ hash: SignatureAlgorithm.Hash) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 64)
    var length = 0
    let done = EVP_Q_digest(nil, hash.rawValue, nil, bytes, bytes.count, &digest, &length)
    precondition(done == 1, "SHA-2 and SM3 are part of OpenSSL")
    return Array(digest.prefix(length))
}

/// HMAC (RFC 2104) with SHA-256.
public func hmacSHA256(_ bytes: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
    let input = Array(bytes)
    var code = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 32
    let done = HMAC(EVP_sha256(), key, Int32(key.count), input, input.count, &code, &length)
    precondition(done != nil && length == 32, "HMAC is part of every OpenSSL")
    return code
}

/// Bytes from OpenSSL's random generator.
public func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    precondition(RAND_bytes(&bytes, Int32(count)) == 1, "a machine without randomness must not run this")
    return bytes
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
public func isEqualInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}

extension Sequence<UInt8> {
    /// Lower-case hexadecimal digits.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// Bytes from hexadecimal digits; nil for anything else.
public func bytes(hex text: String) -> [UInt8]? {
    let digits = text.utf8.compactMap {
        Unicode.Scalar($0).properties.isASCIIHexDigit ? UInt8(String(Unicode.Scalar($0)), radix: 16) : nil
    }
    guard digits.count == text.utf8.count, digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
