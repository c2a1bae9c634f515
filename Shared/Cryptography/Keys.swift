import COpenSSL

/// A public key: RSA or elliptic curve.
///
/// `@unchecked Sendable`: the `EVP_PKEY` is never changed after it was made, and OpenSSL counts its references atomically.
public final class PublicKey: @unchecked Sendable {
    public enum Kind: Equatable, Sendable {
        case rsa(bits: Int)
        case ellipticCurve(String)
        case ed25519
        case other

        /// Whether no signature by such a key counts: RSA under 2048 bits.
        var isTooShort: Bool { if case .rsa(let bits) = self { bits < 2_048 } else { false } }

        var usualAlgorithm: SignatureAlgorithm {
            switch self {
            case .rsa, .other: .rsa(.sha256)
            case .ellipticCurve("SM2"): .sm2
            case .ellipticCurve("secp384r1"): .ecdsa(.sha384)
            case .ellipticCurve: .ecdsa(.sha256)
            case .ed25519: .ed25519
            }
        }
    }

    let raw: OpaquePointer
    public let kind: Kind

    init(adopting raw: OpaquePointer) {
        self.raw = raw
        kind = keyKind(raw)
    }

    deinit { EVP_PKEY_free(raw) }

    /// Whether `signature` is one over the SHA-256 of `message`: ECDSA in DER, or RSA PKCS #1 v1.5.
    public func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        guard EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, raw) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// Whether no signature by this key counts, however right it is.
    public var isTooShort: Bool { kind.isTooShort }

    /// The algorithm by which keys of this kind sign when nobody asks for another.
    public var usualAlgorithm: SignatureAlgorithm { kind.usualAlgorithm }

    /// Whether `signature` is one over `message` by an algorithm that fits this kind of key and is allowed.
    public func verifies(_ signature: [UInt8], of message: [UInt8], by algorithm: SignatureAlgorithm) -> Bool {
        let digest: SignatureAlgorithm.Hash?
        var isPSS = false
        switch (algorithm, kind) {
        case (.rsa(let hash), .rsa(let bits)) where bits >= 2_048: digest = hash
        case (.rsaPSS(let hash), .rsa(let bits)) where bits >= 2_048:
            digest = hash
            isPSS = true
        case (.ecdsa(let hash), .ellipticCurve(let curve)) where curve != "SM2": digest = hash
        case (.sm2, .ellipticCurve("SM2")): digest = .sm3
        case (.ed25519, .ed25519): digest = nil
        default: return false
        }
        defer { ERR_clear_error() }
        // Middleware gives SM2 signatures as two numbers side by side too.
        let der = algorithm == .sm2 ? JWS.derSignature(raw: signature) ?? signature : signature
        return baohan_EVP_verify(raw, digest?.rawValue, isPSS ? 1 : 0, der, der.count, message, message.count) == 1
    }

    /// The affine coordinates of a P-256 key, 32 bytes each (RFC 7518, 6.2.1).
    public func coordinates() throws -> (x: [UInt8], y: [UInt8]) {
        var point = [UInt8](repeating: 0, count: 65)
        var length = 0
        guard
            EVP_PKEY_get_octet_string_param(raw, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, &point, point.count, &length) == 1,
            length == 65, point[0] == 4
        else { throw CryptographyError("coordinates of a P-256 key") }
        return (Array(point[1..<33]), Array(point[33..<65]))
    }

    /// A P-256 key from its coordinates; the point is checked to lie on the curve.
    public convenience init(x: [UInt8], y: [UInt8]) throws {
        var point = [4] + x + y
        guard x.count == 32, y.count == 32, let key = baohan_EVP_PKEY_from_p256_point(&point) else {
            throw CryptographyError("P-256 key")
        }
        self.init(adopting: key)
    }
}

/// A private key: RSA or elliptic curve.
///
/// `@unchecked Sendable`: see ``PublicKey``.
public final class PrivateKey: @unchecked Sendable {
    let raw: OpaquePointer

    init(adopting raw: OpaquePointer) { self.raw = raw }
    deinit { EVP_PKEY_free(raw) }

    /// A new P-256 key.
    public static func p256() throws -> PrivateKey {
        guard let key = baohan_EVP_EC_gen("P-256") else { throw CryptographyError("new P-256 key") }
        return PrivateKey(adopting: key)
    }

    /// A new RSA key.
    public static func rsa(bits: UInt32 = 2_048) throws -> PrivateKey {
        guard let key = baohan_EVP_RSA_gen(bits) else { throw CryptographyError("new RSA key") }
        return PrivateKey(adopting: key)
    }

    /// From a key file: PEM, or one line with a PKCS #11 address (RFC 7512), as in
    /// `pkcs11:token=baohan;object=session?pin-source=file:/run/pin`, of a key that never leaves its token.
    public convenience init(pem: [UInt8]) throws {
        if let address = Self.tokenAddress(pem) {
            guard let key = baohan_load_pkcs11_key(address) else { throw CryptographyError("key in a PKCS #11 token") }
            self.init(adopting: key)
            return
        }
        guard let key = reading(pem, { PEM_read_bio_PrivateKey($0, nil, nil, nil) }) else {
            throw CryptographyError("private key from PEM")
        }
        self.init(adopting: key)
    }

