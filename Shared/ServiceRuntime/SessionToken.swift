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
    let name: Words
    let uscc: UnifiedSocialCreditCode
    let insurer: String?
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

/// Signs session tokens; Auth only.
public struct SessionIssuer: Sendable {
    private let key: PrivateKey
    private let keyID: String
    public let keySet: KeySet

    public init(key: PrivateKey) throws {
        self.key = key
        let (x, y) = try key.publicKey.coordinates()
        keyID = String(sha256(x + y).hex.prefix(16))
        keySet = KeySet(keys: [
            KeySet.Key(kty: "EC", crv: "P-256", kid: keyID, x: Base64.url.encode(x), y: Base64.url.encode(y))
        ])
    }

    public func token(for person: Person, from start: Instant, until end: Instant) throws -> String {
        let header = TokenHeader(alg: "ES256", typ: "JWT", kid: keyID)
        let claims = SessionClaims(
            iss: sessionIssuer, aud: sessionAudience, sub: person.enterprise, sid: person.session, role: person.role,
            name: person.name, uscc: person.creditCode, insurer: person.insurer, iat: start.seconds, exp: end.seconds)
        return try JWS.sign(header: try StrictJSON.encode(header), payload: try StrictJSON.encode(claims), key: key)
    }
}

/// Verifies session tokens with Auth's published keys, fetched when a token names one that is not known.
public final class SessionVerifier: Sendable {
    /// Not more often than this is Auth asked for keys, whatever tokens claim.
    private static let refreshInterval = Duration.seconds(5)
    /// A token that was issued in another process's present may lie a little in ours.
    private static let leeway: Int64 = 5

    private struct State {
        var keys: [String: PublicKey] = [:]
        var fetchedAt: Instant?
        /// Under way; everybody who needs a new key waits for the same one.
        var fetching: Task<[String: PublicKey], any Error>?
    }

    private let state = NIOLockedValueBox(State())
    private let fetch: @Sendable () async throws -> KeySet
    private let clock: ServiceClock

    public init(clock: ServiceClock, fetch: @escaping @Sendable () async throws -> KeySet) {
        self.clock = clock
        self.fetch = fetch
    }

    func verify(_ text: String) async throws -> Person {
        guard let token = try? JWS.Token(text),
            let header = try? StrictJSON.decode(TokenHeader.self, from: token.header), header.alg == "ES256",
            header.typ == "JWT", let key = try await key(header.kid), let payload = try? token.verify(with: key),
            let claims = try? StrictJSON.decode(SessionClaims.self, from: payload),
            claims.iss == sessionIssuer, claims.aud == sessionAudience
        else { throw Problem(.sessionInvalid) }
        let now = clock.now.seconds
        guard claims.iat <= now + Self.leeway else { throw Problem(.sessionInvalid) }
        guard now < claims.exp else { throw Problem(.sessionExpired) }
        return Person(
            enterprise: claims.sub, role: claims.role, name: claims.name, creditCode: claims.uscc,
            insurer: claims.insurer, session: claims.sid)
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
        for key in try await fetch().keys where key.kty == "EC" && key.crv == "P-256" {
            guard let x = Base64.url.decode(key.x), let y = Base64.url.decode(key.y) else { continue }
            keys[key.kid] = try PublicKey(x: x, y: y)
        }
        let fresh = keys
        state.withLockedValue { state in
            state.keys = fresh
            state.fetchedAt = now
        }
        return fresh
    }
}
