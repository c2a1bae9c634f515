/// A certificate taken apart by our own reader, byte for byte, so that rules see what was written and not what a lenient
/// decoder made of it (RFC 5280, 4.1).
struct CertificateFields: Sendable {
    struct Extension: Sendable {
        let oid: String
        let isCritical: Bool
        let value: ArraySlice<UInt8>
    }

    /// As a person counts: 3 for version 3.
    let version: Int
    let serialNumber: ArraySlice<UInt8>
    let innerAlgorithm: ArraySlice<UInt8>
    let outerAlgorithm: ArraySlice<UInt8>
    let issuer: DistinguishedName
    /// The issuer as it was written.
    let issuerBytes: [UInt8]
    let notBefore: DERValue
    let notAfter: DERValue
    let subject: DistinguishedName
    /// The subject as it was written.
    let subjectBytes: [UInt8]
    let publicKeyInfo: ArraySlice<UInt8>
    let hasUniqueIdentifiers: Bool
    let extensions: [Extension]

    init(der: [UInt8]) throws(DERError) {
        var certificate = try DERReader.only(DERTag.sequence, in: der[...]).reader()
        var body = try certificate.next(DERTag.sequence).reader()
        outerAlgorithm = try certificate.next(DERTag.sequence).whole
        _ = try certificate.next(DERTag.bitString).octetAlignedBits()
        try certificate.finish()

        if let tagged = try body.optional(DERTag.context(0)) {
            let number = try DERReader.only(DERTag.integer, in: tagged.content).smallInteger()
            version = number + 1
        } else {
            version = 1
        }
        let serial = try body.next(DERTag.integer)
        try serial.requireShortestInteger()
        serialNumber = serial.content
        innerAlgorithm = try body.next(DERTag.sequence).whole
        let issuerValue = try body.next(DERTag.sequence)
        issuer = try DistinguishedName(der: issuerValue)
        issuerBytes = Array(issuerValue.whole)
        var validity = try body.next(DERTag.sequence).reader()
        notBefore = try validity.next()
        notAfter = try validity.next()
        try validity.finish()
        let subjectValue = try body.next(DERTag.sequence)
        subject = try DistinguishedName(der: subjectValue)
        subjectBytes = Array(subjectValue.whole)
        publicKeyInfo = try body.next(DERTag.sequence).whole
        let issuerID = try body.optional(DERTag.primitive(1))
        let subjectID = try body.optional(DERTag.primitive(2))
        hasUniqueIdentifiers = issuerID != nil || subjectID != nil
        var extensions: [Extension] = []
        if let tagged = try body.optional(DERTag.context(3)) {
            let elements = try DERReader.elements(DERTag.sequence, in: tagged.content)
            guard !elements.isEmpty else { throw DERError(detail: "a list of extensions is empty") }
            for element in elements { extensions.append(try Self.extension(element)) }
        }
        self.extensions = extensions
        try body.finish()
    }

    private static func `extension`(_ element: DERValue) throws(DERError) -> Extension {
        guard element.tag == DERTag.sequence else { throw DERError(detail: "an extension is no sequence") }
        var reader = element.reader()
        let oid = try reader.next(DERTag.objectIdentifier).objectIdentifier()
        let isCritical = try reader.optional(DERTag.boolean)?.boolean() ?? false
        let value = try reader.next(DERTag.octetString).content
        try reader.finish()
        return Extension(oid: oid, isCritical: isCritical, value: value)
    }

    func `extension`(_ oid: String) -> Extension? { extensions.first { $0.oid == oid } }
}

/// Object identifiers of extensions (RFC 5280, 4.2).
enum ExtensionID {
    static let subjectKeyIdentifier = "2.5.29.14"
    static let keyUsage = "2.5.29.15"
    static let subjectAlternativeName = "2.5.29.17"
    static let basicConstraints = "2.5.29.19"
    static let crlNumber = "2.5.29.20"
    static let reasonCode = "2.5.29.21"
    static let deltaCRLIndicator = "2.5.29.27"
    static let issuingDistributionPoint = "2.5.29.28"
    static let nameConstraints = "2.5.29.30"
    static let crlDistributionPoints = "2.5.29.31"
    static let certificatePolicies = "2.5.29.32"
    static let policyMappings = "2.5.29.33"
    static let authorityKeyIdentifier = "2.5.29.35"
    static let policyConstraints = "2.5.29.36"
    static let extendedKeyUsage = "2.5.29.37"
    static let inhibitAnyPolicy = "2.5.29.54"
    static let authorityInformationAccess = "1.3.6.1.5.5.7.1.1"
}
