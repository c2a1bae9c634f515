import ArgumentParser
import Contracts
import Foundation
import Persistence

/// Checks audit trails.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Checks the hash-chained audit trail of services.", subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Looks for records that were changed, removed, added or swapped; exit code 1 at the first one.")
        @OptionGroup var options: DeploymentOptions
        @Argument(help: "SQLite files of services; without any, Auth's of the deployment.") var files: [String] = []

        func run() async throws {
            let own = LocalDeployment(options).state.appendingPathComponent("auth.sqlite").path
            var isWhole = true
            for file in files.isEmpty ? [own] : files {
                guard FileManager.default.fileExists(atPath: file) else {
                    throw ValidationError("\(file) does not exist")
                }
                do {
                    let count = try await Database(reading: file).verifyAudit()
                    print("\(file)\t\(count) records, whole")
                } catch let found as AuditBreak {
                    print("\(file)\tBROKEN: \(found)")
                    isWhole = false
                }
            }
            if !isWhole { throw ExitCode(1) }
        }
    }
}
