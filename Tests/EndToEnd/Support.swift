import Contracts
import Cryptography
import DevelopmentDatabase
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Baohan

/// All services as processes of their own, over real TLS with real SQLite, on ports that were free.
final class TestDeployment: Sendable {
    let processes: ServiceProcesses
    let world: World

    var deployment: LocalDeployment { processes.deployment }

    /// - Parameters:
    ///   - environment: for all its processes, beside their configuration.
    ///   - prepare: what happens between the making of the PKI and the start.
    init(
        environment: [String: String] = [:], _ prepare: (LocalDeployment) async throws -> Void = { _ in }
    ) async throws {
        let state = FileManager.default.temporaryDirectory.appendingPathComponent("baohan-e2e-\(UUID().uuidString)")
        var ports: [String: Int] = [:]
        for name in LocalDeployment.services + ["login", "agent"] { ports[name] = try await Self.freePort() }
        let deployment = LocalDeployment(state: state, postgreSQL: try await Self.server(for: state), ports: ports)
        try deployment.pki.create()
        try await prepare(deployment)
        processes = ServiceProcesses(deployment, environment: environment)
        do {
            try await processes.start()
        } catch {
            processes.stop()
            throw error
        }
        world = try World(deployment)
    }

    /// The suite runs on SQLite, and on PostgreSQL where `BAOHAN_TEST_DATABASE` says so: then all deployments share one
    /// server.
    private static func server(for state: URL) async throws -> PrivatePostgreSQL? {
        guard ProcessInfo.processInfo.environment["BAOHAN_TEST_DATABASE"] == DatabaseKind.postgresql.rawValue else {
            return nil
        }
        var server = try await PrivatePostgreSQL.shared
        server.prefix = state.lastPathComponent + "-"
        server.isShared = true
        return server
    }

    func stop() {
        processes.stop()
        try? FileManager.default.removeItem(at: deployment.state)
    }

    private static let handedOut = Mutex<Set<Int>>([])

    /// A port that nobody listens at, below those that the system gives to outgoing connections: one of these might take
    /// it before the service does.
    private static func freePort() async throws -> Int {
        while true {
            let port = Int.random(in: 10_000..<30_000)
            guard handedOut.withLock({ $0.insert(port).inserted }) else { continue }
            let channel = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
                .bind(host: "127.0.0.1", port: port).get()
            guard let channel else { continue }
            try await channel.close()
            return port
        }
    }

    private static let bases = Atomic(0)

    /// Where a deployment with consecutive ports finds twelve that no other test takes.
    static func freePortBase() -> Int { 30_000 + 16 * bases.wrappingAdd(1, ordering: .relaxed).oldValue }

    // MARK: One for all tests that move neither clocks nor processes

    private static let shared = Task {
        let deployment = try await TestDeployment()
        stopAtExit.withLock { $0 = deployment }
        atexit { TestDeployment.stopAtExit.withLock { $0 }?.stop() }
        return deployment
    }

    private static let stopAtExit = Mutex<TestDeployment?>(nil)

    static var world: World {
        get async throws { try await shared.value.world }
    }
}

enum Given {
    /// A bidder that nobody else in this test run is: own credit code, telephone, account and certificate.
    static func bidder(in world: World, named name: String = "测试建设有限公司") async throws -> Agent {
        let sample = try newBidder(named: name)
        try world.deployment.pki.issueCALock(
            sample.certificate, name: sample.registered.name, creditCode: sample.registered.creditCode, key: .p256())
        try await world.sandbox.call(.registerEnterprise, sample.registered)
        return try await Agent.logIn(sample, in: world)
    }

    /// One that may apply.
    static func preparedBidder(in world: World) async throws -> Agent {
        let bidder = try await bidder(in: world)
        try await bidder.prepare()
        return bidder
    }

    static func newBidder(named name: String) throws -> SampleBidder {
        let digits = String(UInt64.random(in: 100_000_000...999_999_999))
        let code = try UnifiedSocialCreditCode(completing: "91341800" + digits)
        let name = try Words("\(name)\(digits)")
        return SampleBidder(
            certificate: "bidder-\(digits)", hasRSAKey: false,
            registered: RegisteredEnterprise(
                creditCode: code, name: name, address: try Words("宣城市宣州区"), legalPerson: try Words("张三"),
                basicAccount: AccountReference(
                    name: name, number: try AccountNumber("1317\(digits)"), bank: try Words("工商银行宣城分行"), branch: nil)),
            handler: Handler(
                name: try Words("李四"), citizenID: try CitizenID("11010519491231002X"),
                mobile: try MobileNumber("139" + digits.prefix(8)), email: try Words("li@example.com")))
    }

    /// Something that goes wrong once, for one subject.
    static func fault(_ operation: String, _ kind: Fault.Kind, about subject: String) -> Fault {
        Fault(operation: operation, kind: kind, times: 1, milliseconds: nil, subject: subject)
    }

    static func lot(
        in world: World, deposit: Money = Money(fen: 5_000_000), opens: Duration = .days(14), region: String = "341800"
    ) async throws -> LotDetails {
        try await world.publishLot("标段\(UInt32.random(in: 0 ... .max))", deposit: deposit, opens: opens, region: region)
    }
}

/// Expects a refusal with a code, and gives it back for a closer look.
@discardableResult
func refused<Value>(
    _ code: ProblemCode, sourceLocation: SourceLocation = #_sourceLocation, _ call: () async throws -> Value
) async -> Problem? {
    do {
        _ = try await call()
        Issue.record("was not refused", sourceLocation: sourceLocation)
        return nil
    } catch let problem as Problem {
        #expect(problem.code == code, "\(problem)", sourceLocation: sourceLocation)
        return problem
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
        return nil
    }
}

/// Runs a program to its end.
func run(_ program: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
    try await withCheckedThrowingContinuation { continuation in
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "60", program] + arguments
        let pipe = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        do {
            try process.run()
        } catch {
            return continuation.resume(throwing: error)
        }
        Thread {
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            continuation.resume(returning: (process.terminationStatus, String(decoding: output, as: UTF8.self)))
        }.start()
    }
}
