import Cryptography
import Foundation
import Testing

@Suite("Algorithms")
struct AlgorithmTests {
    private let now = Int64(Date().timeIntervalSince1970)

    private static let families: [(name: String, key: @Sendable () throws -> PrivateKey, by: SignatureAlgorithm)] = [
        ("RSA 2048", { try .rsa() }, .rsa(.sha256)), ("RSA 3072 PSS", { try .rsa(bits: 3_072) }, .rsaPSS(.sha384)),
        ("P-256", { try .p256() }, .ecdsa(.sha256)), ("P-384", { try .p384() }, .ecdsa(.sha384)),
        ("SM2", { try .sm2() }, .sm2), ("Ed25519", { try .ed25519() }, .ed25519),
    ]

    @Test(
        "a signature of each family is good for its message and key, and for nothing else", arguments: families.indices)
    func signatures(_ index: Int) throws {
        let family = Self.families[index]
        let key = try family.key()
        let message = Array("保函登录".utf8)
        var signature = try key.sign(message, by: family.by)
        let publicKey = try key.publicKey
        #expect(publicKey.verifies(signature, of: message, by: family.by))
        #expect(!publicKey.verifies(signature, of: message + [0], by: family.by))
        #expect(try !family.key().publicKey.verifies(signature, of: message, by: family.by))
        for other in Self.families.map(\.by) where other != family.by {
            #expect(!publicKey.verifies(signature, of: message, by: other))
        }
        signature[signature.count / 2] ^= 1
        #expect(!publicKey.verifies(signature, of: message, by: family.by))
        #expect(!publicKey.verifies([], of: message, by: family.by))
    }

    @Test("a path of each family leads to its root", arguments: families.indices)
    func paths(_ index: Int) throws {
        let family = Self.families[index]
        let root = try CertificateAuthority(
            name: family.name, key: try family.key(), notBefore: now - 60, notAfter: now + 3_600)
        let middleKey = try family.key()
        var request = CertificateAuthority.Request(
            subject: [("CN", "middle")], notBefore: now - 60, notAfter: now + 3_600)
        request.isAuthority = true
        request.keyUsage = "critical,keyCertSign,cRLSign"
        let middle = CertificateAuthority(
            certificate: try root.issue(request, for: middleKey.publicKey), key: middleKey)
        let leaf = try middle.issue(
            CertificateAuthority.Request(subject: [("O", "企业")], notBefore: now - 60, notAfter: now + 3_600),
            for: family.key().publicKey)
        let check = PathCheck(profile: .login, purpose: .client, milliseconds: now * 1_000)
        let path = try PathVerifier(anchors: [root.certificate]).verify(
            leaf, intermediates: [middle.certificate], for: check)
        #expect(path.count == 3)
        var bytes = try leaf.der()
        bytes[bytes.count - 5] ^= 1
        let broken = try Certificate(der: bytes)
        #expect(throws: PathRefusal.self) {
            try PathVerifier(anchors: [root.certificate]).verify(
                broken, intermediates: [middle.certificate], for: check)
        }
    }

    @Test("an RSA key under 2048 bits verifies nothing")
    func weakRSA() throws {
        let key = try PrivateKey.rsa(bits: 1_024)
        let message = Array("text".utf8)
        #expect(try !key.publicKey.verifies(key.sign(message, by: .rsa(.sha256)), of: message, by: .rsa(.sha256)))
    }
}
