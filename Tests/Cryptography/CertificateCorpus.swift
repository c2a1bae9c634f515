import COpenSSL
import Foundation

@testable import Cryptography

/// Certificates made byte by byte and signed by OpenSSL, each good but for one defect, with the rule that must find it.
/// `make-corpus` makes more of them in another way, without our own DER and without naming the rule.
struct CertificateCorpus {
    /// A certificate before it is signed.
    struct Draft {
        var version: [UInt8]? = [2]
        var serialNumber: [UInt8] = [0x1A, 0x2B, 0x3C]
        var innerAlgorithm = CertificateCorpus.ecdsaSHA256
        /// The inner one unless it is another.
        var outerAlgorithm: [UInt8]?
        var issuer: [UInt8]
        var subject: [UInt8]
        var notBefore = CertificateTime.der(CertificateCorpus.time - 86_400)
        var notAfter = CertificateTime.der(CertificateCorpus.time + 86_400)
        var publicKey: [UInt8]
        var uniqueIdentifier: [UInt8] = []
        var extensions: [Extension]
        var signer: PrivateKey

        struct Extension {
            let oid: String
            var isCritical = false
            var value: [UInt8]

            var der: [UInt8] {
                derValue(
                    DERTag.sequence, derObjectIdentifier(oid),
                    isCritical ? derValue(DERTag.boolean, [0xFF]) : [], derValue(DERTag.octetString, value))
            }
        }

        mutating func set(_ oid: String, critical: Bool = false, _ value: [UInt8]) {
            remove(oid)
            extensions.append(Extension(oid: oid, isCritical: critical, value: value))
        }

        mutating func remove(_ oid: String) { extensions.removeAll { $0.oid == oid } }

        mutating func setCritical(_ oid: String, _ isCritical: Bool) {
            for index in extensions.indices where extensions[index].oid == oid {
                extensions[index].isCritical = isCritical
            }
        }

        func der() throws -> [UInt8] {
            let body = derValue(
                DERTag.sequence,
                version.map { derValue(DERTag.context(0), derValue(DERTag.integer, $0)) } ?? [],
                derValue(DERTag.integer, serialNumber), innerAlgorithm, issuer,
                derValue(DERTag.sequence, notBefore, notAfter), subject, publicKey, uniqueIdentifier,
                extensions.isEmpty
                    ? [] : derValue(DERTag.context(3), derValue(DERTag.sequence, extensions.flatMap(\.der))))
            let signature = try signer.sign(body, by: signer.usualAlgorithm)
            return derValue(
                DERTag.sequence, body, outerAlgorithm ?? innerAlgorithm, derValue(DERTag.bitString, [0] + signature))
        }
    }

    /// 2026-12-01T00:00:00Z, the time of every check.
    static let time: Int64 = 1_796_083_200
    static let ecdsaSHA256 = derValue(DERTag.sequence, derObjectIdentifier("1.2.840.10045.4.3.2"))
    static let creditCode = "91350100M000100Y43"
    private static let bits = DERTag.bitString

    private let rootKey: PrivateKey
    private let middleKey: PrivateKey
    private let leafKey: PrivateKey
    private let spareKey: PrivateKey

    init() throws {
        rootKey = try .p256()
        middleKey = try .p256()
        leafKey = try .p256()
        spareKey = try .p256()
    }

    // MARK: Parts

    static func name(_ text: String) -> [UInt8] {
        text.isEmpty
            ? derValue(DERTag.sequence)
            : derValue(DERTag.sequence, derValue(DERTag.set, attribute("2.5.4.3", text)))
    }

    private static func attribute(_ oid: String, _ text: String) -> [UInt8] {
        derValue(DERTag.sequence, derObjectIdentifier(oid), derValue(DERTag.utf8String, Array(text.utf8)))
    }

    /// The public key as it stands in certificates.
    static func info(_ key: PrivateKey) throws -> [UInt8] {
        try collect("public key") { i2d_PUBKEY_bio($0, key.raw) }
    }

    private static func identifier(_ key: PrivateKey) throws -> [UInt8] { Array(sha256(try info(key)).prefix(20)) }

