import ArgumentParser
import Contracts
import ServiceRuntime

/// Asks every service how it is.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows whether each service is ready, and what it could not deliver.")
    @OptionGroup var options: DeploymentOptions
    @Option(help: "ID of a dead letter to be delivered again.")
    var replay: String?

    func run() async throws {
        let deployment = LocalDeployment(options)
        var allReady = true
        allReady = try await show(deployment.client(AuthAPI.self)) && allReady
        allReady = try await show(deployment.client(OrderAPI.self)) && allReady
        allReady = try await show(deployment.client(PaymentAPI.self)) && allReady
        allReady = try await show(deployment.client(RefundAPI.self)) && allReady
        allReady = try await show(deployment.client(InvoiceAPI.self)) && allReady
        if !allReady { throw ExitCode(1) }
    }

    private func show<API>(_ client: Client<API>) async throws -> Bool {
        let name = API.server.rawValue
        do {
            let health = try await client.call(.ready)
            let letters = try await client.call(.deadLetters)
            if let letter = letters.first(where: { $0.id.text == replay }) {
                try await client.call(.replayDeadLetter, letter.id)
            }
            print("\(name)\t\(health.status)\t\(health.version)\t\(health.now.text)\tdead letters: \(letters.count)")
            for letter in letters {
                print("  \(letter.id)  \(letter.kind)  \(letter.attempts) attempts  \(letter.lastError)")
            }
            return true
        } catch let problem as Problem {
            print("\(name)\t\(problem.code.rawValue)\t\(problem.detail ?? "")")
            return false
        }
    }
}
