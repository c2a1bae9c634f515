import Contracts
import Cryptography
import Foundation
import Testing

@testable import Auth

@Suite("Signed challenges")
struct ChallengeSignatureTests {
    @Test("A1: a key that is too short is refused as such, whatever it signed", arguments: [1_024, 2_048] as [UInt32])
    func shortKeys(_ bits: UInt32) throws {
        let now = Int64(Date().timeIntervalSince1970)
        let key = try PrivateKey.rsa(bits: bits)
        let chain = [
            try CertificateAuthority(name: "CA", key: key, notBefore: now - 60, notAfter: now + 3_600).certificate
        ]
        let text = Array("text".utf8)
        let signature = try key.sign(text, by: .rsa(.sha256))
        let message = try SignedMessage.sign(text, chain: chain, key: key, isAttached: true)
        let answers = [
            ChallengeAnswer(
                certificates: String(decoding: try chain[0].pem(), as: UTF8.self),
                signature: Base64.standard.encode(signature)),
            ChallengeAnswer(form: .cms, signature: Base64.standard.encode(message)),
        ]
        for (answer, code) in zip(answers, [ProblemCode.certificateWeak, .signatureWeak]) {
            if bits >= 2_048 {
                #expect(try signers(of: text, answer).count == 1)
            } else {
                let problem = #expect(throws: Problem.self) { try signers(of: text, answer) }
                #expect(problem?.code == code)
            }
        }
    }
}
