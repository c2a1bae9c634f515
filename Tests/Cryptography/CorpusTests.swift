import Foundation
import Testing

@testable import Cryptography

@Suite("Defective certificates")
struct CorpusTests {
    @Test("without a defect the chain is accepted")
    func good() throws {
        let refusal = try CertificateCorpus().refusal(nil)
        #expect(refusal == nil, "\(refusal?.description ?? "")")
    }

    @Test("one defect, one refusal, by the rule that it breaks", arguments: CertificateCorpus.defects.map(\.name))
    func refused(_ name: String) throws {
        let defect = try #require(CertificateCorpus.defects.first { $0.name == name })
        let refusal = try #require(try CertificateCorpus().refusal(defect), "it was accepted")
        #expect(refusal.code == defect.code, "\(refusal.description)")
    }

    @Test("there are at least sixty, each with a name of its own, and most rules have one")
    func names() {
        let defects = CertificateCorpus.defects
        #expect(defects.count >= 60 && Set(defects.map(\.name)).count == defects.count)
        #expect(Set(defects.map(\.code)).count >= 20)
    }

    @Test("what a script makes byte by byte, signed by openssl: the good are accepted, the bad are not")
    func script() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("corpus-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("make-corpus")
        process.arguments = [folder.path]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        func bytes(_ file: URL) throws -> [UInt8] { [UInt8](try Data(contentsOf: file)) }
        let verifier = try PathVerifier(
            anchors: Certificate.chain(pem: bytes(folder.appendingPathComponent("roots.pem"))))
        let check = PathCheck(profile: .login, purpose: .client, milliseconds: CertificateCorpus.time * 1_000)
        for (kind, atLeast) in [("good", 30), ("bad", 140)] {
            let files = try FileManager.default.contentsOfDirectory(
                at: folder.appendingPathComponent(kind), includingPropertiesForKeys: nil)
            #expect(files.count >= atLeast)
            for file in files {
                let name = file.deletingPathExtension().lastPathComponent
                // What a certificate says of its owner is judged by the login, see CertificateIdentityTests.
                guard !name.contains("credit-code") || kind == "good" || name.contains("changed") else { continue }
                let refusal: String?
                do {
                    let chain = try Certificate.chain(pem: bytes(file))
                    _ = try verifier.verify(chain[0], intermediates: Array(chain.dropFirst()), for: check)
                    refusal = nil
                } catch {
                    refusal = "\(error)"
                }
                #expect((refusal == nil) == (kind == "good"), "\(kind)/\(name): \(refusal ?? "accepted")")
            }
        }
    }

    @Test("chains that lead nowhere are given up: loops, thousands of look-alikes, chains without end")
    func searches() throws {
        let time = CertificateCorpus.time
        func authority(_ name: String) throws -> CertificateAuthority {
            try CertificateAuthority(name: name, notBefore: time - 60, notAfter: time + 60)
        }
        func request(_ name: String) -> CertificateAuthority.Request {
            var request = CertificateAuthority.Request(
                subject: [("CN", name)], notBefore: time - 60, notAfter: time + 60)
            request.isAuthority = true
            request.keyUsage = "critical,keyCertSign"
            return request
        }
        let root = try authority("根")
        let check = PathCheck(purpose: .client, milliseconds: time * 1_000)
        func code(_ leaf: Certificate, _ others: [Certificate]) throws -> PathRefusal.Code? {
            do throws(PathRefusal) {
                _ = try PathVerifier(anchors: [root.certificate]).verify(leaf, intermediates: others, for: check)
                return nil
            } catch {
                return error.code
            }
        }
        var leafRequest = request("叶")
        leafRequest.isAuthority = false
        leafRequest.keyUsage = "critical,digitalSignature"
        // Two that sign each other.
        let (left, right) = (try authority("左"), try authority("右"))
        let loop = [
            try left.issue(request("右"), for: right.key.publicKey),
            try right.issue(request("左"), for: left.key.publicKey),
        ]
        #expect(try code(left.issue(leafRequest, for: PrivateKey.p256().publicKey), loop) == .untrusted)
        // A hundred certificates for the same name and key.
        let same = try authority("同")
        let alike = try (0..<100).map { _ in try same.issue(request("同"), for: same.key.publicKey) }
        #expect(try code(same.issue(leafRequest, for: PrivateKey.p256().publicKey), alike) == .untrusted)
        // A chain of forty.
        var last = root
        var chain: [Certificate] = []
        for number in 0..<40 {
            let key = try PrivateKey.p256()
            let certificate = try last.issue(request("第\(number)"), for: key.publicKey)
            chain.append(certificate)
            last = CertificateAuthority(certificate: certificate, key: key)
        }
        #expect(try code(last.issue(leafRequest, for: PrivateKey.p256().publicKey), chain) != nil)
    }
}
