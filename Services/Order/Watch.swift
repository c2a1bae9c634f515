import Logging
import ServiceLifecycle

/// Looks where callbacks may have been lost: new lots, moved tenders, underwriting that was answered.
struct Watch: Service {
    private static let interval = Duration.milliseconds(500)
    /// Providers and weights change seldom.
    private static let roundsBetweenCatalogues = 60

    let lots: Lots
    let underwriting: Underwriting
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var round = 0
            while !Task.isCancelled {
                do {
                    if round % Self.roundsBetweenCatalogues == 0 { try await lots.refreshProviders() }
                    try await lots.follow()
                    try await underwriting.askAgain()
                    round += 1
                } catch is CancellationError {
                    return
                } catch {
                    logger.warning("the outside world cannot be asked", metadata: ["cause": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
