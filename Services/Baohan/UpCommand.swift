import ArgumentParser
import Foundation

/// Starts every service on this machine and stays.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Starts all services as processes on this machine, with SQLite, until Ctrl-C.")
    @OptionGroup var options: DeploymentOptions

    func run() async throws {
        let deployment = LocalDeployment(options)
        let processes = ServiceProcesses(deployment)
        processes.stopOnSignals()
        do {
            try await processes.start()
        } catch {
            processes.stop()
            throw error
        }
        var lines = LocalDeployment.services.map { "\($0)\thttps://localhost:\(deployment.port($0))" }
        lines.append("login\thttps://localhost:\(deployment.port("login"))")
        lines.append("certificates and keys: \(deployment.pki.folder.path)   Ctrl-C stops all\n")
        // At once, also into a pipe.
        try? FileHandle.standardOutput.write(contentsOf: Data(lines.joined(separator: "\n").utf8))
        while true { try await Task.sleep(for: .seconds(3_600)) }
    }
}
