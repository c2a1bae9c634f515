import Logging
import ServiceLifecycle

/// A status poll beside the tax platform's and the courier's callbacks, because callbacks get lost.
struct Reminder: Service {
    private static let interval = Duration.seconds(2)

    let invoices: Invoices
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await invoices.askAgain()
                } catch is CancellationError {
                    return
                } catch {
                    logger.warning("outcome cannot be asked for", metadata: ["cause": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