    /// The address in a key file that names a token's key; nil for PEM.
    private static func tokenAddress(_ file: [UInt8]) -> String? {
        guard file.starts(with: Array("pkcs11:".utf8)) else { return nil }
        return String(decoding: file.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
    }

    /// All private keys of a key file, in its order: PEM, and lines with PKCS #11 addresses.
    public static func keys(pem: [UInt8]) throws -> [PrivateKey] {
        let lines = pem.split { $0 == 0x0A || $0 == 0x0D }.map(Array.init)
        let inTokens = try lines.filter { tokenAddress($0) != nil }.map { try PrivateKey(pem: $0) }
        let blocks = PEM.blocks(pem, "PRIVATE KEY") + PEM.blocks(pem, "EC PRIVATE KEY")
        let keys = try blocks.map { der in
            guard let key = reading(der, { d2i_PrivateKey_bio($0, nil) }) else {
                throw CryptographyError("private key from PEM")
            }
            return PrivateKey(adopting: key)
        }
        guard !(inTokens + keys).isEmpty else { throw CryptographyError("private key from PEM") }
        return inTokens + keys
    }

    /// PKCS #8 in PEM, not encrypted: for files that only their owner may read.
    public func pem() throws -> [UInt8] {
        try collect("private key to PEM") { PEM_write_bio_PKCS8PrivateKey($0, raw, nil, nil, 0, nil, nil) }
    }

    public var publicKey: PublicKey {
        get throws {
            let der = try collect("public key") { i2d_PUBKEY_bio($0, raw) }
            guard let key = reading(der, { d2i_PUBKEY_bio($0, nil) }) else { throw CryptographyError("public key") }
            return PublicKey(adopting: key)
        }
    }

    /// A new SM2 key (GB/T 32918).
    public static func sm2() throws -> PrivateKey {
        guard let key = baohan_EVP_sm2_gen() else { throw CryptographyError("new SM2 key") }
        return PrivateKey(adopting: key)
    }

    /// A new P-384 key.
    public static func p384() throws -> PrivateKey {
        guard let key = baohan_EVP_EC_gen("P-384") else { throw CryptographyError("new P-384 key") }
        return PrivateKey(adopting: key)
    }

    /// A new Ed25519 key.
    public static func ed25519() throws -> PrivateKey {
        guard let key = baohan_EVP_ed25519_gen() else { throw CryptographyError("new Ed25519 key") }
        return PrivateKey(adopting: key)
    }

    /// The algorithm by which keys of this kind sign when nobody asks for another.
    public var usualAlgorithm: SignatureAlgorithm { keyKind(raw).usualAlgorithm }

    /// Signs `message` by `algorithm`, which must fit the key.
    public func sign(_ message: [UInt8], by algorithm: SignatureAlgorithm) throws -> [UInt8] {
        let digest: SignatureAlgorithm.Hash?
        var isPSS = false
        switch algorithm {
        case .rsa(let hash), .ecdsa(let hash): digest = hash
        case .rsaPSS(let hash):
            digest = hash
            isPSS = true
        case .sm2: digest = .sm3
        case .ed25519: digest = nil
        case .weak, .unknown: throw CryptographyError("signature by \(algorithm.name)")
        }
        var signature = [UInt8](repeating: 0, count: 2_048)
        var length = signature.count
        guard
            baohan_EVP_sign(raw, digest?.rawValue, isPSS ? 1 : 0, &signature, &length, message, message.count) == 1
        else { throw CryptographyError("signature by \(algorithm.name)") }
        return Array(signature.prefix(length))
    }

    /// Signs the SHA-256 of `message`: ECDSA in DER, or RSA PKCS #1 v1.5.
    public func sign(_ message: [UInt8]) throws -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { throw CryptographyError("signature") }
        defer { EVP_MD_CTX_free(context) }
        var length = 0
        guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, raw) == 1,
            EVP_DigestSign(context, nil, &length, message, message.count) == 1
        else { throw CryptographyError("signature") }
        var signature = [UInt8](repeating: 0, count: length)
        guard EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else {
            throw CryptographyError("signature")
        }
        return Array(signature.prefix(length))
    }
}

func keyKind(_ raw: OpaquePointer?) -> PublicKey.Kind {
    // A certificate whose key cannot be read has none; OpenSSL would follow the null pointer.
    guard let raw else { return .other }
    if baohan_EVP_PKEY_is_rsa(raw) == 1 { return .rsa(bits: Int(EVP_PKEY_get_bits(raw))) }
    if baohan_EVP_PKEY_is_ed25519(raw) == 1 { return .ed25519 }
    if baohan_EVP_PKEY_is_sm2(raw) == 1 { return .ellipticCurve("SM2") }
    guard baohan_EVP_PKEY_is_ec(raw) == 1 else { return .other }
    var name = [CChar](repeating: 0, count: 64)
    var length = 0
    guard EVP_PKEY_get_group_name(raw, &name, name.count, &length) == 1 else { return .other }
    return .ellipticCurve(String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self))
}
