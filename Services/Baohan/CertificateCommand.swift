import ArgumentParser
import Contracts
import Cryptography
import Foundation
import ServiceRuntime
import StrictJSON

/// The operator's tool for "why am I refused?": the same code path as the login.
struct CertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate", abstract: "Explains and verifies certificates as the login does.",
        subcommands: [ExplainCertificate.self, VerifyCertificate.self])
}

struct VerifyCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verifies certificates; exit code 0 when all are accepted, else 1.",
        discussion: """
            With --batch, each line of the standard input is a JSON object with PEM texts "leaf", "intermediates", \
            "roots" and optionally "crls", and optionally "time" (RFC 3339), "purpose", "name" and "profile"; each is \
            answered by one line: {"accepted":…,"code":…,"sentence":…}. The exit code is 0 when every line was answered.
            """)

    @Argument(help: "PEM files: the certificate first, its intermediates may follow.") var leaves: [String] = []
    @Option(help: "PEM file of the trusted authorities.") var trust: String?
    @Option(help: "PEM file of intermediate certificates.") var intermediates: String?
    @Option(help: "PEM file of revocation lists.") var crl: String?
    @Option(help: "Time of the check in RFC 3339; now if absent.") var time: String?
    @Option(help: "client, server or sign.") var purpose = PathCheck.Purpose.client
    @Option(help: "Host, address or mailbox that the certificate must stand for.") var name: String?
    @Option(help: "rfc5280, webpki or login.") var profile = PathCheck.Profile.rfc5280
    @Flag(help: "Answers in JSON.") var json = false
    @Flag(help: "Reads a batch of JSON lines from the standard input.") var batch = false

    func validate() throws {
        guard batch || (!leaves.isEmpty && trust != nil) else {
            throw ValidationError("a certificate and --trust are due, or --batch")
        }
    }

    func run() async throws {
        if batch { return try answerLines() }
        var areAllAccepted = true
        for leaf in leaves {
            let question = VerificationQuestion(
                leaf: try text(leaf), intermediates: try intermediates.map { [try text($0)] } ?? [],
                roots: [try text(trust ?? "")], crls: try crl.map { [try text($0)] } ?? [], time: time,
                purpose: purpose, name: name, profile: profile)
            let answer = question.answer
            areAllAccepted = areAllAccepted && answer.accepted
            let line = json ? String(decoding: try StrictJSON.encode(answer), as: UTF8.self) : answer.sentence
            print(leaves.count > 1 && !json ? "\(leaf): \(line)" : line)
        }
        if !areAllAccepted { throw ExitCode(1) }
    }

    private func text(_ file: String) throws -> String {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw ValidationError("\(file) cannot be read")
        }
        return text
    }

    private func answerLines() throws {
        while let line = readLine() {
            guard !line.isEmpty else { continue }
            let answer: VerificationAnswer
            do {
                var question = try StrictJSON.decode(VerificationQuestion.self, from: Array(line.utf8))
                question.purpose = question.purpose ?? purpose
                question.profile = question.profile ?? profile
                question.time = question.time ?? time
                answer = question.answer
            } catch {
                answer = VerificationAnswer(accepted: false, code: "question_malformed", sentence: "\(error)")
            }
            print(String(decoding: try StrictJSON.encode(answer), as: UTF8.self))
        }
    }
}

extension PathCheck.Purpose: ExpressibleByArgument {}
extension PathCheck.Profile: ExpressibleByArgument {}

/// One certificate to be verified, in PEM texts.
struct VerificationQuestion: Decodable {
    let leaf: String
    let intermediates: [String]
    let roots: [String]
    let crls: [String]
    var time: String?
    var purpose: PathCheck.Purpose?
    let name: String?
    var profile: PathCheck.Profile?

    init(
        leaf: String, intermediates: [String], roots: [String], crls: [String], time: String?,
        purpose: PathCheck.Purpose, name: String?, profile: PathCheck.Profile
    ) {
        self.leaf = leaf
        self.intermediates = intermediates
        self.roots = roots
        self.crls = crls
        self.time = time
        self.purpose = purpose
        self.name = name
        self.profile = profile
    }

