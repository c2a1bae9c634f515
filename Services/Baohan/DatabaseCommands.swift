import ArgumentParser
import Cryptography
import DevelopmentDatabase
import Foundation
import Persistence

/// The databases of a deployment: their schemas, copies of them, and back.
private struct Databases {
    static let services = ["auth", "order", "payment", "refund", "invoice"]

    let deployment: LocalDeployment

    /// An address with `DATABASE_<SERVICE>` in the environment, else the local deployment's.
    func address(of service: String) -> String {
        ProcessInfo.processInfo.environment["DATABASE_\(service.uppercased())"] ?? deployment.database(of: service)
    }

    func isFile(_ service: String) -> Bool { !address(of: service).contains("://") }

    static func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ExitCode(1) }
    }
}

/// Brings the schemas up to date, before the services that need them start.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Brings the schemas of all databases up to date.",
        discussion: "Forward only. Services do it at their start too; replicas take turns.")
    @OptionGroup var options: DeploymentOptions

    func run() async throws {
        let databases = Databases(deployment: LocalDeployment(options))
        let binaries = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        try await databases.deployment.postgreSQL?.start()
        for service in Databases.services {
            try Databases.run(
                binaries.appendingPathComponent(service).path, ["migrate"],
                environment: ["DATABASE": databases.address(of: service)])
            print("\(service)\tup to date")
        }
    }
}

/// What a backup consists of.
private struct BackupManifest: Codable {
    struct Part: Codable {
        let service: String
        let file: String
        let engine: DatabaseKind
        let sha256: String
    }

    let at: Date
    let parts: [Part]

    static let name = "backup.json"
}

extension DatabaseKind: Codable {}

/// Copies of all databases, while the services run.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copies all databases into a folder, while they are in use.",
        discussion: "SQLite by its own backup, PostgreSQL by pg_dump; each copy is one moment of its database.")
    @OptionGroup var options: DeploymentOptions
    @Argument(help: "A folder that is not there yet.") var folder: String

    func run() async throws {
        let databases = Databases(deployment: LocalDeployment(options))
        let folder = URL(fileURLWithPath: folder)
        guard !FileManager.default.fileExists(atPath: folder.path) else {
            throw ValidationError("\(folder.path) is there already")
        }
        // Made under another name: what is there under its own is whole.
        let draft = folder.appendingPathExtension("unfinished")
        try? FileManager.default.removeItem(at: draft)
        try FileManager.default.createDirectory(
            at: draft, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var parts: [BackupManifest.Part] = []
        for service in Databases.services {
            let address = databases.address(of: service)
            let name = service + (databases.isFile(service) ? ".sqlite" : ".dump")
            let file = draft.appendingPathComponent(name)
            if databases.isFile(service) {
                guard FileManager.default.fileExists(atPath: address) else {
                    throw ValidationError("\(address) does not exist")
                }
                try Database.copy(file: address, to: file.path)
            } else {
                try Databases.run("pg_dump", ["--format=custom", "--file=\(file.path)", "--dbname=\(address)"])
            }
            parts.append(
                BackupManifest.Part(
                    service: service, file: name, engine: databases.isFile(service) ? .sqlite : .postgresql,
                    sha256: sha256([UInt8](try Data(contentsOf: file))).hex))
            print("\(service)\t\(name)")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.dateEncodingStrategy = .iso8601
        try encoder.encode(BackupManifest(at: Date(), parts: parts)).write(
            to: draft.appendingPathComponent(BackupManifest.name))
        try FileManager.default.moveItem(at: draft, to: folder)
    }
}

/// Puts copies back in the place of the databases. The services do not run meanwhile.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Puts a backup in the place of all databases; the services must not run.",
        discussion: "What is there now is overwritten. Nothing is touched when the backup is not whole.")
    @OptionGroup var options: DeploymentOptions
    @Argument(help: "A folder that baohan backup made.") var folder: String

    /// Money that went back after the backup came in before it, as far as the restored books know, and would go back again.
    private func holdPayouts(_ address: String) async throws {
        try await Database(address, migrations: []).write { transaction in
            try transaction.execute("UPDATE payout_switch SET is_paused = 1")
        }
    }

    func run() async throws {
        let databases = Databases(deployment: LocalDeployment(options))
        let folder = URL(fileURLWithPath: folder)
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let manifest = try decoder.decode(
            BackupManifest.self, from: Data(contentsOf: folder.appendingPathComponent(BackupManifest.name)))
        for part in manifest.parts {
            let bytes = try Data(contentsOf: folder.appendingPathComponent(part.file))
            guard sha256([UInt8](bytes)).hex == part.sha256 else { throw ValidationError("\(part.file) is damaged") }
            guard databases.isFile(part.service) == (part.engine == .sqlite) else {
                throw ValidationError("\(part.file) is a backup of \(part.engine.rawValue)")
            }
        }
        try await databases.deployment.postgreSQL?.start()
        for part in manifest.parts {
            let address = databases.address(of: part.service)
            let file = folder.appendingPathComponent(part.file)
            if part.engine == .sqlite {
                for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: address + suffix) }
                try FileManager.default.copyItem(atPath: file.path, toPath: address)
            } else {
                try Databases.run(
                    "pg_restore",
                    ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--dbname=\(address)", file.path])
            }
            if part.service == "payment" { try await holdPayouts(address) }
            print("\(part.service)\trestored")
        }
        print(
            "payouts are paused until an operator says otherwise: what the bank did since the backup is not known yet")
    }
}
