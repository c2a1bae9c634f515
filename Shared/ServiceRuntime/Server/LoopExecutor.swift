import NIOConcurrencyHelpers
import NIOCore

/// Runs tasks on one event loop, so that a request needs no hop between its connection and its handler.
package final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    private init(_ loop: any EventLoop) { self.loop = loop }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    private static let executors = NIOLockedValueBox<[ObjectIdentifier: LoopExecutor]>([:])

    /// The one executor of a loop.
    package static func of(_ loop: any EventLoop) -> LoopExecutor {
        executors.withLockedValue { executors in
            if let executor = executors[ObjectIdentifier(loop)] { return executor }
            let executor = LoopExecutor(loop)
            executors[ObjectIdentifier(loop)] = executor
            return executor
        }
    }
}
