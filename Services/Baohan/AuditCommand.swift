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
        @Argument(help: "SQLite files or postgresql:// addresses of services; without any, Auth's of the deployment.")
        var databases: [String] = []

        func run() async throws {
            let own = LocalDeployment(options).database(of: "auth")
            var isWhole = true
            for address in databases.isEmpty ? [own] : databases {
                guard address.contains("://") || FileManager.default.fileExists(atPath: address) else {
                    throw ValidationError("\(address) does not exist")
                }
                let name = address.prefix { $0 != "?" }
                do {
                    let count = try await Database(reading: address).verifyAudit()
                    print("\(name)\t\(count) records, whole")
                } catch let found as AuditBreak {
                    print("\(name)\tBROKEN: \(found)")
                    isWhole = false
                }
            }
            if !isWhole { throw ExitCode(1) }
        }
    }
}
