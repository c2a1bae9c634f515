import Contracts
import Foundation
import ServiceRuntime
import Synchronization
import UnixSignals

/// The processes of a local deployment, started and stopped together.
final class ServiceProcesses: Sendable {
    /// What went wrong with a process, and the end of its log.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let startTimeout = Duration.seconds(60)

    let deployment: LocalDeployment
    private let binaries: URL
    private let environment: [String: String]
    private let processes = Mutex<[String: Process]>([:])

    /// - Parameters:
    ///   - binaries: the folder with the executables; this one's by default.
    ///   - environment: for all processes; stands above their configuration.
    init(_ deployment: LocalDeployment, binaries: URL? = nil, environment: [String: String] = [:]) {
        self.deployment = deployment
        self.environment = environment
        // A reader of our output that goes away, as `head` does, must not end us before the services are stopped.
        signal(SIGPIPE, SIG_IGN)
        self.binaries =
            binaries
            ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    }

    /// Starts all and waits until each is ready.
    func start() async throws {
        try deployment.pki.create()
        try await deployment.postgreSQL?.start()
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
            .merging(environment) { $1 }
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        try process.run()
        processes.withLock { $0[service] = process }
    }

    func waitUntilReady() async throws {
        for service in LocalDeployment.services { try await waitUntilReady(service) }
    }

    func waitUntilReady(_ service: String) async throws {
        let deadline = ContinuousClock.now + Self.startTimeout
        while try await !isReady(service) {
            guard isRunning(service), ContinuousClock.now < deadline else {
                throw Failure(description: "\(service) did not start: \(logEnd(service))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func isRunning(_ service: String) -> Bool { processes.withLock { $0[service]?.isRunning ?? false } }

    private func isReady(_ service: String) async throws -> Bool {
        switch service {
        case "auth": await isReady(try deployment.client(AuthAPI.self))
        case "order": await isReady(try deployment.client(OrderAPI.self))
        case "payment": await isReady(try deployment.client(PaymentAPI.self))
        case "refund": await isReady(try deployment.client(RefundAPI.self))
        case "invoice": await isReady(try deployment.client(InvoiceAPI.self))
        case "portal": await isReady(try deployment.client(PortalAPI.self))
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

    /// Stops a process where it is, for a time.
    func halt(_ service: String) { _ = processIdentifier(of: service).map { Foundation.kill($0, SIGSTOP) } }
    func resume(_ service: String) { _ = processIdentifier(of: service).map { Foundation.kill($0, SIGCONT) } }

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
        deployment.postgreSQL?.stop()
    }

    /// Ends all when this process is asked to end.
    func stopOnSignals() {
        Task {
            for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                stop()
                // As a shell tells it: 128 and the signal's number.
                exit(signal == .sigint ? 130 : 143)
            }
        }
    }
}
