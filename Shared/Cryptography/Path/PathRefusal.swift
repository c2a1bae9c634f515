/// Why a certificate path was refused: which rule, which certificate, and what to do about it.
public struct PathRefusal: Error, Equatable, Sendable {
    /// Stable codes; each belongs to one rule.
    public enum Code: String, Sendable, CaseIterable {
        case malformed = "certificate_malformed"
        case untrusted = "issuer_not_trusted"
        case signature = "signature_wrong"
        case tooComplex = "path_too_complex"
        case tooLong = "path_too_long"
        case expired
        case notYetValid = "not_yet_valid"
        case validityEncoding = "validity_encoding"
        case version = "version_not_3"
        case serialNumber = "serial_number"
        case algorithmMismatch = "signature_algorithms_differ"
        case weakSignature = "weak_signature"
        case weakKey = "weak_key"
        case issuerEmpty = "issuer_empty"
        case subjectEmpty = "subject_empty"
        case uniqueIdentifiers = "unique_identifiers"
        case duplicateExtension = "duplicate_extension"
        case unknownCriticalExtension = "unknown_critical_extension"
        case extensionCriticality = "extension_criticality"
        case authorityKeyIdentifier = "authority_key_identifier"
        case subjectKeyIdentifier = "subject_key_identifier"
        case basicConstraints = "basic_constraints"
        case pathLength = "path_length"
        case keyUsage = "key_usage"
        case encryptionCertificate = "encryption_certificate"
        case extendedKeyUsage = "extended_key_usage"
        case alternativeNames = "subject_alternative_name"
        case nameConstraints = "name_constraints"
        case policies
        case authorityInformation = "authority_information_access"
        case nameMismatch = "name_mismatch"
        case commonName = "common_name"
        case anchorPurpose = "anchor_purpose"
        case revoked
        case revocationList = "revocation_list"
        case revocationUnknown = "revocation_unknown"
    }

    public let code: Code
    /// Place in the path: 0 is the leaf.
    public let depth: Int
    /// The certificate's name, as it says.
    public let subject: String
    /// One sentence.
    public let detail: String

    public init(code: Code, depth: Int, subject: String, detail: String) {
        self.code = code
        self.depth = depth
        self.subject = subject
        self.detail = detail
    }

    public var description: String {
        let place = depth == 0 ? "the certificate" : "certificate \(depth) above it"
        return "\(place) (\(subject)): \(detail). \(code.advice)"
    }
}

extension PathRefusal.Code {
    /// What the person at the desk can do.
    public var advice: String {
        switch self {
        case .expired: "Renew it at the certificate authority."
        case .notYetValid: "Check the computer's clock, or wait until it becomes valid."
        case .untrusted, .anchorPurpose:
            "Use a certificate of an authority that this platform accepts, and send its intermediate certificates along."
        case .encryptionCertificate: "Choose the signing certificate of the same key."
        case .keyUsage, .extendedKeyUsage: "Choose a certificate that was issued for signing and logging in."
        case .revoked: "Ask the certificate authority for a new one."
        case .revocationList, .revocationUnknown: "Try again later; the authority's revocation data are not usable now."
        case .weakKey, .weakSignature: "Ask the certificate authority for one with RSA 2048, P-256 or SM2."
        case .nameMismatch: "Ask for the name that stands in the certificate."
        default: "Ask the certificate authority to issue it anew, after RFC 5280."
        }
    }
}

/// One rule that every accepted path keeps.
protocol PathRule: Sendable {
    func check(_ path: CertificatePath) throws(PathRefusal)
}
