import COpenSSL

/// An X.509 certificate (RFC 5280).
///
/// `@unchecked Sendable`: the `X509` is never changed after it was made, and OpenSSL counts its references atomically.
public final class Certificate: @unchecked Sendable {
    let raw: OpaquePointer

    init(adopting raw: OpaquePointer) {
        self.raw = raw
        if baohan_X509_is_sm2(raw) == 1 { _ = baohan_X509_set_sm2_identity(raw) }
    }

    deinit { X509_free(raw) }

    public convenience init(der: [UInt8]) throws {
        var cursor: UnsafePointer<UInt8>?
        let raw = der.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            cursor = buffer.baseAddress
            guard let raw = d2i_X509(nil, &cursor, buffer.count) else { return nil }
            // Text behind the certificate would be signed by nobody.
            guard cursor == buffer.baseAddress?.advanced(by: buffer.count) else {
                X509_free(raw)
                return nil
            }
            return raw
        }
        guard let raw else { throw CryptographyError("certificate from DER") }
        self.init(adopting: raw)
        // OpenSSL reads longer and indefinite lengths too, which are not DER; a fingerprint must have one certificate.
        guard try self.der() == der else { throw CryptographyError("certificate from DER") }
    }

    /// All certificates of a PEM text, in its order.
    public static func chain(pem: [UInt8]) throws -> [Certificate] {
        let chain = try PEM.blocks(pem, "CERTIFICATE").map { try Certificate(der: $0) }
        guard !chain.isEmpty else { throw CryptographyError("certificate from PEM") }
        return chain
    }

    public func der() throws -> [UInt8] { try collect("certificate to DER") { i2d_X509_bio($0, raw) } }
    public func pem() throws -> [UInt8] { try collect("certificate to PEM") { PEM_write_bio_X509($0, raw) } }

    /// SHA-256 of the DER, in hexadecimal digits.
    public func fingerprint() throws -> String { sha256(try der()).hex }

    /// The serial number in hexadecimal digits.
    public var serialNumber: String {
        guard let number = X509_get_serialNumber(raw), let big = ASN1_INTEGER_to_BN(number, nil) else { return "" }
        defer { BN_free(big) }
        guard let text = BN_bn2hex(big) else { return "" }
        defer { CRYPTO_free(text, nil, 0) }
        return String(cString: text).lowercased()
    }

    public var publicKeyKind: PublicKey.Kind { keyKind(X509_get0_pubkey(raw)) }

    public var publicKey: PublicKey {
        get throws {
            guard let key = X509_get_pubkey(raw) else { throw CryptographyError("public key of the certificate") }
            return PublicKey(adopting: key)
        }
    }

    /// Values of a field of the subject, by OID (`2.5.4.10`) or OpenSSL's short name (`O`).
    public func subject(_ field: String) -> [String] { values(of: field, in: X509_get_subject_name(raw)) }

    /// Values of a field of the issuer, as in ``subject(_:)``.
    public func issuer(_ field: String) -> [String] { values(of: field, in: X509_get_issuer_name(raw)) }

    /// Subject and issuer in one line each (RFC 2253).
    public var subjectText: String { Self.text(of: X509_get_subject_name(raw)) }
    public var issuerText: String { Self.text(of: X509_get_issuer_name(raw)) }

    private static func text(of name: OpaquePointer?) -> String {
        let text = try? collect("name") { X509_NAME_print_ex($0, name, 0, baohan_name_flags()) >= 0 ? 1 : 0 }
        return String(decoding: text ?? [], as: UTF8.self)
    }

    /// The algorithm of its signature, by name.
    public var signatureAlgorithm: SignatureAlgorithm? {
        guard let fields = try? CertificateFields(der: der()) else { return nil }
        return try? SignatureAlgorithm(der: fields.outerAlgorithm)
    }

    private func values(of field: String, in name: OpaquePointer?) -> [String] {
        guard let object = OBJ_txt2obj(field, 0), let name else { return [] }
        defer { ASN1_OBJECT_free(object) }
        var values: [String] = []
        var index = X509_NAME_get_index_by_OBJ(name, object, -1)
        while index >= 0 {
            if let entry = X509_NAME_get_entry(name, index), let data = X509_NAME_ENTRY_get_data(entry) {
                var text: UnsafeMutablePointer<UInt8>?
                let length = ASN1_STRING_to_UTF8(&text, data)
                if length >= 0, let text {
                    values.append(String(decoding: UnsafeBufferPointer(start: text, count: Int(length)), as: UTF8.self))
                    CRYPTO_free(text, nil, 0)
                }
            }
            index = X509_NAME_get_index_by_OBJ(name, object, index)
        }
        return values
    }

    /// The DER inside the extension with this OID; nil when there is none.
    public func extensionValue(_ oid: String) -> [UInt8]? {
        guard let object = OBJ_txt2obj(oid, 1) else { return nil }
        defer { ASN1_OBJECT_free(object) }
        let index = X509_get_ext_by_OBJ(raw, object, -1)
        guard index >= 0, let found = X509_get_ext(raw, index), let data = X509_EXTENSION_get_data(found),
            let bytes = ASN1_STRING_get0_data(data)
        else { return nil }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(ASN1_STRING_length(data))))
    }

    /// Whether the key may sign (RFC 5280, 4.2.1.3): the signing certificate of a double-certificate key may, the
    /// encryption certificate may not. A certificate that says nothing may not either: a login is no place to guess.
    public var allowsDigitalSignature: Bool {
        let flags = X509_get_extension_flags(raw)
        guard flags & UInt32(EXFLAG_KUSAGE) != 0 else { return false }
        return X509_get_key_usage(raw) & UInt32(X509v3_KU_DIGITAL_SIGNATURE) != 0
    }

    /// Whether `issuer`'s key made the signature; names and validity are not looked at.
    public func isSigned(by issuer: Certificate) -> Bool {
        defer { ERR_clear_error() }
        guard let key = X509_get0_pubkey(issuer.raw) else { return false }
        return X509_verify(raw, key) == 1
    }

    /// An odd public exponent of at least 3 (FIPS 186-5, A.1.1); true of keys of other kinds.
    var hasSoundRSAExponent: Bool {
        guard let key = X509_get0_pubkey(raw), baohan_EVP_PKEY_is_rsa(key) == 1 else { return true }
        var exponent: OpaquePointer?
        guard EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1, let exponent else { return false }
        defer { BN_free(exponent) }
        return BN_is_odd(exponent) == 1 && BN_num_bits(exponent) > 1
    }

    public var isAuthority: Bool { X509_check_ca(raw) == 1 }

    /// Seconds since 1970.
    public var notBefore: Int64 { Self.seconds(X509_get0_notBefore(raw)) }
    public var notAfter: Int64 { Self.seconds(X509_get0_notAfter(raw)) }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        guard let epoch = ASN1_TIME_set(nil, 0) else { return 0 }
        defer { ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return 0 }
        return Int64(days) * 86_400 + Int64(seconds)
    }
}
