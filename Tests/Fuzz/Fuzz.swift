import Contracts
import Cryptography
import Foundation
import StrictJSON

// One program for all targets, chosen by FUZZ_TARGET; `make fuzz` builds and runs it. What it looks for is a crash, a hang,
// a leak, and an accepted forgery.

private let anchor = try? CertificateAuthority(
    name: "根", notBefore: 1_700_000_000, notAfter: 1_900_000_000
).certificate
private let key = try? PrivateKey.p256().publicKey

private struct Ticket: Codable {
    let iss: String
    let aud: String
    let sub: UnifiedSocialCreditCode
    let name: Words
    let lot: LotID
    let iat: Int64
    let exp: Int64
    let jti: String
}

private struct Body: Codable {
    let id: OrderID
    let premium: Money
    let opening: Instant
    let mobile: MobileNumber?
    let texts: [String: [Int]]
}

private let targets: [String: @Sendable ([UInt8]) -> Void] = [
    "certificate": { bytes in
        guard let certificate = try? Certificate(der: bytes), let anchor else { return }
        _ = (certificate.subject("CN"), certificate.issuerText, certificate.serialNumber, certificate.publicKeyKind)
        _ = (certificate.extensionValue("1.2.156.10260.4.1.4"), certificate.signatureAlgorithm)
        let check = PathCheck(profile: .login, purpose: .client, milliseconds: 1_800_000_000_000)
        let isAccepted =
            (try? PathVerifier(anchors: [anchor]).verify(certificate, intermediates: [certificate], for: check)) != nil
        precondition(!isAccepted, "a certificate that nobody signed was accepted")
    },
    "cms": { bytes in
        guard let message = try? SignedMessage(der: bytes) else { return }
        let text = Array("Baohan login, of this moment".utf8)
        if (try? message.verify(text)) != nil { precondition(message.content == nil || message.content == text) }
    },
    "ticket": { bytes in
        guard let token = try? JWS.Token(String(decoding: bytes, as: UTF8.self)), let key else { return }
        precondition((try? token.verify(with: key)) == nil, "a ticket that nobody signed was accepted")
        _ = try? StrictJSON.decode(Ticket.self, from: token.header)
    },
    "json": { bytes in
        guard let body = try? StrictJSON.decode(Body.self, from: bytes, rules: .publicAPI) else { return }
        guard let again = try? StrictJSON.encode(body), (try? StrictJSON.decode(Body.self, from: again)) != nil else {
            preconditionFailure("what was read cannot be written")
        }
    },
    "crl": { bytes in
        guard let list = try? RevocationList(der: bytes), let anchor else { return }
        precondition(!list.isSigned(by: anchor), "a list that nobody signed was accepted")
        _ = list.reason(forSerialNumber: bytes.prefix(20))
    },
]
private let target = targets[ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""]

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard let target else {
        FileHandle.standardError.write(
            Data("FUZZ_TARGET must be one of \(targets.keys.sorted().joined(separator: ", "))\n".utf8))
        exit(64)
    }
    target(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
