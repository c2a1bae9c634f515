import Cryptography
import Foundation
import Synchronization

/// A PostgreSQL of one deployment's own: initialised, started and stopped with it, reached over TLS with a client
/// certificate per service. For the demo and the tests; a real deployment brings its own.
public struct PrivatePostgreSQL: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    public static let roles = ["auth", "order", "payment", "refund", "invoice"]

    let folder: URL
    public let port: Int
    /// Before the names of databases, so that several deployments share one server.
    public var prefix = ""
    /// Whether a second server on the next port has every commit before it is acknowledged, and can take over.
    public var hasReplica = false
    /// Whether others use it too, so that it does not stop with a deployment.
    public var isShared = false
    /// Whether commits reach the disk. Only tests that never cut the power leave it out.
    public var isDurable = true

    public init(folder: URL, port: Int) {
        self.folder = folder
        self.port = port
    }

    /// Beside a deployment's state. PostgreSQL does not run as root, and its own user may not see root's folders.
    public init(for state: URL, port: Int) {
        let name = "baohan-postgresql-" + sha256(state.standardizedFileURL.path.utf8).hex.prefix(12)
        self.init(
            folder: getuid() == 0
                ? URL(fileURLWithPath: "/var/tmp/\(name)") : state.appendingPathComponent("postgresql"), port: port)
    }

    private var keys: URL { folder.appendingPathComponent("keys") }
    var nodes: [Int] { hasReplica ? [0, 1] : [0] }

    func data(_ node: Int) -> URL { folder.appendingPathComponent("data-\(node)") }

    /// How a service finds its database.
    public func address(of service: String) -> String {
        let hosts = nodes.map { "localhost:\(port + $0)" }.joined(separator: ",")
        let addresses = nodes.map { _ in "127.0.0.1" }.joined(separator: ",")
        return "postgresql://\(service)@\(hosts)/\(prefix)\(service)?hostaddr=\(addresses)&sslmode=verify-full"
            + "&sslrootcert=\(keys.path)/root.pem&sslcert=\(keys.path)/\(service).pem"
            + "&sslkey=\(keys.path)/\(service).key&target_session_attrs=read-write"
    }

    // MARK: Life

    /// Starts the server, and makes it and the databases first where they are not there.
    public func start() async throws {
        try await Self.onThread {
            if !FileManager.default.fileExists(atPath: data(0).appendingPathComponent("PG_VERSION").path) {
                try initialise()
                if hasReplica { try addReplica(1, of: 0) }
            } else {
                for node in nodes where try tool("pg_ctl", ["status", "-D", data(node).path]).status != 0 {
                    try launch(node)
                }
            }
        }
        try await createDatabases()
    }

    /// As a child of this process, and not by `pg_ctl`: a daemon keeps what Foundation watches a child by.
    func launch(_ node: Int) throws {
        let log = folder.appendingPathComponent("log-\(node)")
        if !FileManager.default.fileExists(atPath: log.path) { try Data().write(to: log) }
        let output = try FileHandle(forWritingTo: log)
        try output.seekToEnd()
        let server = process("postgres", ["-D", data(node).path, "-p", String(port + node)])
        server.standardOutput = output
        server.standardError = output
        try server.run()
        let deadline = Date(timeIntervalSinceNow: 60)
        while try tool("pg_isready", ["-q", "-h", folder.path, "-p", String(port + node)]).status != 0 {
            guard server.isRunning, Date() < deadline else {
                throw Failure(description: "PostgreSQL does not start: \(try String(contentsOf: log, encoding: .utf8))")
            }
        }
    }

    /// Work that waits for programs keeps no thread of the concurrency runtime.
    static func onThread(_ work: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
        }
    }

    /// Databases of the services, under the prefix.
    public func createDatabases(of roles: [String] = Self.roles) async throws {
        try await Self.onThread {
            let known = try query("SELECT datname FROM pg_database").split(separator: "\n").map(String.init)
            for role in roles where !known.contains(prefix + role) {
                try query("CREATE DATABASE \"\(prefix)\(role)\" OWNER \"\(role)\"")
            }
        }
    }

    public func stop() {
        guard !isShared else { return }
        // The replica last: the other one waits for it.
        for node in nodes.sorted(by: { (try? isPrimary($0)) == true && (try? isPrimary($1)) != true }) {
            _ = try? tool("pg_ctl", ["stop", "-m", "fast", "-D", data(node).path])
        }
    }

    /// Stops the server and forgets everything in it.
    public func remove() throws {
        if FileManager.default.fileExists(atPath: data(0).path) { stop() }
        try? FileManager.default.removeItem(at: folder)
    }

    private func initialise() throws {
        try FileManager.default.createDirectory(at: keys, withIntermediateDirectories: true)
        try makeKeys()
        if getuid() == 0 {
            try succeed(
                "chown", ["postgres:", folder.path, keys.appendingPathComponent("server.key").path], asRoot: true)
        }
        try succeed(
            "initdb", ["-D", data(0).path, "--auth=peer", "--username=baohan", "--encoding=UTF8", "--locale=C.UTF-8"])
        try append(
            """
            listen_addresses = '127.0.0.1'
            unix_socket_directories = '\(folder.path)'
            max_connections = 600
            ssl = on
            ssl_min_protocol_version = 'TLSv1.3'
            ssl_cert_file = '\(keys.path)/server.pem'
            ssl_key_file = '\(keys.path)/server.key'
            ssl_ca_file = '\(keys.path)/root.pem'
            fsync = \(isDurable ? "on" : "off")
            wal_level = replica
            hot_standby = on
            log_line_prefix = '%m %d '

            """, to: "postgresql.conf")
        // Whoever has the role's certificate, and the user that runs the server.
        try write(
            """
            local all,replication baohan peer map=owner
            hostssl all all 127.0.0.1/32 cert

            """, to: "pg_hba.conf")
        try write("owner \(getuid() == 0 ? "postgres" : NSUserName()) baohan\n", to: "pg_ident.conf")
        try launch(0)
        for role in Self.roles { try query("CREATE ROLE \"\(role)\" LOGIN") }
    }

    private func makeKeys() throws {
        let now = Int64(Date().timeIntervalSince1970)
        let root = try CertificateAuthority(
            name: "Baohan development database", notBefore: now - 3_600, notAfter: now + 3_650 * 86_400)
        try save(root.certificate.pem(), "root.pem", 0o644)
        for name in ["server"] + Self.roles {
            let key = try PrivateKey.p256()
            var request = CertificateAuthority.Request(
                subject: [("CN", name)], notBefore: now - 3_600, notAfter: now + 3_650 * 86_400)
            request.alternativeNames = name == "server" ? ["DNS:localhost", "IP:127.0.0.1"] : ["DNS:\(name)"]
            request.extendedKeyUsage = [name == "server" ? "serverAuth" : "clientAuth"]
            try save(try root.issue(request, for: key.publicKey).pem(), "\(name).pem", 0o644)
            try save(try key.pem(), "\(name).key", 0o600)
        }
    }

    private func save(_ bytes: [UInt8], _ name: String, _ permissions: Int) throws {
        guard
            FileManager.default.createFile(
                atPath: keys.appendingPathComponent(name).path, contents: Data(bytes),
                attributes: [.posixPermissions: permissions])
        else { throw CocoaError(.fileWriteUnknown) }
    }

    private func append(_ text: String, to name: String) throws {
        let file = data(0).appendingPathComponent(name)
        try write(String(contentsOf: file, encoding: .utf8) + text, to: name)
    }

    private func write(_ text: String, to name: String) throws {
        // Truncates in place: the file stays its owner's.
        let handle = try FileHandle(forWritingTo: data(0).appendingPathComponent(name))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    // MARK: One for a process

    private static let ofProcess = Task {
        var server = PrivatePostgreSQL(
            folder: FileManager.default.temporaryDirectory.appendingPathComponent("baohan-postgresql-\(getpid())"),
            port: 5_500 + Int(getpid()) % 4_000)
        server.isDurable = false
        try await server.start()
        toRemove.withLock { [server] in $0 = server }
        atexit { PrivatePostgreSQL.toRemove.withLock { $0 }.map { try? $0.remove() } }
        return server
    }
    private static let toRemove = Mutex<PrivatePostgreSQL?>(nil)

    /// A server that lives as long as this process, started when somebody first asks for it; for tests.
    public static var shared: PrivatePostgreSQL {
        get async throws { try await ofProcess.value }
    }

    // MARK: Programs

    /// Runs SQL as the server's owner.
    @discardableResult
    public func query(_ sql: String, in database: String = "postgres", node: Int? = nil) throws -> String {
        let node = node ?? nodes.first { nodes.count == 1 || (try? isPrimary($0)) == true } ?? 0
        return try succeed(
            "psql",
            [
                "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", folder.path, "-p", String(port + node), "-U",
                "baohan",
                "-d", database, "-c", sql,
            ])
    }

    @discardableResult
    func succeed(_ name: String, _ arguments: [String], asRoot: Bool = false) throws -> String {
        let result = try tool(name, arguments, asRoot: asRoot)
        guard result.status == 0 else { throw Failure(description: "\(name): \(result.output)") }
        return result.output
    }

    func tool(
        _ name: String, _ arguments: [String], asRoot: Bool = false
    ) throws -> (status: Int32, output: String) {
        let process = process(name, arguments, asRoot: asRoot)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    private func process(_ name: String, _ arguments: [String], asRoot: Bool = false) -> Process {
        // Debian keeps the server's programs out of the path.
        let binaries = "/usr/lib/postgresql/15/bin"
        let path = FileManager.default.fileExists(atPath: "\(binaries)/\(name)") ? "\(binaries)/\(name)" : name
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            (getuid() == 0 && !asRoot
                ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []) + [path] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        process.standardInput = FileHandle.nullDevice
        return process
    }
}
