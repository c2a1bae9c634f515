import Foundation
import Testing

@testable import Cryptography

@Suite("Revocation lists")
struct RevocationTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let root: CertificateAuthority
    private let leaf: Certificate

    init() throws {
        root = try CertificateAuthority(name: "根", notBefore: now - 86_400, notAfter: now + 86_400)
        leaf = try root.issue(
            CertificateAuthority.Request(subject: [("O", "企业")], notBefore: now - 60, notAfter: now + 3_600),
            for: PrivateKey.p256().publicKey)
    }

    private func list(
        _ revoked: [String], by authority: CertificateAuthority? = nil, from: Int64 = -60, until: Int64 = 3_600
    ) throws -> RevocationList {
        try RevocationList(
            der: (authority ?? root).revocationList(revoked, thisUpdate: now + from, nextUpdate: now + until))
    }

    private func refusal(
        _ lists: [RevocationList], _ policy: PathVerifier.RevocationPolicy = .required(graceSeconds: 0)
    ) throws -> PathRefusal.Code? {
        let verifier = try PathVerifier(anchors: [root.certificate], revocationLists: lists, revocation: policy)
        do throws(PathRefusal) {
            _ = try verifier.verify(leaf, for: PathCheck(purpose: .client, milliseconds: now * 1_000))
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a revoked certificate is refused, any other goes on, whatever the policy")
    func revoked() throws {
        #expect(try refusal([list([])]) == nil)
        #expect(try refusal([list(["00a1", "7f", leaf.serialNumber])]) == .revoked)
        #expect(try refusal([list([leaf.serialNumber])], .whereKnown) == .revoked)
        #expect(try refusal([list(["0102"])]) == nil)
    }

    @Test("hard: without a usable list nobody passes, but for the grace")
    func hard() throws {
        #expect(try refusal([]) == .revocationUnknown)
        #expect(try refusal([], .whereKnown) == nil)
        let stale = try list([], from: -7_200, until: -3_600)
        #expect(try refusal([stale]) == .revocationList)
        #expect(try refusal([stale], .required(graceSeconds: 3_601)) == nil)
        #expect(try refusal([list([], from: 60)]) == .revocationList)
    }

    @Test("a list of another authority with the same name counts for nothing")
    func otherIssuer() throws {
        let impostor = try CertificateAuthority(name: "根", notBefore: now - 86_400, notAfter: now + 86_400)
        #expect(try refusal([list([], by: impostor)]) == .revocationList)
        let other = try CertificateAuthority(name: "别的根", notBefore: now - 86_400, notAfter: now + 86_400)
        #expect(try refusal([list([leaf.serialNumber], by: other)]) == .revocationUnknown)
    }

    @Test("a delta list changes the list that it names, and none that is missing or newer")
    func deltas() throws {
        func list(_ revoked: [String], number: UInt8, changing base: UInt8? = nil) throws -> RevocationList {
            try RevocationList(
                der: root.revocationList(
                    revoked, number: number, changing: base, thisUpdate: now - 60, nextUpdate: now + 60))
        }
        let base = try list([], number: 5)
        #expect(try refusal([base, list([leaf.serialNumber], number: 7, changing: 5)]) == .revoked)
        #expect(try refusal([base, list([leaf.serialNumber], number: 7, changing: 4)]) == .revoked)
        #expect(try refusal([base, list([leaf.serialNumber], number: 9, changing: 6)]) == nil)
        #expect(try refusal([base, list([leaf.serialNumber], number: 4, changing: 3)]) == nil)
        #expect(try refusal([list([], number: 7, changing: 5)]) == .revocationUnknown)
    }

    @Test("a list that is one of several is for the certificates that name it only")
    func parts() throws {
        let address = "http://ca.example.cn/part-1.crl"
        var request = CertificateAuthority.Request(subject: [("O", "企业")], notBefore: now - 60, notAfter: now + 3_600)
        request.revocationList = address
        let named = try root.issue(request, for: PrivateKey.p256().publicKey)
        func refusal(_ certificate: Certificate, _ revoked: [String], part: String) throws -> PathRefusal.Code? {
            let list = try RevocationList(
                der: root.revocationList(revoked, part: part, thisUpdate: now - 60, nextUpdate: now + 60))
            let verifier = try PathVerifier(
                anchors: [root.certificate], revocationLists: [list], revocation: .required(graceSeconds: 0))
            do throws(PathRefusal) {
                _ = try verifier.verify(certificate, for: PathCheck(purpose: .client, milliseconds: now * 1_000))
                return nil
            } catch {
                return error.code
            }
        }
        #expect(try refusal(named, [], part: address) == nil)
        #expect(try refusal(named, [named.serialNumber], part: address) == .revoked)
        #expect(try refusal(named, [], part: "http://ca.example.cn/part-2.crl") == .revocationUnknown)
        #expect(try refusal(leaf, [], part: address) == .revocationUnknown)
    }

    @Test("every changed byte of a list is noticed")
    func changed() throws {
        let der = try root.revocationList([leaf.serialNumber], thisUpdate: now - 60, nextUpdate: now + 60)
        for index in der.indices {
            var bytes = der
            bytes[index] ^= 1
            guard let list = try? RevocationList(der: bytes) else { continue }
            #expect(!list.isSigned(by: root.certificate), "byte \(index)")
        }
    }

    @Test("serial numbers of every length are found, and their neighbours are not")
    func serialNumbers() throws {
        let numbers = (1...20).map { length in (0..<length).map { _ in UInt8.random(in: 1...127) } }
        let list = try list(numbers.map(\.hex))
        #expect(list.count == 20)
        for number in numbers {
            #expect(list.reason(forSerialNumber: number) == 0)
            var other = number
            other[other.count - 1] ^= 0x55
            #expect(list.reason(forSerialNumber: other) == nil || numbers.contains(other))
        }
    }

    @Test("openssl reads the lists that we make")
    func openssl() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).crl")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(root.revocationList([leaf.serialNumber], thisUpdate: now - 60, nextUpdate: now + 60)).write(to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = ["crl", "-inform", "DER", "-in", file.path, "-noout", "-text"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(text.contains(leaf.serialNumber.uppercased()) && text.contains("X509v3 CRL Number"))
    }

    @Test("times are written and read as RFC 5280 says, on both sides of 2050")
    func times() throws {
        for seconds: Int64 in [0, 951_782_399, 1_709_164_800, 2_524_607_999, 2_524_608_000, 4_102_444_800] {
            let value = try DERReader.only(CertificateTime.der(seconds)[0], in: CertificateTime.der(seconds)[...])
            #expect(CertificateTime.seconds(value) == seconds)
        }
        for text in ["240101000000", "2401010000Z", "240229250000Z", "230229000000Z", "240101000000+0800"] {
            let bytes = [0x17, UInt8(text.utf8.count)] + Array(text.utf8)
            #expect(try CertificateTime.seconds(DERReader.only(0x17, in: bytes[...])) == nil)
        }
    }
}
