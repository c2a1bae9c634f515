import ArgumentParser
import Contracts
import DevelopmentDatabase
import Foundation

/// Many bidders at once, from the draft to the policy; how many a second, and how long each waits.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Measures how many orders a second a deployment of its own takes to the policy.")
    @Option(help: "Folder for everything; made anew.") var state = ".state-load"
    @Option(name: .customLong("port-base")) var portBase = 7_600
    @Option(help: "sqlite or postgresql.") var database = DatabaseKind.sqlite
    @Option(help: "Orders.") var orders = 300
    @Option(help: "Bidders at a time.") var concurrency = 16

    func run() async throws {
        let folder = URL(fileURLWithPath: state)
        try? FileManager.default.removeItem(at: folder)
        let server = PrivatePostgreSQL(for: folder, port: portBase + 32)
        let deployment = LocalDeployment(
            state: folder, portBase: portBase, postgreSQL: database == .postgresql ? server : nil)
        try deployment.postgreSQL?.remove()
        let processes = ServiceProcesses(deployment)
        processes.stopOnSignals()
        defer {
            processes.stop()
            try? deployment.postgreSQL?.remove()
        }
        try await processes.start()
        let world = try World(deployment)
        let stories = try await prepared(world, try ChaosClients(deployment))
        let before = try transactions(deployment)
        let start = ContinuousClock.now
        var times = try await each(stories) { try await $0.takeOut() }
        let seconds = Double((ContinuousClock.now - start).milliseconds) / 1_000
        times.sort()
        let name = database.rawValue
        print("orders per second from draft to policy, \(name)\t\(Double(orders) / seconds)")
        for (share, label) in [(0.5, "median"), (0.99, "99th percentile")] {
            let index = min(times.count - 1, Int(Double(times.count) * share))
            print("draft to policy, \(label), ms, \(name)\t\(times[index].milliseconds)")
        }
        if let before, let after = try transactions(deployment) {
            print("writing transactions per order, \(name)\t\(Double(after - before) / Double(orders))")
        }
        if let server = deployment.postgreSQL {
            print("durable commits per second, pgbench, 8 clients\t\(try server.durableCommitsPerSecond())")
        }
    }

    /// Bidders that are logged in and may apply, each with a lot that nobody else wants.
    private func prepared(_ world: World, _ portal: ChaosClients) async throws -> [Story] {
        let history = History()
        let lot = try await ChaosLot(0, of: .max, .openBids, in: world, history)
        var stories: [Story] = []
        for number in 0..<orders {
            stories.append(
                try Story(number, .keep, lot, world, portal, history, Chance(seed: UInt64(number)), pace: 15...30))
        }
        _ = try await each(stories) { try await $0.prepare() }
        return stories
    }

    private func each<Value: Sendable>(
        _ stories: [Story], _ work: @escaping @Sendable (Story) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: Value.self) { group in
            var values: [Value] = []
            for (number, story) in stories.enumerated() {
                if number >= concurrency, let value = try await group.next() { values.append(value) }
                group.addTask { try await work(story) }
            }
            for try await value in group { values.append(value) }
            return values
        }
    }

    /// How many transactions have written so far; nil where the engine does not count them.
    private func transactions(_ deployment: LocalDeployment) throws -> Int? {
        try deployment.postgreSQL.flatMap { server in
            Int(
                try server.query("SELECT pg_snapshot_xmax(pg_current_snapshot())").trimmingCharacters(
                    in: .whitespacesAndNewlines))
        }
    }
}
