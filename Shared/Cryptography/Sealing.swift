import COpenSSL

/// Encrypts with AES-256-GCM (NIST SP 800-38D): nobody without the key reads it, and whoever changes it is found out.
public struct SealingKey: Sendable {
    private static let nonceLength = 12
    private static let tagLength = 16

    private let key: [UInt8]

    /// - Parameter bytes: 32.
    /// - Throws: ``CryptographyError`` for another length.
    public init(_ bytes: [UInt8]) throws {
        guard bytes.count == 32 else { throw CryptographyError("a sealing key has 32 bytes") }
        key = bytes
    }

    public static func random() throws -> SealingKey { try SealingKey(randomBytes(32)) }

    /// A secret of its own for a purpose (HMAC with SHA-256).
    public func derived(_ purpose: String) -> [UInt8] { hmacSHA256(purpose.utf8, key: key) }

    /// - Parameter context: what the sealed text belongs to; it opens in the same context only.
    /// - Returns: nonce, ciphertext and tag.
    public func seal(_ plain: [UInt8], context: String) throws -> [UInt8] {
        let nonce = randomBytes(Self.nonceLength)
        let cipher = try Cipher(key, nonce: nonce, isEncrypting: true)
        try cipher.authenticate(Array(context.utf8))
        let sealed = try cipher.update(plain)
        try cipher.finish()
        return nonce + sealed + (try cipher.tag(length: Self.tagLength))
    }

    /// - Returns: nil for what was not sealed with this key in this context.
    public func open(_ sealed: [UInt8], context: String) -> [UInt8]? {
        guard sealed.count >= Self.nonceLength + Self.tagLength,
            let cipher = try? Cipher(key, nonce: Array(sealed.prefix(Self.nonceLength)), isEncrypting: false)
        else { return nil }
        let body = Array(sealed.dropFirst(Self.nonceLength).dropLast(Self.tagLength))
        do {
            try cipher.authenticate(Array(context.utf8))
            let plain = try cipher.update(body)
            try cipher.expect(tag: Array(sealed.suffix(Self.tagLength)))
            try cipher.finish()
            return plain
        } catch {
            return nil
        }
    }

    /// One run of the cipher.
    private final class Cipher {
        private let raw: OpaquePointer

        init(_ key: [UInt8], nonce: [UInt8], isEncrypting: Bool) throws {
            guard let raw = EVP_CIPHER_CTX_new() else { throw CryptographyError("no memory for a cipher") }
            self.raw = raw
            guard EVP_CipherInit_ex(raw, EVP_aes_256_gcm(), nil, key, nonce, isEncrypting ? 1 : 0) == 1 else {
                throw CryptographyError("the cipher cannot be set up")
            }
        }

        deinit { EVP_CIPHER_CTX_free(raw) }

        func authenticate(_ bytes: [UInt8]) throws {
            var length: Int32 = 0
            guard EVP_CipherUpdate(raw, nil, &length, bytes, Int32(bytes.count)) == 1 else {
                throw CryptographyError("the cipher refuses the context")
            }
        }

        func update(_ bytes: [UInt8]) throws -> [UInt8] {
            var output = [UInt8](repeating: 0, count: bytes.count)
            var length: Int32 = 0
            guard bytes.isEmpty || EVP_CipherUpdate(raw, &output, &length, bytes, Int32(bytes.count)) == 1 else {
                throw CryptographyError("the cipher refuses the text")
            }
            return output
        }

        func finish() throws {
            var rest = [UInt8](repeating: 0, count: 16)
            var length: Int32 = 0
            guard EVP_CipherFinal_ex(raw, &rest, &length) == 1 else { throw CryptographyError("the tag is another") }
        }

        func tag(length: Int) throws -> [UInt8] {
            var tag = [UInt8](repeating: 0, count: length)
            guard EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_GET_TAG, Int32(length), &tag) == 1 else {
                throw CryptographyError("the cipher gives no tag")
            }
            return tag
        }

        func expect(tag: [UInt8]) throws {
            var tag = tag
            guard EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1 else {
                throw CryptographyError("the cipher takes no tag")
            }
        }
    }
}
