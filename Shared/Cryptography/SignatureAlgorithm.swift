/// How a signature was made, from its AlgorithmIdentifier (RFC 5280, 4.1.1.2).
public enum SignatureAlgorithm: Equatable, Sendable {
    public enum Hash: String, Sendable, CaseIterable {
        case sha256 = "SHA256"
        case sha384 = "SHA384"
        case sha512 = "SHA512"
        case sm3 = "SM3"

        var oid: String {
            switch self {
            case .sha256: "2.16.840.1.101.3.4.2.1"
            case .sha384: "2.16.840.1.101.3.4.2.2"
            case .sha512: "2.16.840.1.101.3.4.2.3"
            case .sm3: "1.2.156.10197.1.401"
            }
        }
    }

    /// PKCS #1 v1.5 (RFC 8017, 8.2).
    case rsa(Hash)
    /// RFC 8017, 8.1; ours have a salt as long as the hash.
    case rsaPSS(Hash)
    case ecdsa(Hash)
    /// SM2 with SM3 (GB/T 32918.2, GM/T 0009).
    case sm2
    case ed25519
    /// Known, and refused by its name.
    case weak(String)
    /// Refused by its object identifier.
    case unknown(String)

    public var isAllowed: Bool {
        switch self {
        case .rsa, .rsaPSS, .ecdsa, .sm2, .ed25519: true
        case .weak, .unknown: false
        }
    }

    public var name: String {
        switch self {
        case .rsa(let hash): "RSA with \(hash.rawValue)"
        case .rsaPSS(let hash): "RSA-PSS with \(hash.rawValue)"
        case .ecdsa(let hash): "ECDSA with \(hash.rawValue)"
        case .sm2: "SM2 with SM3"
        case .ed25519: "Ed25519"
        case .weak(let name): name
        case .unknown(let oid): "algorithm \(oid)"
        }
    }

    init(der: ArraySlice<UInt8>) throws(DERError) {
        var reader = try DERReader.only(DERTag.sequence, in: der).reader()
        let oid = try reader.next(DERTag.objectIdentifier).objectIdentifier()
        switch oid {
        case "1.2.840.113549.1.1.11": self = .rsa(.sha256)
        case "1.2.840.113549.1.1.12": self = .rsa(.sha384)
        case "1.2.840.113549.1.1.13": self = .rsa(.sha512)
        case "1.2.840.113549.1.1.10": self = try Self.pss(reader.next(DERTag.sequence))
        case "1.2.840.10045.4.3.2": self = .ecdsa(.sha256)
        case "1.2.840.10045.4.3.3": self = .ecdsa(.sha384)
        case "1.2.840.10045.4.3.4": self = .ecdsa(.sha512)
        case "1.2.156.10197.1.501": self = .sm2
        case "1.3.101.112": self = .ed25519
        case "1.2.840.113549.1.1.2": self = .weak("RSA with MD2")
        case "1.2.840.113549.1.1.4": self = .weak("RSA with MD5")
        case "1.2.840.113549.1.1.5", "1.3.14.3.2.29": self = .weak("RSA with SHA-1")
        case "1.2.840.113549.1.1.14": self = .weak("RSA with SHA-224")
        case "1.2.840.10045.4.1": self = .weak("ECDSA with SHA-1")
        case "1.2.840.10045.4.3.1": self = .weak("ECDSA with SHA-224")
        case "1.2.840.10040.4.3", "2.16.840.1.101.3.4.3.1", "2.16.840.1.101.3.4.3.2": self = .weak("DSA")
        default: self = .unknown(oid)
        }
        switch self {
        case .ecdsa, .ed25519: try reader.finish()
        case .rsa, .sm2:
            _ = try reader.optional(DERTag.null)
            try reader.finish()
        case .rsaPSS, .weak, .unknown: break
        }
    }

    /// Hash, mask and salt must go together (RFC 4055, 3.1); SHA-1, the default of all three, must not be meant.
    private static func pss(_ parameters: DERValue) throws(DERError) -> SignatureAlgorithm {
        var reader = parameters.reader()
        guard let tagged = try reader.optional(DERTag.context(0)) else { return .weak("RSA-PSS with SHA-1") }
        var hash = try DERReader.only(DERTag.sequence, in: tagged.content).reader()
        let oid = try hash.next(DERTag.objectIdentifier).objectIdentifier()
        guard let found = Hash.allCases.first(where: { $0.oid == oid && $0 != .sm3 }) else {
            return .weak("RSA-PSS with hash \(oid)")
        }
        var mask = try DERReader.only(
            DERTag.sequence, in: reader.optional(DERTag.context(1))?.content ?? []
        ).reader()
        guard try mask.next(DERTag.objectIdentifier).objectIdentifier() == "1.2.840.113549.1.1.8" else {
            return .unknown("another mask function than MGF1")
        }
        var maskHash = try mask.next(DERTag.sequence).reader()
        guard try maskHash.next(DERTag.objectIdentifier).objectIdentifier() == oid else {
            return .unknown("two hashes in one signature")
        }
        return .rsaPSS(found)
    }
}
