import Contracts
import Foundation
import ServiceRuntime
import Synchronization

/// The processes of a local deployment, started and stopped together.
final class ServiceProcesses: Sendable {
    /// What went wrong with a process, and the end of its log.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let startTimeout = Duration.seconds(30)

    let deployment: LocalDeployment
    private let binaries: URL
    private let processes = Mutex<[String: Process]>([:])

    /// - Parameter binaries: the folder with the executables; this one's by default.
    init(_ deployment: LocalDeployment, binaries: URL? = nil) {
        self.deployment = deployment
        self.binaries =
            binaries
            ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    }

    /// Starts all and waits until each is ready.
    func start() async throws {
        try deployment.pki.create()
        for folder in [deployment.logs, deployment.documents] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        for service in LocalDeployment.services { try launch(service) }
        try await waitUntilReady()
    }

    func launch(_ service: String) throws {
        let log = deployment.logs.appendingPathComponent("\(service).log")
        if !FileManager.default.fileExists(atPath: log.path) {
            try Data().write(to: log)
        }
        let handle = try FileHandle(forWritingTo: log)
        try handle.seekToEnd()
        let process = Process()
        process.executableURL = binaries.appendingPathComponent(service)
        process.environment = ProcessInfo.processInfo.environment.merging(deployment.environment(of: service)) { $1 }
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        // A child inherits the mask of the thread that starts it, and must hear when it is asked to end.
        var signals = Self.endingSignals
        var before = sigset_t()
        pthread_sigmask(SIG_UNBLOCK, &signals, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
        processes.withLock { $0[service] = process }
    }

    func waitUntilReady() async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + Self.startTimeout
        for service in LocalDeployment.services {
            while true {
                if try await isReady(service) { break }
                let isRunning = processes.withLock { $0[service]?.isRunning ?? false }
                guard isRunning, clock.now < deadline else {
                    throw Failure(description: "\(service) did not start: \(logEnd(service))")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    private func isReady(_ service: String) async throws -> Bool {
        switch service {
        case "auth": await isReady(try deployment.client(AuthAPI.self))
        case "order": await isReady(try deployment.client(OrderAPI.self))
        case "payment": await isReady(try deployment.client(PaymentAPI.self))
        case "refund": await isReady(try deployment.client(RefundAPI.self))
        case "invoice": await isReady(try deployment.client(InvoiceAPI.self))
        default: await isReady(try deployment.client(SandboxAPI.self))
        }
    }

    private func isReady<API>(_ client: Client<API>) async -> Bool {
        defer { client.shutDown() }
        return (try? await client.call(.ready)) != nil
    }

    private func logEnd(_ service: String) -> String {
        let text =
            (try? String(contentsOf: deployment.logs.appendingPathComponent("\(service).log"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(5).joined(separator: "\n")
    }

    /// Ends a process without a chance to say goodbye.
    func kill(_ service: String) {
        guard let process = processes.withLock({ $0.removeValue(forKey: service) }) else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func processIdentifier(of service: String) -> Int32? {
        processes.withLock { $0[service]?.processIdentifier }
    }

    /// Asks all to end, and waits for it.
    func stop() {
        let all = processes.withLock { processes in
            defer { processes = [:] }
            return Array(processes.values)
        }
        for process in all where process.isRunning { process.terminate() }
        let deadline = Date().addingTimeInterval(5)
        for process in all {
            while process.isRunning, Date() < deadline { usleep(5_000) }
            if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        }
    }

    private static var endingSignals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        return signals
    }

    /// Ends all when this process is asked to end.
    func stopOnSignals() {
        // A thread that waits for the signal may do what a signal handler may not.
        var signals = Self.endingSignals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let thread = Thread { [self] in
            var signals = Self.endingSignals
            var number: Int32 = 0
            sigwait(&signals, &number)
            stop()
            exit(128 + number)
        }
        thread.start()
    }
}