    private enum Keys: String, CodingKey { case leaf, intermediates, roots, crls, time, purpose, name, profile }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        leaf = try container.decode(String.self, forKey: .leaf)
        intermediates = try container.decodeIfPresent(Texts.self, forKey: .intermediates)?.texts ?? []
        roots = try container.decode(Texts.self, forKey: .roots).texts
        crls = try container.decodeIfPresent(Texts.self, forKey: .crls)?.texts ?? []
        time = try container.decodeIfPresent(String.self, forKey: .time)
        purpose = try container.decodeIfPresent(String.self, forKey: .purpose).map {
            guard let purpose = PathCheck.Purpose(rawValue: $0) else { throw Self.unknown("purpose", container) }
            return purpose
        }
        name = try container.decodeIfPresent(String.self, forKey: .name)
        profile = try container.decodeIfPresent(String.self, forKey: .profile).map {
            guard let profile = PathCheck.Profile(rawValue: $0) else { throw Self.unknown("profile", container) }
            return profile
        }
    }

    private static func unknown(_ field: String, _ container: KeyedDecodingContainer<Keys>) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: [], debugDescription: "there is no such \(field)"))
    }

    /// One text, or a list of them.
    private struct Texts: Decodable {
        let texts: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                texts = [text]
            } else {
                texts = try container.decode([String].self)
            }
        }
    }

    // MARK: Answer

    var answer: VerificationAnswer {
        do throws(PathRefusal) {
            let chain = Self.certificates([leaf])
            guard let first = chain.first else { throw Self.refusal(.malformed, "there is no certificate in the text") }
            guard let certificate = first else { throw Self.refusal(.malformed, "its DER cannot be read") }
            let verifier = try PathVerifier(
                anchors: Self.certificates(roots).compactMap { $0 }, revocationLists: try lists())
            let path = try verifier.verify(
                certificate,
                intermediates: (Array(chain.dropFirst()) + Self.certificates(intermediates)).compactMap { $0 },
                for: PathCheck(
                    profile: profile ?? .rfc5280, purpose: purpose ?? .client, milliseconds: try milliseconds(),
                    name: name))
            let names = path.map { $0.subject("CN").first ?? $0.subject("O").first ?? "(no name)" }
            return VerificationAnswer(
                accepted: true, code: "accepted", sentence: "accepted by the path \(names.joined(separator: " ← "))")
        } catch {
            return VerificationAnswer(accepted: false, code: error.code.rawValue, sentence: error.description)
        }
    }

    /// nil in the place of each that cannot be read.
    private static func certificates(_ texts: [String]) -> [Certificate?] {
        texts.flatMap { PEM.blocks(Array($0.utf8), "CERTIFICATE") }.map { try? Certificate(der: $0) }
    }

    private func lists() throws(PathRefusal) -> [RevocationList] {
        var lists: [RevocationList] = []
        for text in crls {
            do throws(RevocationList.Malformed) {
                lists += try RevocationList.lists(pem: Array(text.utf8))
            } catch {
                throw Self.refusal(.revocationList, "a revocation list cannot be used: \(error.detail)")
            }
        }
        return lists
    }

    private func milliseconds() throws(PathRefusal) -> Int64 {
        guard let time else { return Int64(Date().timeIntervalSince1970 * 1_000) }
        do throws(InvalidValue) {
            return try Instant(time).milliseconds
        } catch {
            throw Self.refusal(.malformed, "the time of the check \(error.description)")
        }
    }

    private static func refusal(_ code: PathRefusal.Code, _ detail: String) -> PathRefusal {
        PathRefusal(code: code, depth: 0, subject: "", detail: detail)
    }
}

struct VerificationAnswer: Encodable {
    let accepted: Bool
    /// `accepted`, or the code of the rule that was broken.
    let code: String
    let sentence: String
}

struct ExplainCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tells what is in a certificate, whom it stands for and until when.")

    @Argument(help: "PEM file.") var file: String
    @Flag(help: "Answers in JSON.") var json = false

    func run() async throws {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw ValidationError("\(file) cannot be read")
        }
        let explanations = try Certificate.chain(pem: [UInt8](data)).map { try CertificateExplanation($0) }
        for explanation in explanations {
            print(json ? String(decoding: try StrictJSON.encode(explanation), as: UTF8.self) : explanation.text)
        }
    }
}

/// What a person wants to know of a certificate.
struct CertificateExplanation: Encodable {
    let subject: String
    let issuer: String
    let serialNumber: String
    let fingerprint: String
    let key: String
    let signature: String
    let notBefore: Instant
    let notAfter: Instant
    let isAuthority: Bool
    let mayLogIn: Bool
    /// Whom it stands for, and by which rule.
    let creditCode: String?
    let foundIn: String?
    let identityProblem: String?

    init(_ certificate: Certificate) throws {
        subject = certificate.subjectText
        issuer = certificate.issuerText
        serialNumber = certificate.serialNumber
        fingerprint = try certificate.fingerprint()
        key =
            switch certificate.publicKeyKind {
            case .rsa(let bits): "RSA, \(bits) bits"
            case .ellipticCurve(let name): "elliptic curve \(name)"
            case .ed25519: "Ed25519"
            case .other: "a kind that is not accepted"
            }
        signature = certificate.signatureAlgorithm?.name ?? "cannot be read"
        notBefore = Instant(milliseconds: certificate.notBefore * 1_000)
        notAfter = Instant(milliseconds: certificate.notAfter * 1_000)
        isAuthority = certificate.isAuthority
        mayLogIn = certificate.allowsDigitalSignature && !certificate.isAuthority
        do throws(Problem) {
            let identity = try CertificateIdentity(certificate, places: CreditCodePlaces())
            creditCode = identity.creditCode.text
            foundIn = identity.place
            identityProblem = nil
        } catch {
            creditCode = nil
            foundIn = nil
            identityProblem = error.code.sentence(in: .english)
        }
    }

    var text: String {
        let identity =
            creditCode.map { "\($0), found in \(foundIn ?? "")" } ?? identityProblem ?? "nobody"
        return """
            subject      \(subject)
            issuer       \(issuer)
            stands for   \(identity)
            key          \(key); \(mayLogIn ? "may sign and log in" : isAuthority ? "an authority's" : "may not log in")
            signed by    \(signature)
            valid        \(notBefore.text) to \(notAfter.text)
            serial       \(serialNumber)
            SHA-256      \(fingerprint)

            """
    }
}
