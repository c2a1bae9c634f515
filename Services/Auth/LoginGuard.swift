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
    /// Refusals in one window.
    private static let perAddress = 60
    private static let perCertificateAndAddress = 5
    private static let window = Duration.minutes(5)

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
        let length = Self.window.milliseconds
        let window = now.milliseconds / length
        let keys = ["address \(address)"] + (certificate.map { ["certificate \($0) at \(address)"] } ?? [])
        let counts = try await store.attempts(keys, in: window)
        guard counts[0] < Self.perAddress, counts.count < 2 || counts[1] < Self.perCertificateAndAddress else {
            throw Problem(
                .tooManyAttempts, retryAfter: .milliseconds((window + 1) * length - now.milliseconds))
        }
        do {
            return try await login()
        } catch let problem as Problem where problem.code.status < 500 {
            let record = AuditRecord(
                "login_refused", by: "nobody", certificate: certificate, from: maskedAddress(address),
                result: problem.code.rawValue)
            try await store.countRefusal(keys, in: window, record, at: now)
            throw problem
        }
    }
}

/// The network of an address: an audit needs to tell places apart, not to follow people.
func maskedAddress(_ address: String) -> String {
    if address.contains(":") { return address.split(separator: ":").prefix(3).joined(separator: ":") + "::/48" }
    return address.split(separator: ".").prefix(3).joined(separator: ".") + ".0/24"
}
