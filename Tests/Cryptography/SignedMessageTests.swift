import Cryptography
import Foundation
import Testing

@Suite("Signed messages (P7)")
struct SignedMessageTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let text = Array("Baohan login\norigin: https://localhost\n".utf8)

    private static let families: [(name: String, key: @Sendable () throws -> PrivateKey)] = [
        ("RSA", { try .rsa() }), ("P-256", { try .p256() }), ("P-384", { try .p384() }), ("SM2", { try .sm2() }),
    ]

    private func signer(_ key: PrivateKey) throws -> Certificate {
        let root = try CertificateAuthority(name: "根", notBefore: now - 60, notAfter: now + 3_600)
        return try root.issue(
            CertificateAuthority.Request(subject: [("O", "企业")], notBefore: now - 60, notAfter: now + 3_600),
            for: key.publicKey)
    }

    private func failure(_ der: [UInt8], _ text: [UInt8]) -> SignedMessage.Failure? {
        do throws(SignedMessage.Failure) {
            try SignedMessage(der: der).verify(text)
            return nil
        } catch {
            return error
        }
    }

    @Test("each family signs a text inside and beside the message", arguments: families.indices, [true, false])
    func everyFamily(_ index: Int, isAttached: Bool) throws {
        let key = try Self.families[index].key()
        let der = try SignedMessage.sign(text, chain: [signer(key)], key: key, isAttached: isAttached)
        #expect(failure(der, text) == nil)
        #expect(failure(der, text + [0]) == .otherContent)
        #expect(try (SignedMessage(der: der).content != nil) == isAttached)
        // Whoever exchanges the certificate exchanges the key.
        let other = try Self.families[index].key()
        let forged = try SignedMessage.sign(text, chain: [signer(key)], key: other, isAttached: isAttached)
        #expect(failure(forged, text) == .badSignature)
    }

    @Test("what openssl signs is read, with and without signed attributes, and what we sign openssl verifies")
    func openssl() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func file(_ name: String) -> String { folder.appendingPathComponent(name).path }
        func write(_ bytes: [UInt8], _ name: String) throws {
            try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        }
        func openssl(_ arguments: [String]) throws -> Int32 {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            process.arguments = arguments
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }
        let key = try PrivateKey.rsa()
        let certificate = try signer(key)
        try write(text, "text")
        try write(key.pem(), "key")
        try write(certificate.pem(), "certificate")
        let sign = [
            "cms", "-sign", "-binary", "-in", file("text"), "-signer", file("certificate"), "-inkey", file("key"),
            "-outform", "DER", "-out", file("message"),
        ]
        func message() throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: file("message")))) }
        for options in [[], ["-nodetach"], ["-noattr"], ["-nodetach", "-keyopt", "rsa_padding_mode:pss"]] {
            #expect(try openssl(sign + options) == 0)
            #expect(failure(try message(), text) == nil, "\(options)")
        }
        #expect(try openssl(sign + ["-md", "sha1"]) == 0)
        #expect(failure(try message(), text) == .weak("SHA-1"))
        #expect(try openssl(sign + ["-nocerts"]) == 0)
        if case .malformed = failure(try message(), text) {} else { Issue.record("a message without certificates") }

        try write(SignedMessage.sign(text, chain: [certificate], key: key, isAttached: true), "message")
        let verify = ["cms", "-verify", "-binary", "-inform", "DER", "-in", file("message"), "-noverify"]
        #expect(try openssl(verify) == 0)
    }

    @Test("a message inside a message is refused")
    func nested() throws {
        let key = try PrivateKey.p256()
        let inner = try SignedMessage.sign(text, chain: [signer(key)], key: key, isAttached: true)
        #expect(failure(try SignedMessage.sign(inner, chain: [signer(key)], key: key, isAttached: true), text) != nil)
    }

    @Test("ten thousand changed messages and certificates: none is accepted, none brings the reader down")
    func mutations() throws {
        let key = try PrivateKey.sm2()
        let certificate = try signer(key)
        let message = try SignedMessage.sign(text, chain: [certificate], key: key, isAttached: true)
        // Certificates inside are judged by their own signature, which the message's does not cover.
        let certificateBytes = try certificate.der()
        var generator = SplitMix(state: 20_261_123)
        for _ in 0..<5_000 {
            var bytes = message
            generator.damage(&bytes)
            if bytes != message, failure(bytes, text) == nil {
                let found = try SignedMessage(der: bytes).certificates[0]
                #expect(try !found.isSigned(by: certificate) && found.publicKey.kind == certificate.publicKeyKind)
            }
            var changed = certificateBytes
            generator.damage(&changed)
            if let found = try? Certificate(der: changed) {
                _ = found.extensionValue("2.5.29.15")
                #expect(
                    (try? PathVerifier(anchors: [certificate]).verify(
                        found, for: PathCheck(purpose: .client, milliseconds: now * 1_000))) == nil
                        || changed == certificateBytes)
            }
        }
    }
}

/// Damage that is the same in every run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func damage(_ bytes: inout [UInt8]) {
        switch Int.random(in: 0..<4, using: &self) {
        case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &self))
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &self), at: Int.random(in: 0...bytes.count, using: &self))
        default:
            for _ in 0..<Int.random(in: 1...3, using: &self) {
                bytes[Int.random(in: 0..<bytes.count, using: &self)] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            }
        }
    }
}
