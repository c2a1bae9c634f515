import COpenSSL

/// Asks an authority's responder whether a certificate was revoked, and judges its answer (OCSP, RFC 6960 and 9654).
public struct StatusRequest: Sendable {
    /// What the responder says.
    public enum Status: Sendable, Equatable {
        case good
        /// Seconds since 1970.
        case revoked(at: Int64)
        /// The responder does not know the certificate.
        case unknown
    }

    /// A status, and until when it holds (seconds since 1970).
    public struct Answer: Sendable, Equatable {
        public let status: Status
        public let validUntil: Int64
    }

    /// Why an answer says nothing.
    public struct Refused: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// An answer without a due time is fresh for this long.
    private static let defaultLifetime: Int64 = 600
    /// Clocks of responders differ a little from ours.
    private static let leeway: Int64 = 300
    private static let basicResponse = "1.3.6.1.5.5.7.48.1.1"
    private static let nonceExtension = "1.3.6.1.5.5.7.48.1.2"
    private static let signing = "1.3.6.1.5.5.7.3.9"
    private static let sha1 = "1.3.14.3.2.26"

    private let issuer: Certificate
    private let issuerFields: PathCertificate
    private let certificateID: [UInt8]
    private let nonce: [UInt8]

    /// - Throws: ``Refused`` for certificates that cannot be read.
    public init(_ certificate: Certificate, issuer: Certificate) throws(Refused) {
        guard let fields = try? PathCertificate(certificate), let issuerFields = try? PathCertificate(issuer),
            let key = try? Self.keyBits(issuerFields.fields.publicKeyInfo)
        else { throw Refused(description: "the certificate cannot be read") }
        self.issuer = issuer
        self.issuerFields = issuerFields
        // SHA-1 names here what is asked for, and protects nothing: every responder understands it.
        certificateID = derValue(
            DERTag.sequence, derValue(DERTag.sequence, derObjectIdentifier(Self.sha1), derValue(DERTag.null)),
            derValue(DERTag.octetString, sha1Digest(fields.fields.issuerBytes)),
            derValue(DERTag.octetString, sha1Digest(key)),
            derValue(DERTag.integer, Array(fields.fields.serialNumber)))
        nonce = randomBytes(32)
    }

    private static func keyBits(_ info: ArraySlice<UInt8>) throws(DERError) -> [UInt8] {
        var reader = try DERReader.only(DERTag.sequence, in: info).reader()
        _ = try reader.next(DERTag.sequence)
        return Array(try reader.next(DERTag.bitString).octetAlignedBits())
    }

    /// The request in DER, to be posted as `application/ocsp-request`.
    public var der: [UInt8] {
        let extensions = derValue(
            DERTag.context(2),
            derValue(
                DERTag.sequence,
                derValue(
                    DERTag.sequence, derObjectIdentifier(Self.nonceExtension),
                    derValue(DERTag.octetString, derValue(DERTag.octetString, nonce)))))
        let list = derValue(DERTag.sequence, derValue(DERTag.sequence, certificateID))
        return derValue(DERTag.sequence, derValue(DERTag.sequence, list, extensions))
    }

    // MARK: The answer

    /// What a response says of the certificate that was asked about.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - demandsNonce: whether an answer that was made beforehand, without our nonce, counts for nothing.
    /// - Throws: ``Refused`` unless it is for this request, in time, and signed by the issuer or a responder of its.
    public func answer(_ response: [UInt8], at now: Int64, demandsNonce: Bool) throws(Refused) -> Answer {
        do {
            return try read(response, at: now, demandsNonce: demandsNonce)
        } catch let error as DERError {
            throw Refused(description: "it is not what RFC 6960 says: \(error.detail)")
        } catch let error as Refused {
            throw error
        } catch {
            throw Refused(description: "\(error)")
        }
    }

    private func read(_ response: [UInt8], at now: Int64, demandsNonce: Bool) throws -> Answer {
        var outer = try DERReader.only(DERTag.sequence, in: response[...]).reader()
        let state = try outer.next(DERTag.enumerated).content
        guard state.elementsEqual([0]) else {
            throw Refused(description: "the responder answered with error \(state.first ?? 0)")
        }
        let bytes = try outer.next(DERTag.context(0)).content
        try outer.finish()
        var typed = try DERReader.only(DERTag.sequence, in: bytes).reader()
        guard try typed.next(DERTag.objectIdentifier).objectIdentifier() == Self.basicResponse else {
            throw Refused(description: "it is of another type than basic")
        }
        var basic = try DERReader.only(DERTag.sequence, in: typed.next(DERTag.octetString).content).reader()
        let data = try basic.next(DERTag.sequence)
        let algorithm = try SignatureAlgorithm(der: basic.next(DERTag.sequence).whole)
        let signature = Array(try basic.next(DERTag.bitString).octetAlignedBits())
        let certificates = try basic.optional(DERTag.context(0)).map {
            try DERReader.elements(DERTag.sequence, in: $0.content)
        }
        try basic.finish()
        try checkSignature(
            signature, of: Array(data.whole), by: algorithm,
            certificates: (certificates ?? []).compactMap { try? Certificate(der: Array($0.whole)) }, at: now)
        return try readData(data, at: now, demandsNonce: demandsNonce)
    }

