import Contracts
import Cryptography

/// Whom a certificate stands for (A1).
public struct CertificateIdentity: Sendable, Equatable {
    public let creditCode: UnifiedSocialCreditCode
    /// Where in the certificate the code was found, as in `extension 1.2.156.10260.4.1.4`.
    public let place: String
    public let name: Words
    /// SHA-256 of the certificate, in hexadecimal digits.
    public let fingerprint: String
    public let serialNumber: String
    /// Issuer and serial number, by which revocation lists know it.
    public let issuer: String
    public let subject: String
    public let notAfter: Instant
    /// PEM of the certificate and what was sent along, so that it can be judged again.
    public let chain: String
    /// Codes of the regions in which its authority is accepted; nil for all.
    public let regions: [String]?

    /// - Throws: ``ProblemCode/certificateWithoutCreditCode``, or ``ProblemCode/certificateAmbiguous`` when two places hold
    ///   different codes: one certificate never opens two enterprises.
    public init(
        _ certificate: Certificate, intermediates: [Certificate] = [], places: CreditCodePlaces,
        regions: [String]? = nil
    ) throws(Problem) {
        let found = places.codes(in: certificate)
        guard let first = found.first else { throw Problem(.certificateWithoutCreditCode) }
        guard found.allSatisfy({ $0.code == first.code }) else { throw Problem(.certificateAmbiguous) }
        let names = certificate.subject("O") + certificate.subject("CN")
        guard let name = names.lazy.compactMap({ try? Words($0) }).first,
            let fingerprint = try? certificate.fingerprint(),
            let chain = try? ([certificate] + intermediates).flatMap({ try $0.pem() })
        else { throw Problem(.certificateWithoutCreditCode) }
        creditCode = first.code
        place = first.place.description
        self.name = name
        self.fingerprint = fingerprint
        serialNumber = certificate.serialNumber
        issuer = certificate.issuerText
        subject = certificate.subjectText
        notAfter = Instant(milliseconds: certificate.notAfter * 1_000)
        self.chain = String(decoding: chain, as: UTF8.self)
        self.regions = regions
    }
}

/// Where authorities put the unified social credit code: some in extensions of their own, some in the subject.
public struct CreditCodePlaces: Sendable {
    public enum Place: Sendable, Equatable, CustomStringConvertible {
        case `extension`(oid: String)
        case subject(oid: String)

        public var description: String {
            switch self {
            case .extension(let oid): "extension \(oid)"
            case .subject(let oid): "subject \(oid)"
            }
        }

        /// From its description.
        public init?(_ text: String) {
            let parts = text.split(separator: " ").map(String.init)
            guard parts.count == 2 else { return nil }
            switch parts[0] {
            case "extension": self = .extension(oid: parts[1])
            case "subject": self = .subject(oid: parts[1])
            default: return nil
            }
        }
    }

    /// The SM2-era and RSA-era extensions and older ones; then organizationIdentifier, serialNumber and the unit.
    public static let usual: [Place] = [
        .extension(oid: "1.2.156.10260.4.1.4"), .extension(oid: "1.2.86.11.7.4"), .extension(oid: "1.2.86.11.7.5"),
        .extension(oid: "1.2.156.1.8888.148"), .extension(oid: "1.2.156.112570.11.205"), .subject(oid: "2.5.4.97"),
        .subject(oid: "2.5.4.5"), .subject(oid: "2.5.4.11"),
    ]

    /// By the common name of the issuer; an issuer that is listed is looked at nowhere else.
    private let byIssuer: [String: [Place]]

    public init(byIssuer: [String: [Place]] = [:]) { self.byIssuer = byIssuer }

    /// Every code that passes its check digit, in the order of the places.
    func codes(in certificate: Certificate) -> [(place: Place, code: UnifiedSocialCreditCode)] {
        let places = certificate.issuer("CN").lazy.compactMap { byIssuer[$0] }.first ?? Self.usual
        return places.flatMap { place in
            let values: [[UInt8]] =
                switch place {
                case .extension(let oid): certificate.extensionValue(oid).map { [$0] } ?? []
                case .subject(let oid): certificate.subject(oid).map { Array($0.utf8) }
                }
            return values.compactMap { Self.code(in: $0) }.map { (place, $0) }
        }
    }

    /// Values come wrapped in DER and with prefixes. A code stands alone between other characters, or between two N, as one
    /// authority writes it: 18 characters out of a longer number are not one.
    private static func code(in bytes: [UInt8]) -> UnifiedSocialCreditCode? {
        let runs = bytes.split { !((0x30...0x39).contains($0) || (0x41...0x5A).contains($0)) }
        for run in runs {
            var text = String(decoding: run, as: UTF8.self)
            // The length of a DER string of this size may itself be a capital or a digit only at 48 and more bytes.
            if text.count == 20, text.hasPrefix("N"), text.hasSuffix("N") { text = String(text.dropFirst().dropLast()) }
            if let code = try? UnifiedSocialCreditCode(text) { return code }
        }
        return nil
    }
}

extension Problem {
    /// A refused path, as the person at the desk reads it: which certificate, which rule, what to do.
    public init(_ refusal: PathRefusal) {
        let code: ProblemCode =
            switch refusal.code {
            case .untrusted, .signature, .tooComplex, .tooLong, .pathLength, .anchorPurpose: .certificateUntrusted
            case .expired: .certificateExpired
            case .notYetValid: .certificateNotYetValid
            case .weakKey, .weakSignature: .certificateWeak
            case .encryptionCertificate: .certificateEncryption
            case .keyUsage, .extendedKeyUsage, .basicConstraints: .certificatePurpose
            case .revoked: .certificateRevoked
            case .revocationList, .revocationUnknown: .revocationUnknown
            default: .certificateMalformed
            }
        self.init(code, "\(refusal.description) [\(refusal.code.rawValue)]")
    }
}
