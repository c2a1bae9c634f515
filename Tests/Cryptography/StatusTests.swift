import Foundation
import Testing

@testable import Cryptography

/// An authority and a bidder's certificate, with `openssl ocsp` as the responder.
@Suite("Certificate status")
struct StatusTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let folder: URL
    private let root: CertificateAuthority
    private let leaf: Certificate

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("status-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        root = try CertificateAuthority(name: "Root", notBefore: now - 86_400, notAfter: now + 86_400)
        leaf = try root.issue(
            CertificateAuthority.Request(subject: [("O", "Bidder")], notBefore: now - 60, notAfter: now + 3_600),
            for: PrivateKey.p256().publicKey)
        try write(root.certificate.pem(), "root.pem")
        try write(root.key.pem(), "root.key")
    }

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    private func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: folder.appendingPathComponent(name))
    }

    /// A certificate for answering in somebody's name.
    private func responder(
        _ name: String, by authority: CertificateAuthority? = nil, usage: [String] = ["OCSPSigning"],
        until: Int64 = 3_600
    ) throws {
        let key = try PrivateKey.p256()
        var request = CertificateAuthority.Request(
            subject: [("CN", name)], notBefore: now - 7_200, notAfter: now + until)
        request.extendedKeyUsage = usage
        try write((authority ?? root).issue(request, for: key.publicKey).pem(), "\(name).pem")
        try write(key.pem(), "\(name).key")
    }

    private enum State: String { case valid = "V", revoked = "R" }

    private func answer(
        to request: StatusRequest, _ state: State?, signedBy signer: String = "root"
    ) throws -> [UInt8] {
        let serial = leaf.serialNumber.uppercased()
        let line = state.map {
            "\($0.rawValue)\t400101000000Z\t\($0 == .revoked ? "260101000000Z" : "")\t\(serial)\tunknown\t/O=Bidder\n"
        }
        try write(Array((line ?? "").utf8), "index.txt")
        try write(request.der, "request.der")
        return try respond(signer)
    }

    /// An answer that was made for nobody's request in particular.
    private func storedAnswer() throws -> [UInt8] {
        _ = try answer(to: ask(), .valid)
        try write(leaf.pem(), "leaf.pem")
        try openssl([
            "ocsp", "-issuer", path("root.pem"), "-cert", path("leaf.pem"), "-no_nonce", "-reqout", path("request.der"),
        ])
        return try respond("root")
    }

    private func respond(_ signer: String) throws -> [UInt8] {
        try openssl([
            "ocsp", "-index", path("index.txt"), "-CA", path("root.pem"), "-rsigner", path("\(signer).pem"), "-rkey",
            path("\(signer).key"), "-reqin", path("request.der"), "-respout", path("response.der"), "-ndays", "1",
        ])
        return [UInt8](try Data(contentsOf: folder.appendingPathComponent("response.der")))
    }

    private func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
    }

    private func ask() throws -> StatusRequest { try StatusRequest(leaf, issuer: root.certificate) }

    @Test("good, revoked and unknown, by the issuer itself and by a responder of its")
    func statuses() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try responder("responder")
        for signer in ["root", "responder"] {
            let request = try ask()
            let good = try request.answer(
                answer(to: request, .valid, signedBy: signer), at: now, demandsNonce: true)
            #expect(good.status == .good && good.validUntil > now + 80_000)
            let revoked = try request.answer(
                answer(to: request, .revoked, signedBy: signer), at: now, demandsNonce: true)
            #expect(revoked.status == .revoked(at: 1_767_225_600))
            let unknown = try request.answer(answer(to: request, nil, signedBy: signer), at: now, demandsNonce: true)
            #expect(unknown.status == .unknown)
        }
    }

    @Test("an answer to another request, without our nonce, out of date or about another certificate says nothing")
    func otherAnswers() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (request, other) = (try ask(), try ask())
        let response = try answer(to: request, .valid)
        func refusal(_ request: StatusRequest, _ response: [UInt8], at time: Int64, nonce: Bool = true) -> String? {
            do {
                _ = try request.answer(response, at: time, demandsNonce: nonce)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(refusal(request, response, at: now) == nil)
        #expect(refusal(other, response, at: now) == "it answers another request")
        #expect(refusal(request, response, at: now + 2 * 86_400) == "it is out of date")
        #expect(refusal(request, response, at: now - 3_600) == "it is from the future")
        let plain = try storedAnswer()
        #expect(refusal(request, plain, at: now) == "it was not made for this request")
        #expect(refusal(request, plain, at: now, nonce: false) == nil)
        let neighbour = try root.issue(
            CertificateAuthority.Request(subject: [("O", "Other")], notBefore: now - 60, notAfter: now + 3_600),
            for: PrivateKey.p256().publicKey)
        let third = try StatusRequest(neighbour, issuer: root.certificate)
        #expect(refusal(third, plain, at: now, nonce: false) == "it is about another certificate")
    }

    @Test(
        "only the issuer, and who has its certificate for answering, may answer",
        arguments: ["stranger", "server", "late"])
    func signers(_ name: String) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let impostor = try CertificateAuthority(name: "Root", notBefore: now - 86_400, notAfter: now + 86_400)
        switch name {
        case "stranger": try responder(name, by: impostor)
        case "server": try responder(name, usage: ["serverAuth"])
        default: try responder(name, until: -3_600)
        }
        let request = try ask()
        let response = try answer(to: request, .valid, signedBy: name)
        #expect(
            throws: StatusRequest.Refused(description: "it is signed neither by the issuer nor by a responder of its")
        ) { try request.answer(response, at: now, demandsNonce: true) }
    }

    @Test("no changed or shortened byte of an answer is accepted")
    func mutations() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try responder("responder")
        let request = try ask()
        let response = try answer(to: request, .valid, signedBy: "responder")
        let good = try request.answer(response, at: now, demandsNonce: true)
        for index in response.indices {
            var changed = response
            changed[index] ^= 0x01
            if let answer = try? request.answer(changed, at: now, demandsNonce: true) {
                // Bytes of the responder's certificate behind its signature are not looked at.
                #expect(answer == good)
            }
            #expect(throws: StatusRequest.Refused.self) {
                try request.answer(Array(response[..<index]), at: now, demandsNonce: true)
            }
        }
    }
}
