/// A certificate of a path with its fields and extensions read once.
struct PathCertificate: Sendable {
    let certificate: Certificate
    let fields: CertificateFields
    let basicConstraints: BasicConstraints?
    let keyUsage: KeyUsage?
    let extendedKeyUsage: [String]?
    let alternativeNames: [GeneralName]
    let nameConstraints: NameConstraints?
    let subjectKeyIdentifier: [UInt8]?
    let authorityKeyIdentifier: AuthorityKeyIdentifier?
    let fingerprint: [UInt8]

    /// - Throws: ``DERError`` when the certificate, or an extension that rules look at, is not what RFC 5280 says.
    init(_ certificate: Certificate) throws(DERError) {
        guard let der = try? certificate.der() else { throw DERError(detail: "no certificate") }
        self.certificate = certificate
        fields = try CertificateFields(der: der)
        fingerprint = sha256(der)
        basicConstraints = try fields.extension(ExtensionID.basicConstraints).map { value throws(DERError) in
            try BasicConstraints(der: value.value)
        }
        keyUsage = try fields.extension(ExtensionID.keyUsage).map { value throws(DERError) in
            try KeyUsage(der: value.value)
        }
        extendedKeyUsage = try fields.extension(ExtensionID.extendedKeyUsage).map { value throws(DERError) in
            try ExtendedKeyUsage.usages(der: value.value)
        }
        alternativeNames =
            try fields.extension(ExtensionID.subjectAlternativeName).map { value throws(DERError) in
                try GeneralName.list(value.value)
            } ?? []
        nameConstraints = try fields.extension(ExtensionID.nameConstraints).map { value throws(DERError) in
            try NameConstraints(der: value.value)
        }
        subjectKeyIdentifier = try fields.extension(ExtensionID.subjectKeyIdentifier).map { value throws(DERError) in
            Array(try DERReader.only(DERTag.octetString, in: value.value).content)
        }
        authorityKeyIdentifier = try fields.extension(ExtensionID.authorityKeyIdentifier).map {
            value throws(DERError) in
            try AuthorityKeyIdentifier(der: value.value)
        }
    }

    /// Same name above and below; its own key may or may not have signed it.
    var isSelfIssued: Bool { fields.issuer == fields.subject }

    /// Signed by its own key.
    var isSelfSigned: Bool { isSelfIssued && certificate.isSigned(by: certificate) }
}

/// A path to be judged, and against what.
struct CertificatePath: Sendable {
    /// Leaf first, anchor last; at least two unless the leaf itself is an anchor.
    let certificates: [PathCertificate]
    let check: PathCheck

    var leaf: PathCertificate { certificates[0] }
    /// All that sign others.
    var authorities: ArraySlice<PathCertificate> { certificates.dropFirst() }

    func refusal(_ code: PathRefusal.Code, _ depth: Int, _ detail: String) -> PathRefusal {
        PathRefusal(code: code, depth: depth, subject: certificates[depth].fields.subject.summary, detail: detail)
    }
}

/// What a path is judged for.
public struct PathCheck: Sendable {
    public enum Profile: String, Sendable, CaseIterable {
        /// RFC 5280 and RFC 6818.
        case rfc5280
        /// The CA/Browser Forum's Baseline Requirements for server certificates on top.
        case webpki
        /// The login's: RFC 5280, and a leaf that is a signing certificate of somebody, not an authority's.
        case login
    }

    public enum Purpose: String, Sendable, CaseIterable {
        case client, server, sign
    }

    public var profile: Profile
    public var purpose: Purpose
    /// Milliseconds since 1970, from the injected clock.
    public var milliseconds: Int64
    /// A host, an address or a mailbox that the certificate must stand for.
    public var name: String?
    /// Intermediates that a path may have; self-issued ones do not count.
    public var maximumIntermediates: Int
    /// SHA-256 of certificates of which a responder has just said that they are not revoked.
    public var knownGood: Set<[UInt8]> = []

    public init(
        profile: Profile = .rfc5280, purpose: Purpose, milliseconds: Int64, name: String? = nil,
        maximumIntermediates: Int = 8
    ) {
        self.profile = profile
        self.purpose = purpose
        self.milliseconds = milliseconds
        self.name = name
        self.maximumIntermediates = maximumIntermediates
    }
}
