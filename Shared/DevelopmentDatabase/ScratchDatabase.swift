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

    deinit { for file in files { try? FileManager.default.removeItem(atPath: file) } }
}
