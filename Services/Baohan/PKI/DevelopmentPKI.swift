import Contracts
import Cryptography
import Foundation

/// The certificates and keys of a development deployment, in one folder:
///
/// - `root.pem`: the deployment's own authority; `<party>.pem` and `.key`: one certificate per party, its identity in a
///   URI name; the sandbox holds those of the whole outside world.
/// - `ca-root.pem`: a stand-in for the authorities that sell CA locks; `bidder-*.pem`, `underwriter-*.pem`.
/// - `signing.pem`, `session.key`, `cookies.key`, `handoff*.pem`, `platforms.json`, `callbacks.keys`, `staff.json`: what services sign with and are told.
///
/// For development only: the authorities' keys lie beside the certificates.
struct DevelopmentPKI {
    /// What the sandbox plays.
    static let outside: [Party] = [.tradingCentre, .provider, .insurer, .bank, .smsGateway, .taxPlatform, .courier]
    private static let validity: Int64 = 397 * 86_400

    let folder: URL

    init(folder: URL) { self.folder = folder }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    var exists: Bool {
        // The last that was added: an older one is made anew.
        ["root.pem", "authorities.json", "operator-1.pem"].allSatisfy {
            FileManager.default.fileExists(atPath: path($0))
        }
    }

    // MARK: Making

