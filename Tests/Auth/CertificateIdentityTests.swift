import Contracts
import Cryptography
import Foundation
import ServiceRuntime
import Testing

@Suite("Certificate login")
struct CertificateIdentityTests {
    let seconds = Int64(Date().timeIntervalSince1970)
    let authority: CertificateAuthority
    let policy: CertificatePolicy
    let code = "91350100M000100Y43"
    let otherCode = "91341800MA2T7H7K8M"

    init() throws {
        authority = try CertificateAuthority(name: "CA", notBefore: seconds - 3_600, notAfter: seconds + 86_400)
        policy = CertificatePolicy([
            CertificatePolicy.Authority(name: "CA", paths: try PathVerifier(anchors: [authority.certificate]))
        ])
    }

    private var now: Instant { Instant(milliseconds: seconds * 1_000) }

    private func lock(
        key: PrivateKey? = nil, _ change: (inout CertificateAuthority.Request) -> Void = { _ in }
    ) throws -> Certificate {
        var request = CertificateAuthority.Request(
            subject: [("O", "安徽宏远")], notBefore: seconds - 60, notAfter: seconds + 3_600)
        request.texts = [("1.2.156.10260.4.1.4", code)]
        change(&request)
        return try authority.issue(request, for: (key ?? PrivateKey.p256()).publicKey)
    }

    private func refusal(_ chain: [Certificate], at time: Instant? = nil) -> ProblemCode? {
        do {
            _ = try policy.accept(chain, at: time ?? now)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("A1: the credit code is found in its extension or in the subject, behind prefixes")
    func creditCodes() throws {
        let places: [(inout CertificateAuthority.Request) -> Void] = [
            { _ in }, { $0.texts = [("1.2.86.11.7.4", code)] }, { $0.texts = [("1.2.156.10260.4.1.4", "N\(code)N")] },
            {
                $0.texts = []; $0.subject += [("serialNumber", code)]
            },
            {
                $0.texts = []; $0.subject += [("organizationIdentifier", "USCC-\(code)")]
            },
        ]
        for change in places {
            let found = try policy.accept([try lock(change)], at: now).identity
            #expect(found.creditCode.text == code && found.name.text == "安徽宏远")
        }
    }

    @Test("A1: each fault has its own code")
    func refusals() throws {
        #expect(refusal([]) == .certificateMalformed)
        #expect(refusal([try lock { $0.texts = [] }]) == .certificateWithoutCreditCode)
        #expect(
            refusal([try lock { $0.texts = [("1.2.156.10260.4.1.4", "91350100M000100Y4Z")] }])
                == .certificateWithoutCreditCode)
        #expect(refusal([try lock { $0.keyUsage = "critical,keyEncipherment" }]) == .certificateEncryption)
        #expect(refusal([try lock { $0.extendedKeyUsage = ["serverAuth"] }]) == .certificatePurpose)
        #expect(refusal([try lock { $0.subject += [("serialNumber", otherCode)] }]) == .certificateAmbiguous)
        #expect(refusal([try lock()], at: now + .hours(2)) == .certificateExpired)
        #expect(refusal([try lock()], at: now - .minutes(10)) == .certificateNotYetValid)
        #expect(refusal([try lock(key: .rsa(bits: 1_024))]) == .certificateWeak)
        let stranger = try CertificateAuthority(name: "CA", notBefore: seconds - 3_600, notAfter: seconds + 86_400)
        #expect(refusal([stranger.certificate]) == .certificateUntrusted)
        let leaf = try lock()
        #expect(refusal([leaf] + Array(repeating: leaf, count: 6)) == .certificateMalformed)
    }

    @Test("A1: RSA certificates are as good")
    func rsa() throws {
        #expect(refusal([try lock(key: .rsa())]) == nil)
    }
}