    private static func keyIdentifier(_ key: PrivateKey) throws -> [UInt8] {
        derValue(DERTag.octetString, try identifier(key))
    }

    private static func authorityIdentifier(_ key: PrivateKey) throws -> [UInt8] {
        derValue(DERTag.sequence, derValue(DERTag.primitive(0), try identifier(key)))
    }

    static func usage(_ byte: UInt8, unused: UInt8) -> [UInt8] { derValue(bits, [unused, byte]) }
    private static let signing = usage(0x80, unused: 7)
    private static let issuing = usage(0x06, unused: 1)
    private static let authority = derValue(DERTag.sequence, derValue(DERTag.boolean, [0xFF]))

    private static func constraints(_ list: UInt8, _ base: [UInt8]) -> [UInt8] {
        derValue(DERTag.sequence, derValue(DERTag.context(list), derValue(DERTag.sequence, base)))
    }

    private static func dns(_ name: String) -> [UInt8] { derValue(DERTag.primitive(2), Array(name.utf8)) }

    func root() throws -> Draft {
        var draft = Draft(
            issuer: Self.name("根"), subject: Self.name("根"), publicKey: try Self.info(rootKey), extensions: [],
            signer: rootKey)
        draft.set(ExtensionID.basicConstraints, critical: true, Self.authority)
        draft.set(ExtensionID.keyUsage, critical: true, Self.issuing)
        draft.set(ExtensionID.subjectKeyIdentifier, try Self.keyIdentifier(rootKey))
        return draft
    }

    func middle() throws -> Draft {
        var draft = Draft(
            issuer: Self.name("根"), subject: Self.name("中"), publicKey: try Self.info(middleKey), extensions: [],
            signer: rootKey)
        draft.set(ExtensionID.basicConstraints, critical: true, Self.authority)
        draft.set(ExtensionID.keyUsage, critical: true, Self.issuing)
        draft.set(ExtensionID.subjectKeyIdentifier, try Self.keyIdentifier(middleKey))
        draft.set(ExtensionID.authorityKeyIdentifier, try Self.authorityIdentifier(rootKey))
        return draft
    }

    func leaf() throws -> Draft {
        var draft = Draft(
            issuer: Self.name("中"),
            subject: derValue(
                DERTag.sequence, derValue(DERTag.set, Self.attribute("2.5.4.10", "安徽宏远")),
                derValue(DERTag.set, Self.attribute("2.5.4.3", "宏远"))),
            publicKey: try Self.info(leafKey), extensions: [], signer: middleKey)
        draft.set(ExtensionID.keyUsage, critical: true, Self.signing)
        draft.set(ExtensionID.subjectKeyIdentifier, try Self.keyIdentifier(leafKey))
        draft.set(ExtensionID.authorityKeyIdentifier, try Self.authorityIdentifier(middleKey))
        draft.set(
            ExtensionID.extendedKeyUsage, derValue(DERTag.sequence, derObjectIdentifier(ExtendedKeyUsage.client)))
        draft.set("1.2.156.10260.4.1.4", derValue(DERTag.utf8String, Array(Self.creditCode.utf8)))
        return draft
    }

    // MARK: Defects

    enum Place { case leaf, middle, root }

    /// One defect: its name, the certificate that has it, the rule that must find it, and how it is made.
    struct Defect: Sendable {
        let name: String
        let place: Place
        let code: PathRefusal.Code
        let change: @Sendable (inout Draft, CertificateCorpus) throws -> Void

        init(
            _ name: String, _ place: Place, _ code: PathRefusal.Code,
            _ change: @escaping @Sendable (inout Draft, CertificateCorpus) throws -> Void
        ) {
            self.name = name
            self.place = place
            self.code = code
            self.change = change
        }
    }

