import Cryptography
import Foundation
import Testing

@Suite("Digests and Base64")
struct DigestTests {
    @Test("FIPS 180-4 and RFC 4231 vectors")
    func vectors() {
        #expect(sha256(Array("abc".utf8)).hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hmacSHA256(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8)).hex
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test("RFC 4648 vectors", arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar", "\u{FF}\u{FE}~?>"])
    func base64(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(Base64.standard.encode(bytes) == Data(bytes).base64EncodedString())
        #expect(Base64.standard.decode(Base64.standard.encode(bytes)) == bytes)
        #expect(Base64.url.decode(Base64.url.encode(bytes)) == bytes)
    }

    @Test("loose Base64 is refused", arguments: ["Zg=", "Zg", "Zh==", "Z===", "Zm9v\n", "Zm-v", "===="])
    func strict(_ text: String) {
        #expect(Base64.standard.decode(text) == nil)
    }

    @Test("hexadecimal digits go there and back")
    func hexadecimal() {
        #expect(bytes(hex: "00ffA5") == [0, 255, 165])
        #expect(bytes(hex: "0") == nil && bytes(hex: "zz") == nil && bytes(hex: "١٢") == nil)
    }
}

@Suite("Keys and tokens")
struct KeyTests {
    @Test("signatures of P-256 and RSA hold for their message and key only")
    func signatures() throws {
        for key in [try PrivateKey.p256(), try PrivateKey.rsa()] {
            let signature = try key.sign(Array("message".utf8))
            #expect(try key.publicKey.verifies(signature, of: Array("message".utf8)))
            #expect(try !key.publicKey.verifies(signature, of: Array("massage".utf8)))
            #expect(try !PrivateKey.p256().publicKey.verifies(signature, of: Array("message".utf8)))
            let copy = try PrivateKey(pem: key.pem())
            #expect(try copy.publicKey.verifies(signature, of: Array("message".utf8)))
        }
    }

    @Test("a P-256 key survives its coordinates, and a point off the curve is refused")
    func coordinates() throws {
        let key = try PrivateKey.p256()
        let (x, y) = try key.publicKey.coordinates()
        let signature = try key.sign([1, 2, 3])
        #expect(try PublicKey(x: x, y: y).verifies(signature, of: [1, 2, 3]))
        #expect(throws: CryptographyError.self) { try PublicKey(x: x, y: x) }
    }

    @Test("RFC 7515: a token is good for its key and its bytes")
    func tokens() throws {
        let key = try PrivateKey.p256()
        let token = try JWS.sign(header: Array(#"{"alg":"ES256"}"#.utf8), payload: Array("{}".utf8), key: key)
        #expect(try JWS.Token(token).verify(with: key.publicKey) == Array("{}".utf8))
        #expect(throws: JWS.Failure.badSignature) { try JWS.Token(token).verify(with: PrivateKey.p256().publicKey) }
        #expect(throws: JWS.Failure.badSignature) { try JWS.Token(token).verify(with: PrivateKey.rsa().publicKey) }
        let parts = token.split(separator: ".")
        let forged = "\(parts[0]).\(Base64.url.encode(Array("{\"a\":1}".utf8))).\(parts[2])"
        #expect(throws: JWS.Failure.badSignature) { try JWS.Token(forged).verify(with: key.publicKey) }
        for broken in ["", "a.b", "\(parts[0]).\(parts[1]).", "\(token).x", "\(parts[0]).\(parts[1]).AAAA"] {
            #expect(throws: JWS.Failure.malformed) { try JWS.Token(broken) }
        }
    }

    @Test("a thousand signatures keep their length, whatever zeros they begin with")
    func lengths() throws {
        let key = try PrivateKey.p256()
        for round in 0..<1_000 {
            let token = try JWS.sign(header: [], payload: Array("\(round)".utf8), key: key)
            #expect(try JWS.Token(token).verify(with: key.publicKey) == Array("\(round)".utf8))
        }
    }
}

@Suite("Certificates")
struct CertificateTests {
    let now = Int64(Date().timeIntervalSince1970)

    func authority(_ name: String = "root") throws -> CertificateAuthority {
        try CertificateAuthority(name: name, notBefore: now - 60, notAfter: now + 86_400)
    }

    func request(_ change: (inout CertificateAuthority.Request) -> Void = { _ in }) -> CertificateAuthority.Request {
        var request = CertificateAuthority.Request(
            subject: [("O", "安徽宏远建设工程有限公司"), ("CN", "宏远")], notBefore: now - 60, notAfter: now + 3_600)
        change(&request)
        return request
    }

    @Test("a certificate says what was asked for")
    func contents() throws {
        let key = try PrivateKey.p256()
        let certificate = try authority().issue(
            request { $0.texts = [("1.2.156.10260.4.1.4", "91350100M000100Y43")] }, for: key.publicKey)
        #expect(certificate.subject("O") == ["安徽宏远建设工程有限公司"])
        #expect(certificate.subject("2.5.4.3") == ["宏远"])
        let value = try #require(certificate.extensionValue("1.2.156.10260.4.1.4"))
        #expect(String(decoding: value.dropFirst(2), as: UTF8.self) == "91350100M000100Y43")
        #expect(certificate.extensionValue("1.2.3.4") == nil)
        #expect(certificate.allowsDigitalSignature && !certificate.isAuthority)
        #expect(certificate.notAfter == now + 3_600)
        #expect(try Certificate(der: certificate.der()).fingerprint() == certificate.fingerprint())
        #expect(throws: CryptographyError.self) { try Certificate(der: certificate.der() + [0]) }
    }

    @Test("a path is refused for each of its faults")
    func paths() throws {
        let root = try authority()
        let key = try PrivateKey.p256()
        let leaf = try root.issue(request(), for: key.publicKey)
        let check = PathCheck(profile: .login, purpose: .client, milliseconds: now * 1_000)
        func refusal(_ leaf: Certificate, at time: Int64, anchor: Certificate) -> PathRefusal.Code? {
            do throws(PathRefusal) {
                var check = check
                check.milliseconds = time * 1_000
                _ = try PathVerifier(anchors: [anchor]).verify(leaf, for: check)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(refusal(leaf, at: now, anchor: root.certificate) == nil)
        #expect(refusal(leaf, at: now + 7_200, anchor: root.certificate) == .expired)
        #expect(refusal(leaf, at: now - 7_200, anchor: root.certificate) == .notYetValid)
        #expect(refusal(leaf, at: now, anchor: try authority("other").certificate) == .untrusted)
        let fake = try CertificateAuthority(certificate: root.certificate, key: PrivateKey.p256())
        #expect(
            refusal(try fake.issue(request(), for: key.publicKey), at: now, anchor: root.certificate) == .signature)
    }

    @Test("an intermediate leads to the root only if it may issue")
    func intermediates() throws {
        let root = try authority()
        let key = try PrivateKey.p256()
        for isAuthority in [true, false] {
            let middle = try root.issue(
                request {
                    $0.isAuthority = isAuthority
                    $0.keyUsage = isAuthority ? "critical,keyCertSign" : "critical,digitalSignature"
                }, for: key.publicKey)
            let leaf = try CertificateAuthority(certificate: middle, key: key).issue(
                request(), for: PrivateKey.p256().publicKey)
            let check = PathCheck(profile: .login, purpose: .client, milliseconds: now * 1_000)
            let verifier = try PathVerifier(anchors: [root.certificate])
            let isAccepted = (try? verifier.verify(leaf, intermediates: [middle], for: check)) != nil
            #expect(isAccepted == isAuthority)
        }
    }

    @Test("openssl accepts the CMS signature over a document, and not over another one")
    func cms() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let root = try authority()
        let key = try PrivateKey.p256()
        let leaf = try root.issue(request { $0.extendedKeyUsage = ["emailProtection"] }, for: key.publicKey)
        let document = Array("%PDF document\nwith lines\r\n".utf8)
        let signature = try DocumentSigner(chain: [leaf], key: key).sign(document)
        func write(_ bytes: [UInt8], _ name: String) throws -> String {
            let file = folder.appendingPathComponent(name)
            try Data(bytes).write(to: file)
            return file.path
        }
        let files = (
            signature: try write(signature, "signature"), document: try write(document, "document"),
            changed: try write(document + [0x20], "changed"), root: try write(root.certificate.pem(), "root")
        )
        func verify(_ content: String) throws -> Int32 {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            process.arguments = [
                "cms", "-verify", "-binary", "-inform", "DER", "-in", files.signature, "-content", content, "-CAfile",
                files.root, "-out", "/dev/null",
            ]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }
        #expect(try verify(files.document) == 0)
        #expect(try verify(files.changed) != 0)
        #expect(throws: CryptographyError.self) { try DocumentSigner(chain: [leaf], key: .p256()) }
    }
}
