import Logging
import ServiceLifecycle

/// A status poll beside the insurer's callbacks, because callbacks get lost.
struct Reminder: Service {
    private static let interval = Duration.seconds(2)

    let refunds: Refunds
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await refunds.askAgain()
                } catch is CancellationError {
                    return
                } catch {
                    logger.warning("insurer cannot be asked", metadata: ["cause": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
