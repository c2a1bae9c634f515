/// A CMS SignedData message (RFC 5652; with SM2 GM/T 0010, GB/T 35275) as the middleware of a CA lock makes it: P7, with the
/// text inside or beside it.
///
/// Taken apart by our own reader, because OpenSSL's CMS functions know neither the object identifiers of GM/T 0010 nor SM2.
public struct SignedMessage: Sendable {
    public enum Failure: Error, Equatable, Sendable {
        case malformed(String)
        /// An algorithm that is not accepted, by its name.
        case weak(String)
        /// The message is about another text.
        case otherContent
        case badSignature
    }

    private static let contentTypes = [
        // signedData and data of RFC 5652, and of GM/T 0010.
        "1.2.840.113549.1.7.2": "1.2.840.113549.1.7.1", "1.2.156.10197.6.1.4.2.2": "1.2.156.10197.6.1.4.2.1",
    ]
    private static let contentTypeAttribute = "1.2.840.113549.1.9.3"
    private static let messageDigestAttribute = "1.2.840.113549.1.9.4"
    /// A signer, its intermediates and what else a middleware sends along.
    private static let maximumCertificates = 10

    /// The signer's certificate first, the others behind it.
    public let certificates: [Certificate]
    /// The text inside; nil when it is beside the message.
    public let content: [UInt8]?

    private let dataType: String
    private let hash: SignatureAlgorithm.Hash
    private let algorithm: SignatureAlgorithm
    private let attributes: DERValue?
    private let signature: [UInt8]

    /// - Throws: ``Failure/malformed(_:)`` or ``Failure/weak(_:)``.
    public init(der: [UInt8]) throws(Failure) {
        do {
            try self.init(reading: der)
        } catch let failure as Failure {
            throw failure
        } catch let error as DERError {
            throw .malformed(error.detail)
        } catch {
            throw .malformed("it cannot be read")
        }
    }

    private init(reading der: [UInt8]) throws {
        var info = try DERReader.only(DERTag.sequence, in: der[...]).reader()
        let messageType = try info.next(DERTag.objectIdentifier).objectIdentifier()
        guard let dataType = Self.contentTypes[messageType] else { throw Failure.malformed("it is no signed message") }
        self.dataType = dataType
        var data = try DERReader.only(DERTag.sequence, in: info.next(DERTag.context(0)).content).reader()
        try info.finish()
        _ = try data.next(DERTag.integer).smallInteger()
        _ = try data.next(DERTag.set)
        var inside = try data.next(DERTag.sequence).reader()
        // A message inside a message would be signed by nobody we look at.
        guard try inside.next(DERTag.objectIdentifier).objectIdentifier() == dataType else {
            throw Failure.malformed("it holds something else than plain data")
        }
        content = try inside.optional(DERTag.context(0)).map {
            Array(try DERReader.only(DERTag.octetString, in: $0.content).content)
        }
        try inside.finish()
        let encoded = try data.optional(DERTag.context(0)).map { try DERReader.all(in: $0.content) } ?? []
        guard (1...Self.maximumCertificates).contains(encoded.count) else {
            throw Failure.malformed("it has \(encoded.count) certificates; 1 to \(Self.maximumCertificates) are due")
        }
        _ = try data.optional(DERTag.context(1))
        let signers = try DERReader.all(in: data.next(DERTag.set).content)
        try data.finish()
        guard signers.count == 1, let signer = signers.first, signer.tag == DERTag.sequence else {
            throw Failure.malformed("one signer is due")
        }

        var reader = signer.reader()
        _ = try reader.next(DERTag.integer).smallInteger()
        let identifier = try reader.next()
        var digest = try reader.next(DERTag.sequence).reader()
        let digestOID = try digest.next(DERTag.objectIdentifier).objectIdentifier()
        guard let hash = SignatureAlgorithm.Hash.allCases.first(where: { $0.oid == digestOID }) else {
            throw Failure.weak(Self.weakHashes[digestOID] ?? "hash \(digestOID)")
        }
        self.hash = hash
        attributes = try reader.optional(DERTag.context(0))
        algorithm = try Self.algorithm(reader.next(DERTag.sequence), hash)
        signature = Array(try reader.next(DERTag.octetString).content)
        _ = try reader.optional(DERTag.context(1))
        try reader.finish()

        let all = try encoded.map { try Certificate(der: Array($0.whole)) }
        guard let own = try all.firstIndex(where: { try Self.names(identifier, $0) }) else {
            throw Failure.malformed("the signer's certificate is not in it")
        }
        certificates = [all[own]] + all.indices.filter { $0 != own }.map { all[$0] }
    }

    private static let weakHashes = [
        "1.3.14.3.2.26": "SHA-1", "1.2.840.113549.2.5": "MD5", "2.16.840.1.101.3.4.2.4": "SHA-224",
    ]

    /// Signers name a key kind alone, a key kind with its hash, or (SM2) one of two numbers.
    private static func algorithm(_ value: DERValue, _ hash: SignatureAlgorithm.Hash) throws -> SignatureAlgorithm {
        var reader = value.reader()
        switch try reader.next(DERTag.objectIdentifier).objectIdentifier() {
        case "1.2.840.113549.1.1.1": return .rsa(hash)
        case "1.2.840.10045.2.1": return .ecdsa(hash)
        case "1.2.156.10197.1.301", "1.2.156.10197.1.301.1": return .sm2
        default:
            let algorithm = try SignatureAlgorithm(der: value.whole)
            guard algorithm.isAllowed else { throw Failure.weak(algorithm.name) }
            return algorithm
        }
    }

