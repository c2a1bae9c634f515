import Foundation

/// What a service keeps its data in.
public enum DatabaseKind: String, Sendable, CaseIterable {
    case sqlite
    case postgresql
}

/// An empty database for one test.
public final class ScratchDatabase: Sendable {
    public let address: String
    /// Of the database on its server.
    public let name: String
    private let files: [String]

    public init(_ kind: DatabaseKind) async throws {
        var name = "scratch-\(UUID().uuidString.lowercased())"
        switch kind {
        case .sqlite:
            address = FileManager.default.temporaryDirectory.appendingPathComponent(name + ".sqlite").path
            files = ["", "-wal", "-shm"].map { [address] in address + $0 }
        case .postgresql:
            var server = try await PrivatePostgreSQL.shared
            server.prefix = name + "-"
            name += "-payment"
            try await server.createDatabases(of: ["payment"])
            address = server.address(of: "payment")
            files = []
        }
        self.name = name
    }

    // MARK: Plans

    /// From now on, whoever connects has the plan of each statement logged (PostgreSQL only).
    public func logPlans() async throws {
        let server = try await PrivatePostgreSQL.shared
        for setting in ["session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0"] {
            try server.query("ALTER DATABASE \"\(name)\" SET \(setting)")
        }
    }

    /// Statements whose plan reads a whole table, each with the table's name.
    public func sequentialScans(of tables: [String]) async throws -> [String] {
        let server = try await PrivatePostgreSQL.shared
        let log = try String(contentsOf: server.folder.appendingPathComponent("log-0"), encoding: .utf8)
        // One entry a statement: a line with the database's name, and indented ones behind it.
        var entries: [String] = []
        for line in log.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.contains(" \(name) LOG:") {
                entries.append(String(line))
            } else if line.first == "\t", !entries.isEmpty {
                entries[entries.count - 1] += "\n" + line
            } else if !line.isEmpty {
                entries.append("")
            }
        }
        return entries.filter { entry in tables.contains { entry.contains("Seq Scan on \($0) ") } }
    }

    deinit { for file in files { try? FileManager.default.removeItem(atPath: file) } }
}
