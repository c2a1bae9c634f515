import ArgumentParser
import DevelopmentDatabase
import ServiceRuntime

/// The command-line tool of a deployment.
@main
struct BaohanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baohan", abstract: "Runs, walks through and looks after a deployment of Baohan.",
        version: version,
        subcommands: [
            DemoCommand.self, UpCommand.self, StatusCommand.self, PKICommand.self, CertificateCommand.self,
            AuditCommand.self, ReconcileCommand.self, CallbacksCommand.self, MigrateCommand.self, BackupCommand.self,
            RestoreCommand.self, ChaosCommand.self, LoadCommand.self,
        ])
}

/// Where a deployment on this machine keeps its files and listens.
struct DeploymentOptions: ParsableArguments {
    @Option(help: "Folder for the development PKI, databases, logs and documents.")
    var state = ".state"

    @Option(name: .customLong("port-base"), help: "The portal's port; the services listen on the ones above it.")
    var portBase = 7_000

    @Option(help: "What the services keep their data in: sqlite, or postgresql, which is then started too.")
    var database = DatabaseKind.sqlite
}

extension DatabaseKind: ExpressibleByArgument {}
