import Contracts
import Cryptography
import Foundation
import Persistence
import ServiceRuntime

/// The stand-in for the middleware that a CA lock's vendor installs on the bidder's machine: an HTTPS service on loopback
/// that lists the certificates of the plugged-in keys and signs with them behind a PIN. docs/key-agent.md has its API, so
/// that an adapter for a real middleware is a small program.
struct KeyAgent: Sendable {
    /// As on a real lock; then its vendor has to unlock it.
    private static let tries = 5
    private static let longestText = 4_096

    private let keys: [Key]
    private let pin: [UInt8]
    /// Pages that may ask.
    private let origins: Set<String>
    private let database: Database

    private struct Key: Sendable {
        let id: String
        let label: String
        let chain: String
        let key: PrivateKey
    }

    /// - Parameter files: paths of `<file>.pem` and `<file>.key`.
    init(files: [String], pin: String, origins: Set<String>, database: Database) throws {
        keys = try files.map { file in
            let pem = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file + ".pem")))
            let certificate = try Certificate.chain(pem: pem)[0]
            let key = try PrivateKey(pem: [UInt8](Data(contentsOf: URL(fileURLWithPath: file + ".key"))))
            return Key(
                id: try certificate.fingerprint(),
                label: "\(certificate.subject("CN").first ?? "") (\(Self.name(of: key)))",
                chain: String(decoding: pem, as: UTF8.self),
                key: key)
        }
        self.pin = Array(pin.utf8)
        self.origins = origins
        self.database = database
    }

    private static func name(of key: PrivateKey) -> String {
        switch key.usualAlgorithm {
        case .sm2: "SM2"
        case .rsa: "RSA"
        default: "ECC"
        }
    }

    func addRoutes(to web: WebRoutes) {
        for path in ["/v1/certificates", "/v1/signatures"] {
            // The preflight of a page on another origin (Fetch, CORS protocol), and of one that is not on loopback.
            web.on(.options, path) { _ in
                WebReply(
                    status: 204,
                    headers: [
                        ("Access-Control-Allow-Methods", "GET, POST"),
                        ("Access-Control-Allow-Headers", "Content-Type"),
                        ("Access-Control-Allow-Private-Network", "true"), ("Access-Control-Max-Age", "600"),
                    ])
            }
        }
        web.on(.get, "/v1/certificates") { _ in try .json(try await list()) }
        web.on(.post, "/v1/signatures") { request in try .json(try await sign(request)) }
    }

    /// Refuses pages that are not on the list before anything is looked at, and lets the others read what they get.
    @Sendable
    func envelope(
        _ request: WebRequest, _ handler: @Sendable (WebRequest) async throws -> WebReply
    ) async throws -> WebReply {
        guard request.path.hasPrefix("/v1/") else { return try await handler(request) }
        guard let origin = request.origin, origins.contains(origin) else {
            return try .json(Problem(.callerNotAllowed).document(in: request.language), status: 403)
        }
        var reply: WebReply
        do {
            reply = try await handler(request)
        } catch let problem as Problem {
            reply = try .json(problem.document(in: request.language), status: problem.code.status)
        }
        reply.set("Access-Control-Allow-Origin", origin)
        reply.set("Vary", "Origin")
        return reply
    }

    // MARK: The keys

    private struct CertificateItem: Codable {
        let id: String
        let label: String
        /// PEM, leaf first.
        let certificates: String
        let triesLeft: Int
        let isLocked: Bool
    }

    private struct CertificateItems: Codable {
        let certificates: [CertificateItem]
    }

    private func list() async throws -> CertificateItems {
        var items: [CertificateItem] = []
        for key in keys {
            let left = Self.tries - (try await failures(of: key))
            items.append(
                CertificateItem(
                    id: key.id, label: key.label, certificates: key.chain, triesLeft: left, isLocked: left == 0))
        }
        return CertificateItems(certificates: items)
    }

    private struct SignatureRequest: Codable {
        let certificate: String
        let pin: String
        let text: String
    }

    private struct SignatureReply: Codable {
        /// P1, Base64.
        let signature: String
        let certificates: String
    }

    private func sign(_ request: WebRequest) async throws -> SignatureReply {
        let wanted = try request.json(SignatureRequest.self)
        guard let key = keys.first(where: { $0.id == wanted.certificate }) else { throw Problem(.notFound) }
        // A text that another page got from us is not signed for this one: whoever is lured to a copy of the login page
        // signs nothing that opens the real one.
        guard wanted.text.utf8.count <= Self.longestText, let origin = request.origin,
            wanted.text.split(separator: "\n").contains("origin: \(origin)")
        else { throw Problem(.invalidField, "the text does not name the page that asks", field: "/text") }
        guard try await isRight(Array(wanted.pin.utf8), for: key) else { throw Problem(.pinWrong) }
        let signature = try key.key.sign(Array(wanted.text.utf8), by: key.key.usualAlgorithm)
        return SignatureReply(signature: Base64.standard.encode(signature), certificates: key.chain)
    }

    // MARK: The PIN

    private func failures(of key: Key) async throws -> Int {
        try await database.read { transaction in
            try transaction.row("SELECT failures FROM pin WHERE key = ?", key.id)?["failures"] ?? 0
        }
    }

    /// Counts a wrong one, and forgets them at a right one; a locked key takes neither.
    private func isRight(_ given: [UInt8], for key: Key) async throws -> Bool {
        let isRight = isEqualInConstantTime(sha256(given), sha256(pin))
        let isLocked = try await database.write { transaction in
            try transaction.execute("INSERT INTO pin (key, failures) VALUES (?, 0) ON CONFLICT DO NOTHING", key.id)
            return try transaction.execute(
                "UPDATE pin SET failures = \(isRight ? "0" : "failures + 1") WHERE key = ? AND failures < ?", key.id,
                Self.tries) == 0
        }
        guard !isLocked else { throw Problem(.keyLocked) }
        return isRight
    }
}
