import Contracts
import Cryptography
import Logging
import ServiceRuntime
import Synchronization

/// One authority's responder (OCSP, RFC 6960): says of a certificate whether it was revoked.
final class Responder: Sendable {
    /// More than log in within the life of an answer; a cache that is full begins anew.
    private static let cachedAnswers = 20_000
    /// However long an answer says that it holds, it is asked again after this time.
    private static let longestMemory = Duration.minutes(5)

    private struct Known {
        let answer: StatusRequest.Answer
        let askAgainAt: Instant
    }

    private let address: String
    private let demandsNonce: Bool
    /// How long an answer still counts while the responder is away.
    private let grace: Duration
    private let logger: Logger
    private let known = Mutex<[[UInt8]: Known]>([:])

    init(address: String, demandsNonce: Bool, grace: Duration, logger: Logger) {
        self.address = address
        self.demandsNonce = demandsNonce
        self.grace = grace
        self.logger = logger
    }

    /// - Returns: nil when it cannot be told now.
    func status(
        of certificate: Certificate, from issuer: Certificate, at now: Instant
    ) async -> StatusRequest.Status? {
        let key = sha256((try? certificate.der()) ?? [])
        let before = known.withLock { $0[key] }
        if let before, now < before.askAgainAt { return before.answer.status }
        do {
            let request = try StatusRequest(certificate, issuer: issuer)
            let response = try await PublicFile.post(request.der, mediaType: "application/ocsp-request", to: address)
            let answer = try request.answer(response, at: now.seconds, demandsNonce: demandsNonce)
            let due = Instant(milliseconds: answer.validUntil * 1_000)
            known.withLock { known in
                if known.count >= Self.cachedAnswers { known.removeAll() }
                known[key] = Known(answer: answer, askAgainAt: min(due, now + Self.longestMemory))
            }
            return answer.status
        } catch {
            logger.error("certificate status", metadata: ["responder": "\(address)", "cause": "\(error)"])
            guard let before, now.seconds < before.answer.validUntil + grace.components.seconds else { return nil }
            return before.answer.status
        }
    }
}