    /// Signed by the issuer itself, or by a responder to which the issuer gave a certificate for just this (RFC 6960,
    /// 4.2.2.2); nobody else may speak for it.
    private func checkSignature(
        _ signature: [UInt8], of data: [UInt8], by algorithm: SignatureAlgorithm, certificates: [Certificate],
        at now: Int64
    ) throws {
        guard algorithm.isAllowed else { throw Refused(description: "it is signed by \(algorithm.name)") }
        if let key = try? issuer.publicKey, key.verifies(signature, of: data, by: algorithm) { return }
        let hasSigned = certificates.contains { responder in
            guard let fields = try? PathCertificate(responder), fields.fields.issuer == issuerFields.fields.subject,
                responder.isSigned(by: issuer), fields.extendedKeyUsage?.contains(Self.signing) == true,
                fields.keyUsage?.contains(.digitalSignature) ?? true,
                (responder.notBefore...responder.notAfter).contains(now),
                let signed = try? SignatureAlgorithm(der: fields.fields.outerAlgorithm), signed.isAllowed,
                let key = try? responder.publicKey
            else { return false }
            return key.verifies(signature, of: data, by: algorithm)
        }
        guard hasSigned else {
            throw Refused(description: "it is signed neither by the issuer nor by a responder of its")
        }
    }

    private func readData(_ data: DERValue, at now: Int64, demandsNonce: Bool) throws -> Answer {
        var reader = data.reader()
        _ = try reader.optional(DERTag.context(0))
        _ = try reader.optional(DERTag.context(1)) ?? reader.next(DERTag.context(2))
        _ = try reader.next(DERTag.generalizedTime)
        let responses = try DERReader.all(in: reader.next(DERTag.sequence).content)
        let given = try reader.optional(DERTag.context(1)).flatMap { try Self.nonce(in: $0.content) }
        try reader.finish()
        guard given == nil || given == nonce else { throw Refused(description: "it answers another request") }
        guard given != nil || !demandsNonce else { throw Refused(description: "it was not made for this request") }
        for response in responses {
            if let answer = try single(response, at: now) { return answer }
        }
        throw Refused(description: "it is about another certificate")
    }

    private static func nonce(in bytes: ArraySlice<UInt8>) throws(DERError) -> [UInt8]? {
        for element in try DERReader.elements(DERTag.sequence, in: bytes) {
            var parts = element.reader()
            guard try parts.next(DERTag.objectIdentifier).objectIdentifier() == nonceExtension else { continue }
            _ = try parts.optional(DERTag.boolean)
            let value = try parts.next(DERTag.octetString).content
            return Array(try DERReader.only(DERTag.octetString, in: value).content)
        }
        return nil
    }

    /// nil when it is about another certificate.
    private func single(_ response: DERValue, at now: Int64) throws -> Answer? {
        var reader = response.reader()
        let id = try reader.next(DERTag.sequence)
        guard try isSame(id) else { return nil }
        let state = try reader.next()
        let status: Status
        switch state.tag {
        case DERTag.primitive(0): status = .good
        case DERTag.context(1):
            var revoked = state.reader()
            status = .revoked(at: try Self.time(revoked.next(DERTag.generalizedTime)))
        case DERTag.primitive(2): status = .unknown
        default: throw DERError(detail: "a status is of no known kind")
        }
        let thisUpdate = try Self.time(reader.next(DERTag.generalizedTime))
        let nextUpdate = try reader.optional(DERTag.context(0)).map {
            try Self.time(DERReader.only(DERTag.generalizedTime, in: $0.content))
        }
        let validUntil = nextUpdate ?? thisUpdate + Self.defaultLifetime
        guard thisUpdate <= now + Self.leeway else { throw Refused(description: "it is from the future") }
        guard now <= validUntil + Self.leeway else { throw Refused(description: "it is out of date") }
        return Answer(status: status, validUntil: validUntil)
    }

    /// The parameters of the hash may be written or left out.
    private func isSame(_ id: DERValue) throws(DERError) -> Bool {
        var own = try DERReader.only(DERTag.sequence, in: certificateID[...]).reader()
        var other = id.reader()
        _ = try own.next(DERTag.sequence)
        var hash = try other.next(DERTag.sequence).reader()
        guard try hash.next(DERTag.objectIdentifier).objectIdentifier() == Self.sha1 else { return false }
        return own.rest.elementsEqual(other.rest)
    }

    private static func time(_ value: DERValue) throws(DERError) -> Int64 {
        guard let seconds = CertificateTime.seconds(generalized: value) else {
            throw DERError(detail: "a time is malformed")
        }
        return seconds
    }
}

private func sha1Digest(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 20)
    var length: UInt32 = 20
    let done = EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha1(), nil)
    precondition(done == 1 && length == 20, "SHA-1 is part of every OpenSSL")
    return digest
}
