import Logging
import ServiceLifecycle

/// Does what nobody calls for: reads the bank's statement and ends payment orders that ran out.
struct Clerk: Service {
    /// A lost notice costs the bidder at most this long.
    private static let interval = Duration.seconds(1)

    let payments: Payments
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await payments.readStatement()
                    try await payments.expire()
                } catch is CancellationError {
                    return
                } catch {
                    logger.warning("statement cannot be read", metadata: ["cause": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
