import Contracts
import Cryptography
import Foundation
import Logging
import ServiceRuntime
import StrictJSON
import Synchronization

/// One authority in the file that `login.authorities` names. Paths in it are relative to the file.
struct AuthorityConfiguration: Codable, Sendable {
    struct Revocation: Codable, Sendable {
        enum Policy: String, Codable, Sendable {
            /// Without a current list nobody of this authority logs in.
            case hard
            /// Without a current list people log in, and the log says so.
            case soft
        }

        let policy: Policy
        /// How long after its due time a list still counts.
        let graceHours: Int
        /// Files, or addresses that begin with `http://`.
        let lists: [String]
        /// Address of the authority's responder (OCSP), which is asked before the lists.
        let responder: String?
        /// Whether the responder's answers may be made beforehand, without our nonce.
        let allowsStoredAnswers: Bool?
    }

    let name: String
    /// PEM with one or more trusted certificates.
    let anchors: String
    /// PEM with certificates that need not be sent along.
    let intermediates: String?
    let from: Instant?
    let until: Instant?
    /// Codes of the regions in which its certificates may apply; all where absent.
    let regions: [String]?
    /// Places of the credit code by the issuer's common name, as `extension 1.2.156.10260.4.1.4` or `subject 2.5.4.5`.
    let creditCodePlaces: [String: [String]]?
    let revocation: Revocation?
}

/// The authorities whose certificates log in, with their revocation lists of now.
final class Authorities: Sendable {
    private let folder: URL
    private let configurations: [AuthorityConfiguration]
    /// Where fetched lists outlive a restart.
    private let cache: URL
    private let clock: ServiceClock
    private let logger: Logger
    private let current: Mutex<CertificatePolicy>
    /// By the authority's name.
    private let responders: [String: Responder]
    /// Of authorities with a responder: judges by what it and the lists say together.
    private let strict = Mutex<[String: PathVerifier]>([:])
    /// The newest good list of each source.
    private let lists = Mutex<[String: RevocationList]>([:])
    /// Authorities without a current list, of which the log knows.
    private let alarmed = Mutex<Set<String>>([])
    /// When each file was last read.
    private let modified = Mutex<[String: Date]>([:])

    /// - Throws: when the file or a certificate in it cannot be read; no list need be there yet.
    init(file: String, cache: String, clock: ServiceClock, logger: Logger) throws {
        let url = URL(fileURLWithPath: file)
        folder = url.deletingLastPathComponent()
        self.cache = URL(fileURLWithPath: cache)
        self.clock = clock
        self.logger = logger
        configurations = try StrictJSON.decode(
            [AuthorityConfiguration].self, from: [UInt8](try Data(contentsOf: url)), rules: .publicAPI)
        current = Mutex(CertificatePolicy([]))
        responders = Dictionary(
            uniqueKeysWithValues: configurations.compactMap { configuration in
                configuration.revocation.flatMap { revocation in
                    revocation.responder.map { address in
                        let responder = Responder(
                            address: address, demandsNonce: revocation.allowsStoredAnswers != true,
                            grace: .hours(revocation.graceHours), logger: logger)
                        return (configuration.name, responder)
                    }
                }
            })
        try FileManager.default.createDirectory(at: self.cache, withIntermediateDirectories: true)
        for source in configurations.flatMap({ $0.revocation?.lists ?? [] }) {
            if let kept = try? Data(contentsOf: cacheFile(source)) { try? take([UInt8](kept), from: source) }
        }
        try rebuild()
    }

    private var policy: CertificatePolicy { current.withLock { $0 } }

    var hasResponders: Bool { !responders.isEmpty }

    /// Whom a chain stands for, when nothing is known against it.
    ///
    /// - Parameter chain: leaf first.
    func identity(of chain: [Certificate], at now: Instant) async throws(Problem) -> CertificateIdentity {
        let accepted = try policy.accept(chain, at: now)
        guard let responder = responders[accepted.authority], let leaf = chain.first else { return accepted.identity }
        var check = PathCheck(profile: .login, purpose: .client, milliseconds: now.milliseconds)
        for (depth, (certificate, issuer)) in zip(accepted.path, accepted.path.dropFirst()).enumerated() {
            switch await responder.status(of: certificate, from: issuer, at: now) {
            case .good: check.knownGood.insert(sha256((try? certificate.der()) ?? []))
            case .revoked:
                throw Problem(
                    PathRefusal(
                        code: .revoked, depth: depth, subject: certificate.subject("CN").first ?? "",
                        detail: "its authority says that it was revoked"))
            case .unknown, nil: break
            }
        }
        // What the responder did not answer, the lists have to.
        if let strict = strict.withLock({ $0[accepted.authority] }) {
            do throws(PathRefusal) {
                _ = try strict.verify(leaf, intermediates: Array(chain.dropFirst()), for: check)
            } catch {
                throw Problem(error)
            }
        }
        return accepted.identity
    }

    // MARK: Revocation lists

