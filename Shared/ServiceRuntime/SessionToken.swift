import Contracts
import Cryptography
import Foundation
import NIOConcurrencyHelpers
import StrictJSON

/// What a session token says (RFC 7519).
struct SessionClaims: Codable {
    let iss: String
    let aud: String
    let sub: EnterpriseID
    let sid: SessionID
    let role: Role
    let standing: Standing
    let name: Words
    let uscc: UnifiedSocialCreditCode
    let insurer: String?
    let regions: [String]?
    let iat: Int64
    let exp: Int64
}

struct TokenHeader: Codable {
    let alg: String
    let typ: String
    let kid: String
}

/// Issuer and audience of session tokens.
let sessionIssuer = "baohan-auth"
let sessionAudience = "baohan"

/// Signs session tokens; Auth only. Several keys may be known at a time: the first signs, all are published, so that keys
/// are changed while tokens of the old one are still about.
public final class SessionIssuer: Sendable {
    private struct Signer {
        let key: PrivateKey
        let keyID: String
        /// From when on it signs.
        let from: Instant
    }

    private struct Ring {
        /// In the order in which they begin to sign.
        let signers: [Signer]
        let keySet: KeySet

        func signer(at now: Instant) -> Signer { signers.last { $0.from <= now } ?? signers[0] }
    }

    /// Services fetch the keys every two seconds; a new key signs when all of them know it.
    private static let announcement = Duration.seconds(10)

    private let ring: NIOLockedValueBox<Ring>

    /// - Throws: ``CryptographyError`` unless all are P-256 keys.
    public init(keys: [PrivateKey]) throws {
        ring = NIOLockedValueBox(try Self.ring(keys, after: nil, at: Instant(milliseconds: 0)))
    }

    /// Takes other keys. All are published at once; the first signs as soon as everybody has had time to learn of it, or
    /// at once when the one before it is gone.
    public func replace(with keys: [PrivateKey], at now: Instant) throws {
        let before = ring.withLockedValue { $0 }
        let new = try Self.ring(keys, after: before, at: now)
        ring.withLockedValue { $0 = new }
    }

    private static func ring(_ keys: [PrivateKey], after before: Ring?, at now: Instant) throws -> Ring {
        let published = try keys.map { key in
            let (x, y) = try key.publicKey.coordinates()
            return KeySet.Key(
                kty: "EC", crv: "P-256", kid: String(sha256(x + y).hex.prefix(16)), x: Base64.url.encode(x),
                y: Base64.url.encode(y))
        }
        let first = published[0].kid
        let keySet = KeySet(keys: published)
        guard let current = before?.signer(at: now), current.keyID != first,
            published.contains(where: { $0.kid == current.keyID })
        else { return Ring(signers: [Signer(key: keys[0], keyID: first, from: now)], keySet: keySet) }
        return Ring(
            signers: [current, Signer(key: keys[0], keyID: first, from: now + announcement)], keySet: keySet)
    }

    public var keySet: KeySet { ring.withLockedValue { $0.keySet } }

    /// A bearer token: who shows it is the portal or the tool, whose certificate is never the person's.
    public func token(for person: Person, from start: Instant, until end: Instant) throws -> String {
        let signer = ring.withLockedValue { $0.signer(at: start) }
        let header = TokenHeader(alg: "ES256", typ: "JWT", kid: signer.keyID)
        let claims = SessionClaims(
            iss: sessionIssuer, aud: sessionAudience, sub: person.enterprise, sid: person.session, role: person.role,
            standing: person.standing, name: person.name, uscc: person.creditCode, insurer: person.insurer,
            regions: person.regions, iat: start.seconds, exp: end.seconds)
        return try JWS.sign(
            header: try StrictJSON.encode(header), payload: try StrictJSON.encode(claims), key: signer.key)
    }
}

/// Verifies session tokens with Auth's published keys, fetched when a token names one that is not known.
public final class SessionVerifier: Sendable {
    /// Longer than any token lives.
    static let longestLifetime = Duration.minutes(6)
    /// Not more often than this is Auth asked for keys, whatever tokens claim.
    private static let refreshInterval = Duration.seconds(5)
    /// A token that was issued in another process's present may lie a little in ours.
    private static let leeway: Int64 = 5

    /// More than anybody is logged in at a time on one replica; a cache that is full begins anew.
    private static let cachedTokens = 10_000
    /// A token of ours has about 600 bytes.
    private static let longestToken = 4_096

    private struct Verified {
        let person: Person
        let issuedAt: Int64
        let expiresAt: Int64
    }

    private struct State {
        var keys: [String: PublicKey] = [:]
        /// The same as Auth published them, to see whether they changed.
        var published: [String: String] = [:]
        var fetchedAt: Instant?
        /// Under way; everybody who needs a new key waits for the same one.
        var fetching: Task<[String: PublicKey], any Error>?
    }

