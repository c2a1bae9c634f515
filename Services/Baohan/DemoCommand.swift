import ArgumentParser
import Contracts
import Foundation

/// Walks through the whole manual against real services.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Takes a guarantee out, pays, opens, gives back and invoices it: every step of the manual.")
    @OptionGroup var options: DeploymentOptions
    @Flag(help: "Leave the services running afterwards, until Ctrl-C.")
    var stay = false
    @Flag(help: "Walk against services that run already, for example in containers.")
    var external = false
    @Option(help: "zh or en; by the locale if not given.")
    var language: String?

    func run() async throws {
        let language = try chosenLanguage()
        let deployment = LocalDeployment(options)
        guard external else {
            // A walk leaves its databases to look at, and the next one begins anew.
            for name in ["logs", "documents"]
                + LocalDeployment.services.flatMap({ ["\($0).sqlite", "\($0).sqlite-wal", "\($0).sqlite-shm"] })
            {
                try? FileManager.default.removeItem(at: deployment.state.appendingPathComponent(name))
            }
            try deployment.postgreSQL?.remove()
            let processes = ServiceProcesses(deployment)
            processes.stopOnSignals()
            defer { processes.stop() }
            try await processes.start()
            try await walk(deployment, language)
            if stay {
                print("Ctrl-C stops the services.")
                while true { try await Task.sleep(for: .seconds(3_600)) }
            }
            return
        }
        try await walk(deployment, language)
    }

    private func walk(_ deployment: LocalDeployment, _ language: ProblemCode.Language) async throws {
        let walk = Walk(world: try World(deployment), narrator: Narrator(language))
        do {
            try await walk.run()
        } catch {
            print("\(error)\nlogs: \(deployment.logs.path)")
            throw ExitCode(1)
        }
    }

    private func chosenLanguage() throws -> ProblemCode.Language {
        if let language {
            guard let known = ProblemCode.Language(rawValue: language) else {
                throw ValidationError("--language is zh or en")
            }
            return known
        }
        let environment = ProcessInfo.processInfo.environment
        let locale = environment["LC_ALL"] ?? environment["LC_MESSAGES"] ?? environment["LANG"] ?? ""
        return locale.hasPrefix("zh") ? .chinese : .english
    }
}
