import Contracts
import Cryptography
import Foundation
import ServiceRuntime

/// What a login and every request behind it cost in processor time, on one core.
func checks(seconds: Double) async throws {
    let now = ServiceClock().now
    let message = Array("Baohan login\norigin: https://localhost\n".utf8)

    func rate(_ name: String, _ work: () async throws -> Void) async throws {
        let end = ContinuousClock.now + .seconds(seconds)
        var count = 0
        while ContinuousClock.now < end {
            try await work()
            count += 1
        }
        print(name, Double(count) / seconds, separator: "\t")
    }

    // A signature over the challenge, and the path of its certificate to a root.
    let families: [(String, PrivateKey, SignatureAlgorithm)] = [
        ("RSA 2048", try .rsa(), .rsa(.sha256)), ("RSA 2048 PSS", try .rsa(), .rsaPSS(.sha256)),
        ("P-256", try .p256(), .ecdsa(.sha256)), ("P-384", try .p384(), .ecdsa(.sha384)),
        ("SM2", try .sm2(), .sm2), ("Ed25519", try .ed25519(), .ed25519),
    ]
    for (name, key, algorithm) in families {
        let root = try CertificateAuthority(
            name: "根", key: name.hasPrefix("RSA") ? try .rsa() : name == "SM2" ? try .sm2() : try .p256(),
            notBefore: now.seconds - 60, notAfter: now.seconds + 3_600)
        var request = CertificateAuthority.Request(
            subject: [("O", "企业")], notBefore: now.seconds - 60, notAfter: now.seconds + 3_600)
        request.texts = [("1.2.156.10260.4.1.4", "91350100M000100Y43")]
        let der = try root.issue(request, for: key.publicKey).der()
        let signature = try key.sign(message, by: algorithm)
        let policy = CertificatePolicy([
            CertificatePolicy.Authority(name: name, paths: try PathVerifier(anchors: [root.certificate]))
        ])
        try await rate("challenge logins per second, \(name)") {
            let certificate = try Certificate(der: der)
            let isGood = try certificate.publicKey.verifies(signature, of: message, by: algorithm)
            precondition(isGood)
            _ = try policy.accept([certificate], at: now)
        }
    }

    // Tokens.
    let key = try PrivateKey.p256()
    let issuer = try SessionIssuer(keys: [key])
    let verifier = SessionVerifier(clock: ServiceClock()) { issuer.keySet }
    let tokens = try (0..<4_000).map { _ in
        try issuer.token(
            for: Person(
                enterprise: EnterpriseID(), role: .bidder, standing: .holder, name: Words("企业"),
                creditCode: UnifiedSocialCreditCode("91350100M000100Y43"), insurer: nil, session: SessionID()),
            from: now, until: now + .minutes(5))
    }
    let (publicKey, signature) = (try key.publicKey, try key.sign(message))
    try await rate("raw ECDSA P-256 verifications per second") {
        precondition(publicKey.verifies(signature, of: message))
    }
    var next = 0
    try await rate("token verifications per second, each token once") {
        // Every round of all tokens begins with nothing remembered.
        if next % tokens.count == 0 { try await verifier.refreshKeys() }
        _ = try await verifier.verify(tokens[next % tokens.count])
        next += 1
    }
    try await rate("token verifications per second, repeated") { _ = try await verifier.verify(tokens[0]) }
}

/// Writes a list of a million serial numbers, and beside it its authority's certificate.
func writeBigList(_ file: String) throws {
    let now = ServiceClock().now.seconds
    let root = try CertificateAuthority(name: "根", notBefore: now - 60, notAfter: now + 3_600)
    let numbers = (0..<1_000_000).map { _ in randomBytes(16).hex }
    let list = try root.revocationList(numbers, thisUpdate: now - 60, nextUpdate: now + 3_600)
    try Data(list).write(to: URL(fileURLWithPath: file))
    try Data(root.certificate.pem()).write(to: URL(fileURLWithPath: file + ".pem"))
}

/// Memory and look-ups of such a list, in a process that has done nothing else.
func lookUps(_ file: String, seconds: Double) throws {
    let root = try Certificate.chain(pem: [UInt8](try Data(contentsOf: URL(fileURLWithPath: file + ".pem"))))[0]
    let before = residentMiB()
    let list = try RevocationList(der: [UInt8](try Data(contentsOf: URL(fileURLWithPath: file))))
    let isSigned = list.isSigned(by: root)
    precondition(isSigned && list.count == 1_000_000)
    print("memory of a list of 1,000,000 serial numbers, MiB", residentMiB() - before, separator: "\t")
    var number: UInt64 = 0
    var count = 0
    let start = ContinuousClock.now
    while ContinuousClock.now < start + .seconds(seconds) {
        for _ in 0..<10_000 {
            number = number &* 6_364_136_223_846_793_005 &+ 1
            _ = list.reason(forSerialNumber: withUnsafeBytes(of: number.bigEndian) { Array($0) })
        }
        count += 10_000
    }
    let elapsed = Double((ContinuousClock.now - start).milliseconds) / 1_000
    print("a look-up in 1,000,000 serial numbers, µs", elapsed * 1_000_000 / Double(count), separator: "\t")
}

private func residentMiB() -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS") } ?? ""
    return (Double(line.filter(\.isNumber)) ?? 0) / 1_024
}
