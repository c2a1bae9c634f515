import Contracts
import Cryptography
import Persistence
import ServiceRuntime

/// Slows down whoever guesses, and nobody else.
///
/// Anybody can show somebody else's certificate, which is public, with a wrong signature. So refusals are counted for an
/// address, and for a certificate at an address, never for a certificate or an enterprise alone: a flood against one
/// enterprise locks out the flooder.
struct LoginGuard: Sendable {
    private static let perAddress = AttemptLimit(limit: 60, window: .minutes(5))
    private static let perCertificateAndAddress = AttemptLimit(limit: 5, window: .minutes(5))

    let store: Store
    let clock: ServiceClock

    /// Runs a login from `address`, counting it when it is refused.
    ///
    /// - Parameter certificate: SHA-256 of the certificate that is shown; nil when there is none yet.
    /// - Throws: ``ProblemCode/tooManyAttempts`` with the time to wait, else what `login` throws.
    func admit<Result: Sendable>(
        _ certificate: String?, from address: String, _ login: () async throws -> Result
    ) async throws -> Result {
        let now = clock.now
        let keys =
            [("address \(address)", Self.perAddress)]
            + (certificate.map { [("certificate \($0) at \(address)", Self.perCertificateAndAddress)] } ?? [])
        try await store.refuseTooMany(keys, at: now)
        do {
            return try await login()
        } catch let problem as Problem where problem.code.status < 500 {
            let record = AuditRecord(
                "login_refused", by: "nobody", certificate: certificate, from: maskedAddress(address),
                result: problem.code.rawValue)
            try await store.countRefusal(keys, record, at: now)
            throw problem
        }
    }
}