    /// Fetches every list that is due, and judges with it from then on.
    ///
    /// - Returns: whether there was a new one.
    @discardableResult
    func refresh() async throws -> Bool {
        var isNew = false
        for source in Set(configurations.flatMap { $0.revocation?.lists ?? [] }) {
            do {
                let bytes: [UInt8]
                if source.hasPrefix("http://") {
                    guard isDue(source) else { continue }
                    bytes = try await PublicFile.fetch(source)
                } else {
                    guard try isChanged(source) else { continue }
                    bytes = try read(source)
                }
                try take(bytes, from: source)
                try Data(bytes).write(to: cacheFile(source), options: .atomic)
                isNew = true
            } catch {
                logger.warning("revocation list", metadata: ["source": "\(source)", "cause": "\(error)"])
            }
        }
        try rebuild()
        return isNew
    }

    /// Half of a list's life before it runs out, so that an outage of the authority is no outage here.
    private func isDue(_ source: String) -> Bool {
        guard let list = lists.withLock({ $0[source] }) else { return true }
        return clock.now.seconds >= list.thisUpdate + (list.nextUpdate - list.thisUpdate) / 2
    }

    private func isChanged(_ file: String) throws -> Bool {
        let path = URL(fileURLWithPath: file, relativeTo: folder).path
        let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        return modified.withLock { modified in
            guard let date, modified[file] != date else { return false }
            modified[file] = date
            return true
        }
    }

    /// A list is taken when it is signed by one of its authority's certificates and not older than the one before.
    private func take(_ bytes: [UInt8], from source: String) throws {
        let isText = bytes.starts(with: Array("-----BEGIN".utf8))
        let list = try isText ? RevocationList.lists(pem: bytes)[0] : RevocationList(der: bytes)
        let issuers = try configurations.filter { $0.revocation?.lists.contains(source) == true }.flatMap {
            try certificates($0.anchors) + ($0.intermediates.map { try certificates($0) } ?? [])
        }
        guard issuers.contains(where: { list.isSigned(by: $0) }) else {
            throw ListRefused(description: "it is not signed by its authority")
        }
        try lists.withLock { lists in
            if let known = lists[source], list.thisUpdate < known.thisUpdate {
                throw ListRefused(description: "it is older than the one that is known")
            }
            lists[source] = list
        }
    }

    private func rebuild() throws {
        let lists = lists.withLock { $0 }
        let now = clock.now.seconds
        let authorities = try configurations.map { configuration in
            let own = (configuration.revocation?.lists ?? []).compactMap { lists[$0] }
            let policy: PathVerifier.RevocationPolicy
            switch configuration.revocation?.policy {
            case .hard: policy = .required(graceSeconds: Int64(configuration.revocation?.graceHours ?? 0) * 3_600)
            case .soft:
                policy = .whereKnown
                let isStale = configuration.revocation?.lists.isEmpty == false && own.allSatisfy { $0.nextUpdate < now }
                if alarm(configuration.name, isStale) {
                    logger.error("no current revocation list", metadata: ["authority": "\(configuration.name)"])
                }
            case nil: policy = .whereKnown
            }
            // Where a list is not all there is, one that has run out says nothing instead of refusing everybody.
            let current = own.filter { $0.nextUpdate >= now }
            let hasResponder = responders[configuration.name] != nil
            let usable = policy == .whereKnown || hasResponder ? current : own
            let anchors = try certificates(configuration.anchors)
            let intermediates = try configuration.intermediates.map { try certificates($0) } ?? []
            if hasResponder, policy != .whereKnown {
                let verifier = try PathVerifier(
                    anchors: anchors, intermediates: intermediates, revocationLists: current, revocation: policy)
                strict.withLock { $0[configuration.name] = verifier }
            }
            return CertificatePolicy.Authority(
                name: configuration.name,
                paths: try PathVerifier(
                    anchors: anchors, intermediates: intermediates, revocationLists: usable,
                    revocation: hasResponder ? .whereKnown : policy),
                places: CreditCodePlaces(
                    byIssuer: (configuration.creditCodePlaces ?? [:]).mapValues {
                        $0.compactMap(CreditCodePlaces.Place.init)
                    }
                ), from: configuration.from, until: configuration.until, regions: configuration.regions)
        }
        current.withLock { $0 = CertificatePolicy(authorities) }
    }

    /// Whether to raise an alarm: once when there is a reason, and again when it has gone and come back.
    private func alarm(_ name: String, _ hasReason: Bool) -> Bool {
        alarmed.withLock { alarmed in
            guard hasReason else {
                alarmed.remove(name)
                return false
            }
            return alarmed.insert(name).inserted
        }
    }

    // MARK: Files

    private func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: name, relativeTo: folder)))
    }

    private func certificates(_ name: String) throws -> [Certificate] { try Certificate.chain(pem: read(name)) }

    private func cacheFile(_ source: String) -> URL {
        cache.appendingPathComponent(sha256(source.utf8).hex.prefix(32) + ".crl")
    }
}

/// Why a revocation list was not taken.
struct ListRefused: Error, CustomStringConvertible {
    let description: String
}