    static let defects: [Defect] = [
        // Form
        Defect("version-1", .leaf, .version) { draft, _ in
            draft.version = nil
        },
        Defect("version-2", .middle, .version) { draft, _ in draft.version = [1] },
        Defect("serial-number-zero", .leaf, .serialNumber) { draft, _ in draft.serialNumber = [0] },
        Defect("serial-number-negative", .leaf, .serialNumber) { draft, _ in draft.serialNumber = [0x80, 1] },
        Defect("serial-number-of-21-bytes", .leaf, .serialNumber) { draft, _ in
            draft.serialNumber = [UInt8](repeating: 0x11, count: 21)
        },
        Defect("serial-number-padded", .leaf, .malformed) { draft, _ in draft.serialNumber = [0, 0, 1] },
        Defect("unique-identifier", .leaf, .uniqueIdentifiers) { draft, _ in
            draft.uniqueIdentifier = derValue(DERTag.primitive(1), [0, 1])
        },
        Defect("no-issuer-name", .leaf, .untrusted) { draft, _ in draft.issuer = name("") },
        Defect("no-subject-and-no-alternative-name", .leaf, .subjectEmpty) { draft, _ in draft.subject = name("") },
        Defect("no-subject-and-uncritical-alternative-name", .leaf, .subjectEmpty) { draft, _ in
            draft.subject = name("")
            draft.set(ExtensionID.subjectAlternativeName, derValue(DERTag.sequence, dns("example.com")))
        },
        Defect("authority-without-subject", .root, .untrusted) { draft, _ in draft.subject = name("") },
        // Times
        Defect("expired", .leaf, .expired) { draft, _ in draft.notAfter = CertificateTime.der(time - 1) },
        Defect("expired-intermediate", .middle, .expired) { draft, _ in draft.notAfter = CertificateTime.der(time - 1)
        },
        Defect("expired-root", .root, .expired) { draft, _ in draft.notAfter = CertificateTime.der(time - 1) },
        Defect("not-yet-valid", .leaf, .notYetValid) { draft, _ in draft.notBefore = CertificateTime.der(time + 1) },
        Defect("not-yet-valid-intermediate", .middle, .notYetValid) { draft, _ in
            draft.notBefore = CertificateTime.der(time + 1)
        },
        Defect("ends-before-it-begins", .leaf, .validityEncoding) { draft, _ in
            draft.notBefore = CertificateTime.der(time + 10)
            draft.notAfter = CertificateTime.der(time + 5)
        },
        Defect("time-without-seconds", .leaf, .validityEncoding) { draft, _ in
            draft.notBefore = derValue(DERTag.utcTime, Array("2601010000Z".utf8))
        },
        Defect("time-with-offset", .leaf, .validityEncoding) { draft, _ in
            draft.notBefore = derValue(DERTag.utcTime, Array("260101000000+0800".utf8))
        },
        Defect("generalized-time-before-2050", .leaf, .validityEncoding) { draft, _ in
            draft.notAfter = derValue(DERTag.generalizedTime, Array("20300101000000Z".utf8))
        },
        Defect("generalized-time-with-fraction", .leaf, .validityEncoding) { draft, _ in
            draft.notAfter = derValue(DERTag.generalizedTime, Array("20510101000000.5Z".utf8))
        },
        Defect("day-that-does-not-exist", .leaf, .validityEncoding) { draft, _ in
            draft.notBefore = derValue(DERTag.utcTime, Array("260230000000Z".utf8))
        },
        // Signatures
        Defect("signed-by-another-key", .leaf, .signature) { draft, corpus in draft.signer = corpus.spareKey },
        Defect("intermediate-signed-by-another-key", .middle, .signature) { draft, corpus in
            draft.signer = corpus.spareKey
        },
        Defect("two-signature-algorithms", .leaf, .signature) { draft, _ in
            draft.outerAlgorithm = derValue(DERTag.sequence, derObjectIdentifier("1.2.840.10045.4.3.3"))
        },
        Defect("sha-1-signature", .leaf, .signature) { draft, _ in
            draft.innerAlgorithm = derValue(DERTag.sequence, derObjectIdentifier("1.2.840.10045.4.1"))
        },
        // Keys
        Defect("rsa-1024", .leaf, .weakKey) { draft, _ in draft.publicKey = try info(.rsa(bits: 1_024)) },
        Defect("curve-secp256k1", .leaf, .weakKey) { draft, _ in draft.publicKey = try info(curve("secp256k1")) },
        Defect("curve-p-224", .leaf, .weakKey) { draft, _ in draft.publicKey = try info(curve("P-224")) },
        Defect("curve-p-192", .leaf, .weakKey) { draft, _ in draft.publicKey = try info(curve("P-192")) },
        Defect("curve-brainpool", .leaf, .weakKey) { draft, _ in
            draft.publicKey = try info(curve("brainpoolP256r1"))
        },
        Defect("x25519-key", .leaf, .weakKey) { draft, _ in
            draft.publicKey = derValue(
                DERTag.sequence, derValue(DERTag.sequence, derObjectIdentifier("1.3.101.110")),
                derValue(bits, [0] + randomBytes(32)))
        },
        Defect("point-that-is-not-on-the-curve", .leaf, .weakKey) { draft, _ in
            draft.publicKey[draft.publicKey.count - 1] ^= 1
        },
        // Extensions in general
        Defect("extension-twice", .leaf, .duplicateExtension) { draft, _ in
            draft.extensions.append(draft.extensions[0])
        },
        Defect("unknown-critical-extension", .leaf, .unknownCriticalExtension) { draft, _ in
            draft.set("1.3.6.1.4.1.55555.1", critical: true, [5, 0])
        },
        Defect("unknown-critical-extension-in-intermediate", .middle, .unknownCriticalExtension) { draft, _ in
            draft.set("1.3.6.1.4.1.55555.1", critical: true, [5, 0])
        },
        Defect("unknown-critical-extension-in-root", .root, .unknownCriticalExtension) { draft, _ in
            draft.set("1.3.6.1.4.1.55555.1", critical: true, [5, 0])
        },
        Defect("critical-credit-code", .leaf, .unknownCriticalExtension) { draft, _ in
            draft.setCritical("1.2.156.10260.4.1.4", true)
        },
        Defect("extension-with-bytes-behind", .leaf, .malformed) { draft, _ in
            draft.set(ExtensionID.keyUsage, critical: true, signing + [0])
        },
        // Key identifiers
        Defect("no-authority-key-identifier", .leaf, .authorityKeyIdentifier) { draft, _ in
            draft.remove(ExtensionID.authorityKeyIdentifier)
        },
        Defect("no-authority-key-identifier-in-intermediate", .middle, .authorityKeyIdentifier) { draft, _ in
            draft.remove(ExtensionID.authorityKeyIdentifier)
        },
        Defect("authority-key-identifier-of-another-key", .leaf, .authorityKeyIdentifier) { draft, corpus in
            draft.set(ExtensionID.authorityKeyIdentifier, try authorityIdentifier(corpus.spareKey))
        },
        Defect("authority-key-identifier-critical", .leaf, .extensionCriticality) { draft, _ in
            draft.setCritical(ExtensionID.authorityKeyIdentifier, true)
        },
        Defect("authority-key-identifier-empty", .leaf, .authorityKeyIdentifier) { draft, _ in
            draft.set(ExtensionID.authorityKeyIdentifier, derValue(DERTag.sequence))
        },
        Defect("no-subject-key-identifier-in-intermediate", .middle, .subjectKeyIdentifier) { draft, _ in
            draft.remove(ExtensionID.subjectKeyIdentifier)
        },
        Defect("no-subject-key-identifier-in-root", .root, .subjectKeyIdentifier) { draft, _ in
            draft.remove(ExtensionID.subjectKeyIdentifier)
        },
        Defect("subject-key-identifier-critical", .middle, .extensionCriticality) { draft, _ in
            draft.setCritical(ExtensionID.subjectKeyIdentifier, true)
        },
        // Authorities
        Defect("intermediate-without-basic-constraints", .middle, .basicConstraints) { draft, _ in
            draft.remove(ExtensionID.basicConstraints)
        },
        Defect("intermediate-is-no-authority", .middle, .basicConstraints) { draft, _ in
            draft.set(ExtensionID.basicConstraints, critical: true, derValue(DERTag.sequence))
        },
        Defect("intermediate-with-uncritical-basic-constraints", .middle, .basicConstraints) { draft, _ in
            draft.setCritical(ExtensionID.basicConstraints, false)
        },
        Defect("root-without-basic-constraints", .root, .basicConstraints) { draft, _ in
            draft.remove(ExtensionID.basicConstraints)
        },
        Defect("leaf-is-an-authority", .leaf, .basicConstraints) { draft, _ in
            draft.set(ExtensionID.basicConstraints, critical: true, authority)
        },
        Defect("leaf-limits-paths", .leaf, .basicConstraints) { draft, _ in
            draft.set(
                ExtensionID.basicConstraints, critical: true, derValue(DERTag.sequence, derValue(DERTag.integer, [0])))
        },
        Defect("leaf-may-sign-certificates", .leaf, .basicConstraints) { draft, _ in
            draft.set(ExtensionID.keyUsage, critical: true, usage(0x84, unused: 2))
        },
        Defect("path-longer-than-the-root-allows", .root, .pathLength) { draft, _ in
            draft.set(
                ExtensionID.basicConstraints, critical: true,
                derValue(DERTag.sequence, derValue(DERTag.boolean, [0xFF]), derValue(DERTag.integer, [0])))
        },
        Defect("negative-path-length", .middle, .untrusted) { draft, _ in
            draft.set(
                ExtensionID.basicConstraints, critical: true,
                derValue(DERTag.sequence, derValue(DERTag.boolean, [0xFF]), derValue(DERTag.integer, [0xFF])))
        },
        // Key usage
        Defect("no-key-usage", .leaf, .keyUsage) { draft, _ in draft.remove(ExtensionID.keyUsage) },
        Defect("encryption-certificate", .leaf, .encryptionCertificate) { draft, _ in
            draft.set(ExtensionID.keyUsage, critical: true, usage(0x38, unused: 3))
        },
        Defect("key-usage-of-nothing", .leaf, .keyUsage) { draft, _ in
            draft.set(ExtensionID.keyUsage, critical: true, derValue(bits, [0]))
        },
        Defect("only-non-repudiation", .leaf, .keyUsage) { draft, _ in
            draft.set(ExtensionID.keyUsage, critical: true, usage(0x40, unused: 6))
        },
        Defect("intermediate-without-key-usage", .middle, .keyUsage) { draft, _ in
            draft.remove(ExtensionID.keyUsage)
        },
        Defect("intermediate-may-not-sign-certificates", .middle, .keyUsage) { draft, _ in
            draft.set(ExtensionID.keyUsage, critical: true, usage(0x02, unused: 1))
        },
        Defect("root-may-not-sign-certificates", .root, .keyUsage) { draft, _ in
            draft.set(ExtensionID.keyUsage, critical: true, usage(0x02, unused: 1))
        },
        Defect("for-servers-only", .leaf, .extendedKeyUsage) { draft, _ in
            draft.set(
                ExtensionID.extendedKeyUsage, derValue(DERTag.sequence, derObjectIdentifier(ExtendedKeyUsage.server)))
        },
        Defect("for-no-purpose", .leaf, .malformed) { draft, _ in
            draft.set(ExtensionID.extendedKeyUsage, derValue(DERTag.sequence))
        },
        Defect("intermediate-for-servers-only", .middle, .extendedKeyUsage) { draft, _ in
            draft.set(
                ExtensionID.extendedKeyUsage, derValue(DERTag.sequence, derObjectIdentifier(ExtendedKeyUsage.server)))
        },
        // Names
        Defect("alternative-names-empty", .leaf, .malformed) { draft, _ in
            draft.set(ExtensionID.subjectAlternativeName, derValue(DERTag.sequence))
        },
        Defect("alternative-name-with-underscore", .leaf, .alternativeNames) { draft, _ in
            draft.set(ExtensionID.subjectAlternativeName, derValue(DERTag.sequence, dns("a_b.example.com")))
        },
        Defect("alternative-name-is-an-address-in-letters", .leaf, .alternativeNames) { draft, _ in
            draft.set(ExtensionID.subjectAlternativeName, derValue(DERTag.sequence, dns("127.0.0.1")))
        },
        Defect("address-of-five-bytes", .leaf, .alternativeNames) { draft, _ in
            draft.set(
                ExtensionID.subjectAlternativeName,
                derValue(DERTag.sequence, derValue(DERTag.primitive(7), [1, 2, 3, 4, 5])))
        },
        Defect("mailbox-with-two-at-signs", .leaf, .alternativeNames) { draft, _ in
            draft.set(
                ExtensionID.subjectAlternativeName,
                derValue(DERTag.sequence, derValue(DERTag.primitive(1), Array("a@b@c.cn".utf8))))
        },
        Defect("name-outside-of-what-is-permitted", .middle, .nameConstraints) { draft, _ in
            draft.set(
                ExtensionID.nameConstraints, critical: true,
                constraints(0, derValue(DERTag.context(4), name("别的企业"))))
        },
        Defect("name-constraints-uncritical", .middle, .nameConstraints) { draft, _ in
            draft.set(ExtensionID.nameConstraints, constraints(0, dns("example.com")))
        },
        Defect("name-constraints-in-a-leaf", .leaf, .nameConstraints) { draft, _ in
            draft.set(ExtensionID.nameConstraints, critical: true, constraints(0, dns("example.com")))
        },
        // Policies
        Defect("policy-constraints-uncritical", .middle, .extensionCriticality) { draft, _ in
            draft.set(
                ExtensionID.policyConstraints, derValue(DERTag.sequence, derValue(DERTag.primitive(0), [0])))
        },
        Defect("policy-demanded-and-none-there", .middle, .policies) { draft, _ in
            draft.set(
                ExtensionID.policyConstraints, critical: true,
                derValue(DERTag.sequence, derValue(DERTag.primitive(0), [0])))
        },
        Defect("policy-twice", .leaf, .policies) { draft, _ in
            let policy = derValue(DERTag.sequence, derObjectIdentifier("1.2.3.4"))
            draft.set(ExtensionID.certificatePolicies, derValue(DERTag.sequence, policy, policy))
        },
        Defect("inhibit-any-policy-uncritical", .middle, .extensionCriticality) { draft, _ in
            draft.set(ExtensionID.inhibitAnyPolicy, derValue(DERTag.integer, [0]))
        },
        Defect("authority-information-critical", .leaf, .extensionCriticality) { draft, _ in
            draft.set(ExtensionID.authorityInformationAccess, critical: true, derValue(DERTag.sequence))
        },
        Defect("authority-information-empty", .leaf, .authorityInformation) { draft, _ in
            draft.set(ExtensionID.authorityInformationAccess, derValue(DERTag.sequence))
        },
    ]

    private static func curve(_ name: String) throws -> PrivateKey {
        guard let key = baohan_EVP_EC_gen(name) else { throw CryptographyError("curve \(name)") }
        return PrivateKey(adopting: key)
    }

    /// Why the chain with this defect is refused; nil when it is accepted.
    func refusal(_ defect: Defect?) throws -> PathRefusal? {
        var (root, middle, leaf) = (try root(), try middle(), try leaf())
        switch defect?.place {
        case .leaf: try defect?.change(&leaf, self)
        case .middle: try defect?.change(&middle, self)
        case .root: try defect?.change(&root, self)
        case nil: break
        }
        func certificate(_ draft: Draft) throws -> Certificate { try Certificate(der: draft.der()) }
        let check = PathCheck(profile: .login, purpose: .client, milliseconds: Self.time * 1_000)
        do {
            _ = try PathVerifier(anchors: [certificate(root)]).verify(
                certificate(leaf), intermediates: [certificate(middle)], for: check)
            return nil
        } catch let refusal as PathRefusal {
            return refusal
        } catch is CryptographyError {
            return PathRefusal(code: .malformed, depth: 0, subject: "", detail: "it cannot be read")
        }
    }
}
