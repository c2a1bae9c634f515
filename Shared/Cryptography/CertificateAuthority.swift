import COpenSSL

/// A key and its certificate that issue others: the development PKI, and the certificates that tests need.
public struct CertificateAuthority: Sendable {
    /// What a certificate says.
    public struct Request: Sendable {
        /// OpenSSL's short names and values, in order: `("O", "安徽某建设有限公司")`.
        public var subject: [(String, String)]
        /// As in OpenSSL's configuration: `URI:spiffe://baohan/order`, `DNS:localhost`, `IP:127.0.0.1`.
        public var alternativeNames: [String] = []
        public var keyUsage = "critical,digitalSignature"
        /// `serverAuth`, `clientAuth`; empty for none.
        public var extendedKeyUsage: [String] = []
        /// OIDs with UTF-8 strings, such as the unified social credit code at 1.2.156.10260.4.1.4.
        /// Address of the revocation list that is for it.
        public var revocationList: String?
        public var texts: [(oid: String, value: String)] = []
        public var isAuthority = false
        /// Seconds since 1970.
        public var notBefore: Int64
        public var notAfter: Int64

        public init(subject: [(String, String)], notBefore: Int64, notAfter: Int64) {
            self.subject = subject
            self.notBefore = notBefore
            self.notAfter = notAfter
        }
    }

    public let certificate: Certificate
    public let key: PrivateKey

    public init(certificate: Certificate, key: PrivateKey) {
        self.certificate = certificate
        self.key = key
    }

    /// A new root; with a P-256 key unless another is given.
    public init(name: String, key: PrivateKey? = nil, notBefore: Int64, notAfter: Int64) throws {
        self.key = try key ?? .p256()
        var request = Request(subject: [("C", "CN"), ("CN", name)], notBefore: notBefore, notAfter: notAfter)
        request.isAuthority = true
        request.keyUsage = "critical,keyCertSign,cRLSign"
        certificate = try Self.issue(request, for: self.key.publicKey, issuer: nil, signer: self.key)
    }

    public func issue(_ request: Request, for publicKey: PublicKey) throws -> Certificate {
        try Self.issue(request, for: publicKey, issuer: certificate, signer: key)
    }

    private static func issue(
        _ request: Request, for publicKey: PublicKey, issuer: Certificate?, signer: PrivateKey
    ) throws -> Certificate {
        guard let raw = X509_new() else { throw CryptographyError("new certificate") }
        let certificate = Certificate(adopting: raw)
        // Version 3 is written as 2 (RFC 5280, 4.1.2.1); a serial number of 127 random bits is positive.
        var serial = randomBytes(16)
        serial[0] &= 0x7F
        guard X509_set_version(raw, 2) == 1, let number = BN_bin2bn(serial, 16, nil) else {
            throw CryptographyError("serial number")
        }
        defer { BN_free(number) }
        guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(raw)) != nil,
            ASN1_TIME_set(X509_getm_notBefore(raw), time_t(request.notBefore)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(raw), time_t(request.notAfter)) != nil,
            X509_set_pubkey(raw, publicKey.raw) == 1, let name = X509_get_subject_name(raw)
        else { throw CryptographyError("fields of a certificate") }
        for (field, value) in request.subject {
            let text = Array(value.utf8)
            guard X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, text, Int32(text.count), -1, 0) == 1 else {
                throw CryptographyError("subject field \(field)")
            }
        }
        guard X509_set_issuer_name(raw, issuer.map { X509_get_subject_name($0.raw) } ?? name) == 1 else {
            throw CryptographyError("issuer")
        }
        try addExtensions(request, to: raw, issuer: issuer?.raw ?? raw)
        guard baohan_X509_sign(raw, signer.raw) == 1 else { throw CryptographyError("certificate signature") }
        return certificate
    }

    private static func addExtensions(_ request: Request, to raw: OpaquePointer, issuer: OpaquePointer) throws {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, raw, nil, nil, 0)
        baohan_X509V3_set_ctx_nodb(&context)
        var extensions = [
            ("basicConstraints", request.isAuthority ? "critical,CA:TRUE" : "critical,CA:FALSE"),
            ("keyUsage", request.keyUsage),
            ("subjectKeyIdentifier", "hash"),
        ]
        if issuer != raw { extensions.append(("authorityKeyIdentifier", "keyid:always")) }
        if !request.extendedKeyUsage.isEmpty {
            extensions.append(("extendedKeyUsage", request.extendedKeyUsage.joined(separator: ",")))
        }
        if !request.alternativeNames.isEmpty {
            extensions.append(("subjectAltName", request.alternativeNames.joined(separator: ",")))
        }
        if let list = request.revocationList { extensions.append(("crlDistributionPoints", "URI:\(list)")) }
        extensions += request.texts.map { ($0.oid, "ASN1:UTF8String:\($0.value)") }
        for (name, value) in extensions {
            guard let made = X509V3_EXT_nconf(nil, &context, name, value) else {
                throw CryptographyError("extension \(name)")
            }
            defer { X509_EXTENSION_free(made) }
            guard X509_add_ext(raw, made, -1) == 1 else { throw CryptographyError("extension \(name)") }
        }
    }
}

