import ArgumentParser
import Contracts
import DevelopmentDatabase
import Foundation
import ServiceRuntime

/// Drives many bidders through every path while everything goes wrong, and then checks what must be true.
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Breaks a deployment of its own while hundreds of bidders use it, and checks the books afterwards.")
    @Option(help: "Folder for everything; made anew.") var state = ".state-chaos"
    @Option(name: .customLong("port-base")) var portBase = 7_400
    @Option(help: "sqlite or postgresql.") var database = DatabaseKind.sqlite
    @Option(help: "Orders, ten to a lot.") var orders = 150
    @Option(help: "Faults, spread over the orders.") var faults = 20
    @Option(help: "Bidders at a time.") var concurrency = 24
    @Option(help: "Repeats the plots and the schedule of faults.") var seed: UInt64 = 1
    @Flag(help: "After a failure, look for fewer orders and faults that fail too.") var shrink = false

    func run() async throws {
        var attempt = Attempt(orders: orders, faults: faults)
        guard let failure = try await campaign(attempt) else { return }
        print(failure)
        print("seed \(seed): \(attempt.orders) orders and \(attempt.faults) faults fail on \(database.rawValue)")
        if shrink {
            for smaller in [
                Attempt(orders: attempt.orders, faults: 0),
                Attempt(orders: attempt.orders / 4, faults: attempt.faults / 4),
                Attempt(orders: attempt.orders / 2, faults: attempt.faults / 2),
                Attempt(orders: attempt.orders, faults: attempt.faults / 2),
            ] where smaller.orders >= 10 {
                guard let failure = try await campaign(smaller) else { continue }
                attempt = smaller
                print(failure)
                print("seed \(seed): \(attempt.orders) orders and \(attempt.faults) faults are enough")
                break
            }
        }
        throw ExitCode(1)
    }

    private struct Attempt {
        let orders: Int
        let faults: Int
    }

    // MARK: One campaign

    /// - Returns: what was violated, with its history; nil when everything is as it must be.
    private func campaign(_ attempt: Attempt) async throws -> String? {
        let folder = URL(fileURLWithPath: state)
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Where nothing may be mounted, no disk is filled.
        let disk = database == .sqlite ? try? SmallDisk(at: folder.appendingPathComponent("disk")) : nil
        defer { disk?.remove() }
        let deployment = deployment(folder, disk: disk?.folder)
        try deployment.postgreSQL?.remove()
        let (links, environment) = try await links(deployment)
        let processes = ServiceProcesses(deployment, environment: environment)
        processes.stopOnSignals()
        defer {
            for link in links.values { link.close() }
            processes.stop()
            try? deployment.postgreSQL?.remove()
        }
        try await processes.start()
        let history = History()
        let world = try World(deployment)
        let saboteur = Saboteur(processes, links: links, disk: disk, world, history)
        let start = ContinuousClock.now
        let campaign = Campaign(
            seed: seed, orders: attempt.orders, faults: attempt.faults, concurrency: concurrency, saboteur, world,
            try throughLinks(deployment), history)
        let stuck = await campaign.run()
        try await saboteur.mend()
        let unrest = try await rest(deployment)
        let violations = try await Verdict(deployment).violations() + stuck + unrest
        let seconds = (ContinuousClock.now - start).milliseconds / 1_000
        guard !violations.isEmpty else {
            print(
                "\(database.rawValue): \(attempt.orders) orders, \(attempt.faults) faults, seed \(seed): the books balance, in \(seconds) s"
            )
            return nil
        }
        return try await report(violations, history, deployment)
    }

    private func deployment(_ folder: URL, disk: URL?) -> LocalDeployment {
        var server = PrivatePostgreSQL(for: folder, port: portBase + 32)
        server.hasReplica = true
        var deployment = LocalDeployment(
            state: folder, portBase: portBase, postgreSQL: database == .postgresql ? server : nil)
        deployment.databases = disk
        return deployment
    }

    /// Between each two processes lies a link that can be harmed.
    private func links(
        _ deployment: LocalDeployment
    ) async throws -> (links: [String: FaultyLink], environment: [String: String]) {
        var links: [String: FaultyLink] = [:]
        var environment: [String: String] = [:]
        for name in Saboteur.victims + ["sandbox"] {
            let port = linkPort(deployment, name)
            links[name] = try await FaultyLink(port, to: deployment.port(name))
            for party in name == "sandbox" ? DevelopmentPKI.outside.map(\.rawValue) : [name] {
                environment["PEERS_" + party.uppercased().replacingOccurrences(of: "-", with: "_")] =
                    "127.0.0.1:\(port)"
            }
        }
        return (links, environment)
    }

    private func linkPort(_ deployment: LocalDeployment, _ name: String) -> Int { deployment.port(name) + 16 }

    /// The deployment as a portal behind the links sees it.
    private func throughLinks(_ deployment: LocalDeployment) throws -> ChaosClients {
        var ports = deployment.ports
        for name in Saboteur.victims { ports[name] = linkPort(deployment, name) }
        return try ChaosClients(LocalDeployment(state: deployment.state, postgreSQL: nil, ports: ports))
    }

    /// Waits until nothing is under way any more; what still is after that is a violation.
    private func rest(_ deployment: LocalDeployment) async throws -> [Verdict.Violation] {
        let verdict = try await Verdict(deployment)
        let end = ContinuousClock.now + .seconds(90)
        while true {
            let unrest = try await verdict.unrest()
            if unrest.isEmpty { return [] }
            guard ContinuousClock.now < end else {
                return unrest.map { Verdict.Violation(order: nil, description: $0) }
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    // MARK: Reporting

    private func report(
        _ violations: [Verdict.Violation], _ history: History, _ deployment: LocalDeployment
    ) async throws -> String {
        var lines = violations.prefix(20).map { "✗ \($0.order ?? "") \($0.description)" }
        if let order = violations.lazy.compactMap(\.order).first, let story = history.story(of: order) {
            lines.append("the history of \(order):")
            lines += history.of(story)
        } else {
            lines.append("what was done to the deployment:")
            lines += history.faults
        }
        lines.append("logs: \(deployment.logs.path)")
        return lines.joined(separator: "\n")
    }
}