    private let state = NIOLockedValueBox(State())
    /// Tokens whose signature was found good with the keys that are known now.
    private let cache = NIOLockedValueBox<[String: Verified]>([:])
    private let revoked = NIOLockedValueBox<Set<SessionID>>([])
    private let fetch: @Sendable () async throws -> KeySet
    private let clock: ServiceClock

    public init(clock: ServiceClock, fetch: @escaping @Sendable () async throws -> KeySet) {
        self.clock = clock
        self.fetch = fetch
    }

    /// Who holds the token, while it is valid and its session goes on.
    ///
    /// - Throws: ``ProblemCode/sessionInvalid``, ``ProblemCode/sessionExpired``, ``ProblemCode/sessionRevoked``.
    package func verify(_ text: String) async throws -> Person {
        let verified: Verified
        if let known = cache.withLockedValue({ $0[text] }) {
            verified = known
        } else {
            verified = try await check(text)
            cache.withLockedValue { cache in
                if cache.count >= Self.cachedTokens { cache.removeAll(keepingCapacity: true) }
                cache[text] = verified
            }
        }
        let now = clock.now.seconds
        guard verified.issuedAt <= now + Self.leeway else { throw Problem(.sessionInvalid) }
        guard now < verified.expiresAt else { throw Problem(.sessionExpired) }
        guard !revoked.withLockedValue({ $0.contains(verified.person.session) }) else { throw Problem(.sessionRevoked) }
        return verified.person
    }

    /// Signature and claims: what does not change while the key is published.
    private func check(_ text: String) async throws -> Verified {
        guard text.utf8.count <= Self.longestToken, let token = try? JWS.Token(text),
            let header = try? StrictJSON.decode(TokenHeader.self, from: token.header), header.alg == "ES256",
            header.typ == "JWT", let key = try await key(header.kid), let payload = try? token.verify(with: key),
            let claims = try? StrictJSON.decode(SessionClaims.self, from: payload),
            claims.iss == sessionIssuer, claims.aud == sessionAudience, claims.iat < claims.exp,
            claims.exp - claims.iat <= Self.longestLifetime.components.seconds
        else { throw Problem(.sessionInvalid) }
        return Verified(
            person: Person(
                enterprise: claims.sub, role: claims.role, standing: claims.standing, name: claims.name,
                creditCode: claims.uscc, insurer: claims.insurer, session: claims.sid, regions: claims.regions),
            issuedAt: claims.iat, expiresAt: claims.exp)
    }

    /// Fetches the keys again, so that one that was withdrawn is forgotten.
    package func refreshKeys() async throws { _ = try await refresh(at: clock.now) }

    /// Takes over which sessions were ended. Their tokens run out by themselves within minutes, so the list stays short.
    func setRevoked(_ sessions: [SessionID]) {
        revoked.withLockedValue { $0 = Set(sessions) }
    }

    private enum Lookup {
        case known(PublicKey?)
        case wait(Task<[String: PublicKey], any Error>)
    }

    private func key(_ id: String) async throws -> PublicKey? {
        let now = clock.now
        let lookup = state.withLockedValue { state -> Lookup in
            if let key = state.keys[id] { return .known(key) }
            if let fetching = state.fetching { return .wait(fetching) }
            // A clock that was moved back must not lock the refresh out.
            guard state.fetchedAt.map({ now - $0 >= Self.refreshInterval || now < $0 }) ?? true else {
                return .known(nil)
            }
            let fetching = Task { try await self.refresh(at: now) }
            state.fetching = fetching
            return .wait(fetching)
        }
        switch lookup {
        case .known(let key): return key
        case .wait(let fetching):
            do {
                return try await fetching.value[id]
            } catch {
                throw Problem(.unavailable, "the login service cannot be reached", retryAfter: .seconds(1))
            }
        }
    }

    private func refresh(at now: Instant) async throws -> [String: PublicKey] {
        defer { state.withLockedValue { $0.fetching = nil } }
        var keys: [String: PublicKey] = [:]
        var published: [String: String] = [:]
        for key in try await fetch().keys where key.kty == "EC" && key.crv == "P-256" {
            guard let x = Base64.url.decode(key.x), let y = Base64.url.decode(key.y) else { continue }
            keys[key.kid] = try PublicKey(x: x, y: y)
            published[key.kid] = "\(key.x) \(key.y)"
        }
        let (fresh, names) = (keys, published)
        let isChanged = state.withLockedValue { state in
            defer { state.published = names }
            state.keys = fresh
            state.fetchedAt = now
            return state.published != names
        }
        // A key that was withdrawn must not live on in what it signed.
        if isChanged { cache.withLockedValue { $0.removeAll() } }
        return fresh
    }
}