extension CertificateAuthority {
    /// A revocation list of this authority in DER (RFC 5280, 5).
    ///
    /// - Parameters:
    ///   - revoked: serial numbers in hexadecimal digits, as ``Certificate/serialNumber`` gives them.
    ///   - base: makes it a delta list, a change to the list with this number.
    ///   - part: makes it one of several lists: for certificates that name this address.
    ///   - thisUpdate, nextUpdate: seconds since 1970.
    public func revocationList(
        _ revoked: [String], number: UInt8 = 1, changing base: UInt8? = nil, part: String? = nil, thisUpdate: Int64,
        nextUpdate: Int64
    ) throws -> [UInt8] {
        let algorithm = key.usualAlgorithm
        let identifier: [UInt8]
        switch algorithm {
        case .ecdsa(.sha256): identifier = derValue(DERTag.sequence, derObjectIdentifier("1.2.840.10045.4.3.2"))
        case .ecdsa: identifier = derValue(DERTag.sequence, derObjectIdentifier("1.2.840.10045.4.3.3"))
        case .sm2: identifier = derValue(DERTag.sequence, derObjectIdentifier("1.2.156.10197.1.501"))
        default:
            identifier = derValue(
                DERTag.sequence, derObjectIdentifier("1.2.840.113549.1.1.11"), derValue(DERTag.null))
        }
        let issuer = try CertificateFields(der: certificate.der()).subjectBytes
        let entries = revoked.map { text -> [UInt8] in
            let digits = bytes(hex: text.count.isMultiple(of: 2) ? text : "0" + text) ?? []
            let serialNumber = (digits.first ?? 0) >= 0x80 ? [0] + digits : digits
            return derValue(
                DERTag.sequence, derValue(DERTag.integer, serialNumber), CertificateTime.der(thisUpdate))
        }
        func criticalExtension(_ oid: String, _ value: [UInt8]) -> [UInt8] {
            derValue(
                DERTag.sequence, derObjectIdentifier(oid), derValue(DERTag.boolean, [0xFF]),
                derValue(DERTag.octetString, value))
        }
        var extensions = derValue(
            DERTag.sequence, derObjectIdentifier(ExtensionID.crlNumber),
            derValue(DERTag.octetString, derValue(DERTag.integer, [number])))
        if let base { extensions += criticalExtension(ExtensionID.deltaCRLIndicator, derValue(DERTag.integer, [base])) }
        if let part {
            let name = derValue(DERTag.context(0), derValue(DERTag.primitive(6), Array(part.utf8)))
            extensions += criticalExtension(
                ExtensionID.issuingDistributionPoint, derValue(DERTag.sequence, derValue(DERTag.context(0), name)))
        }
        let body = derValue(
            DERTag.sequence, derValue(DERTag.integer, [1]), identifier, issuer, CertificateTime.der(thisUpdate),
            CertificateTime.der(nextUpdate), entries.isEmpty ? [] : derValue(DERTag.sequence, entries.flatMap { $0 }),
            derValue(DERTag.context(0), derValue(DERTag.sequence, extensions)))
        let signature = try key.sign(body, by: algorithm)
        return derValue(DERTag.sequence, body, identifier, derValue(DERTag.bitString, [0] + signature))
    }
}