    /// Whether a signer's identifier means `certificate`: issuer and serial number, or key identifier.
    private static func names(_ identifier: DERValue, _ certificate: Certificate) throws -> Bool {
        let known = try PathCertificate(certificate)
        if identifier.tag == DERTag.primitive(0) { return known.subjectKeyIdentifier == Array(identifier.content) }
        guard identifier.tag == DERTag.sequence else { return false }
        var reader = identifier.reader()
        let issuer = try DistinguishedName(der: reader.next(DERTag.sequence))
        return try issuer == known.fields.issuer && reader.next(DERTag.integer).content == known.fields.serialNumber
    }

    /// Checks that the first certificate's key signed `text`.
    ///
    /// - Throws: ``Failure``.
    public func verify(_ text: [UInt8]) throws(Failure) {
        if let content, content != text { throw .otherContent }
        guard let key = try? certificates[0].publicKey else { throw .badSignature }
        var signed = text
        if let attributes {
            try checkAttributes(attributes, text)
            // Signed as a SET, sent as [0] (RFC 5652, 5.4).
            signed = [DERTag.set] + attributes.whole.dropFirst()
        }
        guard key.verifies(signature, of: signed, by: algorithm) else { throw .badSignature }
    }

    private func checkAttributes(_ attributes: DERValue, _ text: [UInt8]) throws(Failure) {
        var values: [String: DERValue] = [:]
        do throws(DERError) {
            for attribute in try DERReader.all(in: attributes.content) {
                var reader = attribute.reader()
                let oid = try reader.next(DERTag.objectIdentifier).objectIdentifier()
                let set = try DERReader.all(in: reader.next(DERTag.set).content)
                guard values[oid] == nil, set.count == 1 else { throw DERError(detail: "an attribute stands twice") }
                values[oid] = set[0]
            }
            guard let type = values[Self.contentTypeAttribute], try type.objectIdentifier() == dataType else {
                throw DERError(detail: "its type of content is another")
            }
        } catch {
            throw .malformed(error.detail)
        }
        guard let found = values[Self.messageDigestAttribute], found.tag == DERTag.octetString else {
            throw .malformed("it has no digest of its content")
        }
        guard Array(found.content) == digest(text, hash) else { throw .otherContent }
    }
}

extension SignedMessage {
    /// A message as middleware makes it: with signed attributes; in the form of GM/T 0010 for SM2 keys.
    ///
    /// - Parameters:
    ///   - chain: the signer's certificate, which belongs to `key`, and its intermediates.
    ///   - isAttached: whether the text is inside.
    /// - Returns: DER.
    public static func sign(
        _ text: [UInt8], chain: [Certificate], key: PrivateKey, isAttached: Bool
    ) throws -> [UInt8] {
        guard let own = chain.first else { throw CryptographyError("a signer's certificate") }
        let algorithm = key.usualAlgorithm
        let messageType = algorithm == .sm2 ? "1.2.156.10197.6.1.4.2.2" : "1.2.840.113549.1.7.2"
        let hash: SignatureAlgorithm.Hash
        let signatureOID: String
        switch algorithm {
        case .sm2: (hash, signatureOID) = (.sm3, "1.2.156.10197.1.301.1")
        case .ecdsa(.sha384): (hash, signatureOID) = (.sha384, "1.2.840.10045.4.3.3")
        case .ecdsa: (hash, signatureOID) = (.sha256, "1.2.840.10045.4.3.2")
        case .rsa: (hash, signatureOID) = (.sha256, "1.2.840.113549.1.1.1")
        case .rsaPSS, .ed25519, .weak, .unknown: throw CryptographyError("CMS by \(algorithm.name)")
        }
        guard let dataType = contentTypes[messageType] else { throw CryptographyError("CMS") }
        func attribute(_ oid: String, _ value: [UInt8]) -> [UInt8] {
            derValue(DERTag.sequence, derObjectIdentifier(oid), derValue(DERTag.set, value))
        }
        let attributes =
            attribute(contentTypeAttribute, derObjectIdentifier(dataType))
            + attribute(messageDigestAttribute, derValue(DERTag.octetString, digest(text, hash)))
        let signature = try key.sign(derValue(DERTag.set, attributes), by: algorithm)
        let fields = try CertificateFields(der: own.der())
        let digestAlgorithm = derValue(DERTag.sequence, derObjectIdentifier(hash.oid))
        let version = derValue(DERTag.integer, [1])
        let signer = derValue(
            DERTag.sequence, version,
            derValue(DERTag.sequence, fields.issuerBytes, derValue(DERTag.integer, Array(fields.serialNumber))),
            digestAlgorithm, derValue(DERTag.context(0), attributes),
            derValue(DERTag.sequence, derObjectIdentifier(signatureOID)), derValue(DERTag.octetString, signature))
        let inside = isAttached ? derValue(DERTag.context(0), derValue(DERTag.octetString, text)) : []
        let certificates = try chain.flatMap { try $0.der() }
        let data = derValue(
            DERTag.sequence, version, derValue(DERTag.set, digestAlgorithm),
            derValue(DERTag.sequence, derObjectIdentifier(dataType), inside),
            derValue(DERTag.context(0), certificates), derValue(DERTag.set, signer))
        return derValue(DERTag.sequence, derObjectIdentifier(messageType), derValue(DERTag.context(0), data))
    }
}
