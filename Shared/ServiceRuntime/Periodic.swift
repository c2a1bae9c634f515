import Logging
import ServiceLifecycle

/// Work that nobody calls for and that has to be done every so often: polls beside callbacks that may get lost, and what
/// has run out. A round that fails is logged, and the next one comes all the same.
public struct Periodic: Service {
    private let interval: Duration
    private let name: String
    private let logger: Logger
    private let round: @Sendable () async throws -> Void

    public init(
        _ name: String, every interval: Duration, logger: Logger, _ round: @escaping @Sendable () async throws -> Void
    ) {
        self.name = name
        self.interval = interval
        self.logger = logger
        self.round = round
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await round()
                } catch is CancellationError {
                    return
                } catch {
                    logger.warning("\(name) failed", metadata: ["cause": "\(error)"])
                }
                try? await Task.sleep(for: interval)
            }
        }
    }
}
