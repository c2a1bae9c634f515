import Contracts
import Foundation
import ServiceRuntime
import Synchronization

/// Does harm to a deployment, by a schedule that a seed repeats, and mends it again.
final class Saboteur: Sendable {
    enum Harm: Sendable, CustomStringConvertible {
        /// Killed without a word, and started again after a while.
        case kill(String, downMilliseconds: Int)
        case halt(String, milliseconds: Int)
        case link(String, FaultyLink.Mode, milliseconds: Int)
        /// Of the outside world.
        case outside(String, Fault.Kind, times: Int)
        /// One service's clock, both ways.
        case clock(String, seconds: Int, milliseconds: Int)
        case diskFull(milliseconds: Int)
        /// PostgreSQL's primary is killed and its replica takes over.
        case failOver

        var description: String {
            switch self {
            case .kill(let service, let down): "kill \(service), down \(down) ms"
            case .halt(let service, let time): "halt \(service) for \(time) ms"
            case .link(let service, let mode, let time): "link to \(service): \(mode) for \(time) ms"
            case .outside(let operation, let kind, let times): "\(operation): \(kind.rawValue) \(times) times"
            case .clock(let service, let seconds, let time): "clock of \(service) \(seconds) s off for \(time) ms"
            case .diskFull(let time): "disk full for \(time) ms"
            case .failOver: "fail over to the replica"
            }
        }
    }

    static let victims = ["auth", "order", "payment", "refund", "invoice"]
    private static let operations = [
        "bank.payout", "bank.transfer", "insurer.issue", "insurer.underwrite", "insurer.surrender", "insurer.endorse",
        "sms.send", "tax.issue",
    ]
    /// Refusals have plots of their own.
    private static let kinds: [Fault.Kind] = [.delay, .loseReply, .duplicateCallback, .reorderCallback, .loseCallback]

    private let processes: ServiceProcesses
    private let links: [String: FaultyLink]
    private let disk: SmallDisk?
    private let world: World
    private let history: History
    /// A service that is down on purpose is not harmed again.
    private let busy = Mutex<Set<String>>([])

    init(
        _ processes: ServiceProcesses, links: [String: FaultyLink], disk: SmallDisk?, _ world: World, _ history: History
    ) {
        self.processes = processes
        self.links = links
        self.disk = disk
        self.world = world
        self.history = history
    }

    /// The schedule: what is done, in order.
    func schedule(_ count: Int, _ chance: inout Chance) -> [Harm] {
        (0..<count).map { number in
            if processes.deployment.postgreSQL?.hasReplica == true, number % 25 == 12 { return .failOver }
            let service = Self.victims.randomElement(using: &chance) ?? "payment"
            let time = Int.random(in: 200...2_500, using: &chance)
            switch Int.random(in: 0..<100, using: &chance) {
            case 0..<25:
                return .kill(
                    (Self.victims + ["sandbox"]).randomElement(using: &chance) ?? service, downMilliseconds: time / 2)
            case 25..<38: return .halt(service, milliseconds: time)
            case 38..<48: return .link(service, .cut, milliseconds: time)
            case 48..<58: return .link(service, .answersLost, milliseconds: time)
            case 58..<64: return .link("sandbox", .answersLost, milliseconds: time)
            case 64..<70: return .link(service, .slow(Int64(time / 8)), milliseconds: time)
            case 70..<88:
                return .outside(
                    Self.operations.randomElement(using: &chance) ?? "bank.payout",
                    Self.kinds.randomElement(using: &chance) ?? .loseReply,
                    times: Int.random(in: 1...4, using: &chance))
            case 88..<96:
                return .clock(service, seconds: Int.random(in: -180...180, using: &chance), milliseconds: time)
            default: return disk == nil ? .halt(service, milliseconds: time) : .diskFull(milliseconds: time)
            }
        }
    }

    /// Does one harm and mends it.
    func doHarm(_ harm: Harm) async {
        history.note("\(harm)")
        do {
            switch harm {
            case .kill(let service, let down):
                guard claim(service) else { return }
                defer { free(service) }
                processes.kill(service)
                try await Task.sleep(for: .milliseconds(down))
                try processes.launch(service)
                try await processes.waitUntilReady(service)
            case .halt(let service, let time):
                guard claim(service) else { return }
                defer { free(service) }
                processes.halt(service)
                try await Task.sleep(for: .milliseconds(time))
                processes.resume(service)
            case .link(let service, let mode, let time):
                links[service]?.set(mode)
                try await Task.sleep(for: .milliseconds(time))
                links[service]?.set(.sound)
            case .outside(let operation, let kind, let times):
                try await world.sandbox.persistently(
                    .addFault, Fault(operation: operation, kind: kind, times: times, milliseconds: 400))
            case .clock(let service, let seconds, let time):
                let offset = try await world.sandbox.persistently(.clock, Nothing())
                try await setClock(service, ClockOffset(milliseconds: offset.milliseconds + Int64(seconds) * 1_000))
                try await Task.sleep(for: .milliseconds(time))
                try await setClock(service, offset)
            case .diskFull(let time):
                try disk?.fill()
                try await Task.sleep(for: .milliseconds(time))
                try disk?.empty()
            case .failOver: try await processes.deployment.postgreSQL?.failOver()
            }
        } catch {
            history.note("\(harm): \(error)")
        }
    }

    /// Everything runs, and nothing more goes wrong.
    func mend() async throws {
        for link in links.values { link.set(.sound) }
        try disk?.empty()
        for service in LocalDeployment.services where !processes.isRunning(service) { try processes.launch(service) }
        for service in LocalDeployment.services { processes.resume(service) }
        try await processes.waitUntilReady()
        let offset = try await world.sandbox.persistently(.clock, Nothing())
        for service in Self.victims { try await setClock(service, offset) }
    }

    private func claim(_ service: String) -> Bool { busy.withLock { $0.insert(service).inserted } }
    private func free(_ service: String) { _ = busy.withLock { $0.remove(service) } }

    private func setClock(_ service: String, _ offset: ClockOffset) async throws {
        // The sandbox is the one whose word on the time is taken.
        let deployment = processes.deployment
        func set<API: ServiceAPI>(_ api: API.Type) async throws {
            let client = try deployment.client(api, as: "sandbox")
            defer { client.shutDown() }
            for _ in 0..<100 {
                do {
                    try await client.call(.setClock, offset)
                    return
                } catch is Problem {
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
        }
        switch service {
        case "auth": try await set(AuthAPI.self)
        case "order": try await set(OrderAPI.self)
        case "payment": try await set(PaymentAPI.self)
        case "refund": try await set(RefundAPI.self)
        default: try await set(InvoiceAPI.self)
        }
    }
}

/// A file system of a few megabytes for the SQLite files, so that it can be filled.
struct SmallDisk: Sendable {
    private static let megabytes = 192
    let folder: URL

    /// - Throws: where nothing may be mounted.
    init(at folder: URL) throws {
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Self.run("mount", ["-t", "tmpfs", "-o", "size=\(Self.megabytes)m", "baohan-chaos", folder.path])
    }

    private var filler: URL { folder.appendingPathComponent("filler") }

    func fill() throws {
        // Until nothing fits any more.
        _ = try? Self.run("dd", ["if=/dev/zero", "of=\(filler.path)", "bs=64k", "status=none"])
    }

    func empty() throws {
        if FileManager.default.fileExists(atPath: filler.path) { try FileManager.default.removeItem(at: filler) }
    }

    func remove() { _ = try? Self.run("umount", ["-l", folder.path]) }

    private static func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
}