    /// Makes what is not there yet; the samples for the demo among it.
    func create() throws {
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        guard !exists else { return }
        let now = Int64(Date().timeIntervalSince1970)
        let deployment = try CertificateAuthority(
            name: "Baohan development root", notBefore: now - 3_600, notAfter: now + 10 * Self.validity)
        let authority = try CertificateAuthority(
            name: "开发用企业证书根", notBefore: now - 3_600, notAfter: now + 10 * Self.validity)
        for party in [Party.auth, .order, .payment, .refund, .invoice, .portal, .tool] {
            try issue(party.rawValue, for: [party], by: deployment)
        }
        try issue("sandbox", for: Self.outside, by: deployment)
        try issueSigner("signing", name: "宣城保函服务平台电子签章", by: deployment)
        try issueSigner("handoff", name: "宣城市公共资源交易平台", by: deployment)
        try issueSigner("handoff-changsha", name: "长沙公共资源交易平台", by: deployment)
        try write(
            Array(
                #"""
                [
                  { "issuer": "xuancheng", "certificate": "handoff.pem", "regions": ["341800"] },
                  { "issuer": "changsha", "certificate": "handoff-changsha.pem", "regions": ["430100"] }
                ]
                """#.utf8), "platforms.json")
        try write(PrivateKey.p256().pem(), "session.key")
        try write(Array((randomBytes(32).hex + "\n").utf8), "cookies.key")
        try write(Array((randomBytes(32).hex + "\n").utf8), "callbacks.keys")
        let national = try CertificateAuthority(
            name: "开发用国密企业证书根", key: .sm2(), notBefore: now - 3_600, notAfter: now + 10 * Self.validity)
        for bidder in try SampleBidder.all() { try issue(bidder, by: authority) }
        if let bidder = try SampleBidder.all().first {
            try issueCALock(
                "\(bidder.certificate)-sm2", name: bidder.registered.name,
                creditCode: bidder.registered.creditCode, key: .sm2(), by: national)
        }
        var staff: [[String: String]] = []
        for insurer in try sampleProviders().flatMap(\.insurers) {
            try issueCALock(
                "underwriter-\(insurer.id)", name: insurer.name, creditCode: insurer.creditCode, key: .p256(),
                by: authority)
            staff.append(["creditCode": insurer.creditCode.text, "role": "underwriter", "insurer": insurer.id])
        }
        for (number, code) in [(1, "91341800MA2Y1Y1Y1"), (2, "91341800MA2Y2Y2Y2")] {
            let code = try UnifiedSocialCreditCode(completing: code)
            try issueCALock(
                "operator-\(number)", name: try Words("宣城保函服务平台运营\(number)部"), creditCode: code, key: .p256(),
                by: authority)
            staff.append(["creditCode": code.text, "role": "operator"])
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try write([UInt8](encoder.encode(staff)), "staff.json")
        try keep(authority, "ca-root")
        try keep(national, "ca-sm2-root")
        try write(
            [UInt8](
                encoder.encode(
                    [("开发用企业证书", "ca-root"), ("开发用国密企业证书", "ca-sm2-root")].map { name, file in
                        AuthorityEntry(
                            name: name, anchors: "\(file).pem",
                            revocation: AuthorityEntry.Revocation(
                                policy: "hard", graceHours: 24, lists: ["\(file).crl"]))
                    }
                )), "authorities.json")
        try revoke([], by: "ca-root")
        try revoke([], by: "ca-sm2-root")
        // Last, because its presence says that everything else is there.
        try keep(deployment, "root")
    }

    /// What Auth is told of one authority.
    private struct AuthorityEntry: Encodable {
        struct Revocation: Encodable {
            let policy: String
            let graceHours: Int
            let lists: [String]
        }

        let name: String
        let anchors: String
        let revocation: Revocation
    }

    /// Writes a new revocation list of `authority` with these serial numbers.
    func revoke(_ serialNumbers: [String], by authority: String = "ca-root") throws {
        let now = Int64(Date().timeIntervalSince1970)
        let list = try load(authority).revocationList(
            serialNumbers, thisUpdate: now - 60, nextUpdate: now + 10 * Self.validity)
        try write(list, "\(authority).crl")
    }

    /// Changes the deployment's root and every certificate of it while the services run.
    ///
    /// - Parameter pause: lets every service read the files again; called between the steps.
    func rotate(_ pause: (String) async throws -> Void) async throws {
        let now = Int64(Date().timeIntervalSince1970)
        let old = try read("root.pem")
        let new = try CertificateAuthority(
            name: "Baohan development root \(now)", notBefore: now - 3_600, notAfter: now + 10 * Self.validity)
        // Trusted before it issues anything, and the old one until nothing of it is left.
        try write(old + new.certificate.pem(), "root.pem")
        try await pause("both roots are trusted")
        for party in [Party.auth, .order, .payment, .refund, .invoice, .portal, .tool] {
            try issue(party.rawValue, for: [party], by: new)
        }
        try issue("sandbox", for: Self.outside, by: new)
        try await pause("every party has a new certificate")
        try keep(new, "root")
    }

    private func keep(_ authority: CertificateAuthority, _ name: String) throws {
        try write(authority.key.pem(), "\(name).key")
        try write(authority.certificate.pem(), "\(name).pem")
    }

    private func load(_ name: String) throws -> CertificateAuthority {
        CertificateAuthority(
            certificate: try Certificate.chain(pem: read("\(name).pem"))[0],
            key: try PrivateKey(pem: read("\(name).key")))
    }

    /// A certificate of the deployment, with one identity per party that its process plays.
    ///
    /// - Parameter insurers: which ones it speaks for, where it is one; all samples if nil.
    func issue(_ name: String, for parties: [Party], insurers: [String]? = nil) throws {
        try issue(name, for: parties, insurers: insurers, by: load("root"))
    }

    private func issue(
        _ name: String, for parties: [Party], insurers: [String]? = nil, by authority: CertificateAuthority
    ) throws {
        let now = Int64(Date().timeIntervalSince1970)
        var request = CertificateAuthority.Request(
            subject: [("O", "Baohan"), ("CN", name)], notBefore: now - 3_600, notAfter: now + Self.validity)
        let spokenFor =
            parties.contains(.insurer) ? try insurers ?? sampleProviders().flatMap(\.insurers).map(\.id) : []
        let names = parties.map(\.uri) + spokenFor.map(Party.insurerURI)
        request.alternativeNames = names.map { "URI:\($0)" } + ["DNS:localhost", "DNS:\(name)", "IP:127.0.0.1"]
        request.extendedKeyUsage = ["serverAuth", "clientAuth"]
        try issue(name, request, key: .p256(), by: authority)
    }

    private func issueSigner(_ name: String, name subject: String, by authority: CertificateAuthority) throws {
        let now = Int64(Date().timeIntervalSince1970)
        var request = CertificateAuthority.Request(
            subject: [("O", subject), ("CN", subject)], notBefore: now - 3_600, notAfter: now + Self.validity)
        request.keyUsage = "critical,digitalSignature,nonRepudiation"
        request.extendedKeyUsage = ["emailProtection"]
        try issue(name, request, key: .p256(), by: authority)
    }

    private func issue(_ bidder: SampleBidder, by authority: CertificateAuthority) throws {
        try issueCALock(
            bidder.certificate, name: bidder.registered.name, creditCode: bidder.registered.creditCode,
            key: bidder.hasRSAKey ? .rsa() : .p256(), by: authority)
    }

    /// A certificate as a CA lock holds it: the credit code in an extension and in the subject.
    func issueCALock(
        _ file: String, name: Words, creditCode: UnifiedSocialCreditCode, key: PrivateKey,
        change: (inout CertificateAuthority.Request) -> Void = { _ in }
    ) throws {
        try issueCALock(file, name: name, creditCode: creditCode, key: key, by: load("ca-root"), change: change)
    }

    private func issueCALock(
        _ file: String, name: Words, creditCode: UnifiedSocialCreditCode, key: PrivateKey,
        by authority: CertificateAuthority,
        change: (inout CertificateAuthority.Request) -> Void = { _ in }
    ) throws {
        try issue(file, Self.caLock(name, creditCode, change), key: key, by: authority)
    }

    /// A certificate as a CA lock holds it, in memory only.
    func caLock(name: Words, creditCode: UnifiedSocialCreditCode, key: PrivateKey) throws -> Certificate {
        try load("ca-root").issue(Self.caLock(name, creditCode) { _ in }, for: key.publicKey)
    }

    private static func caLock(
        _ name: Words, _ creditCode: UnifiedSocialCreditCode, _ change: (inout CertificateAuthority.Request) -> Void
    ) -> CertificateAuthority.Request {
        let now = Int64(Date().timeIntervalSince1970)
        var request = CertificateAuthority.Request(
            subject: [("C", "CN"), ("O", name.text), ("serialNumber", creditCode.text), ("CN", name.text)],
            notBefore: now - 3_600, notAfter: now + validity)
        request.keyUsage = "critical,digitalSignature,nonRepudiation"
        request.extendedKeyUsage = ["clientAuth"]
        request.texts = [(oid: "1.2.156.10260.4.1.4", value: creditCode.text)]
        change(&request)
        return request
    }

    private func issue(
        _ name: String, _ request: CertificateAuthority.Request, key: PrivateKey, by authority: CertificateAuthority
    ) throws {
        let certificate = try authority.issue(request, for: key.publicKey)
        try write(key.pem(), "\(name).key")
        try write(certificate.pem(), "\(name).pem")
    }

    // MARK: Files

    func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appendingPathComponent(name))) }

    private func write(_ bytes: [UInt8], _ name: String) throws {
        // Written beside and renamed, so that nobody reads half a file.
        let draft = path(".\(name).new")
        guard
            FileManager.default.createFile(
                atPath: draft, contents: Data(bytes),
                attributes: [.posixPermissions: name.hasSuffix(".pem") ? 0o644 : 0o600]),
            rename(draft, path(name)) == 0
        else { throw CocoaError(.fileWriteUnknown) }
    }
}
