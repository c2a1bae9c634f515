import Contracts
import Cryptography

/// Which certificates log in, and whom they stand for (A1): algorithm, path, time, purpose, revocation, credit code.
public struct CertificatePolicy: Sendable {
    /// One authority whose certificates log in.
    public struct Authority: Sendable {
        public let name: String
        let paths: PathVerifier
        let places: CreditCodePlaces
        /// While its certificates are accepted at all; open where nil.
        let from: Instant?
        let until: Instant?
        /// Where its certificates may apply; everywhere where nil.
        let regions: [String]?

        public init(
            name: String, paths: PathVerifier, places: CreditCodePlaces = CreditCodePlaces(), from: Instant? = nil,
            until: Instant? = nil, regions: [String]? = nil
        ) {
            self.name = name
            self.paths = paths
            self.places = places
            self.from = from
            self.until = until
            self.regions = regions
        }

        func path(
            of chain: [Certificate], _ leaf: Certificate, at now: Instant
        ) -> Result<[Certificate], PathRefusal> {
            do throws(PathRefusal) {
                let path = try paths.verify(
                    leaf, intermediates: Array(chain.dropFirst()),
                    for: PathCheck(profile: .login, purpose: .client, milliseconds: now.milliseconds))
                return .success(path)
            } catch {
                return .failure(error)
            }
        }

        func isAccepted(at now: Instant) -> Bool {
            (from.map { now >= $0 } ?? true) && (until.map { now < $0 } ?? true)
        }
    }

    /// Longer chains are not issued by anybody and cost time to check.
    private static let maximumChain = 6

    private let authorities: [Authority]

    public init(_ authorities: [Authority]) { self.authorities = authorities }

    /// What a certificate was accepted as.
    public struct Accepted: Sendable {
        public let identity: CertificateIdentity
        /// Name of the authority.
        public let authority: String
        /// Leaf first, anchor last.
        public let path: [Certificate]
    }

    /// - Parameter chain: leaf first.
    /// - Throws: the ``Problem`` that says which certificate broke which rule, and what to do.
    public func accept(_ chain: [Certificate], at now: Instant) throws(Problem) -> Accepted {
        guard let leaf = chain.first, chain.count <= Self.maximumChain else {
            throw Problem(.certificateMalformed, "a chain has 1 to \(Self.maximumChain) certificates")
        }
        var refusal: PathRefusal?
        for authority in authorities where authority.isAccepted(at: now) {
            switch authority.path(of: chain, leaf, at: now) {
            case .success(let path):
                let identity = try CertificateIdentity(
                    leaf, intermediates: Array(chain.dropFirst()), places: authority.places, regions: authority.regions)
                return Accepted(identity: identity, authority: authority.name, path: path)
            case .failure(let found):
                // What another authority says of its own certificate tells more than that it is unknown here.
                if refusal == nil || refusal?.code == .untrusted { refusal = found }
            }
        }
        guard let refusal else { throw Problem(.certificateUntrusted, "no authority is accepted now") }
        throw Problem(refusal)
    }
}
