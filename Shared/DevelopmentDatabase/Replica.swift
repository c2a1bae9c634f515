import Foundation

/// Two servers, of which one takes writes and the other has them all.
extension PrivatePostgreSQL {
    func isPrimary(_ node: Int) throws -> Bool {
        try query("SELECT NOT pg_is_in_recovery()", node: node).trimmingCharacters(in: .whitespacesAndNewlines) == "t"
    }

    /// Copies `primary` and follows it; from here on a commit waits for the copy.
    func addReplica(_ node: Int, of primary: Int) throws {
        try? FileManager.default.removeItem(at: data(node))
        try succeed(
            "pg_basebackup",
            [
                "-h", folder.path, "-p", String(port + primary), "-U", "baohan", "-D", data(node).path, "-R", "-X",
                "stream", "-c", "fast",
            ])
        try launch(node)
        try waitForCopies(true, on: primary)
    }

    private func waitForCopies(_ isWaiting: Bool, on primary: Int) throws {
        try query("ALTER SYSTEM SET synchronous_standby_names TO '\(isWaiting ? "*" : "")'", node: primary)
        try query("SELECT pg_reload_conf()", node: primary)
    }

    /// Kills the server that takes writes, lets the other one take over, and makes the killed one its replica.
    public func failOver() async throws {
        try await Self.onThread {
            guard hasReplica, let old = nodes.first(where: { (try? isPrimary($0)) == true }) else { return }
            let new = 1 - old
            // Fenced first: a process of the old server that lives on would acknowledge what the new one does not have.
            try killAll(old)
            try succeed("pg_ctl", ["promote", "-w", "-D", data(new).path])
            try waitForCopies(false, on: new)
            try addReplica(old, of: new)
        }
    }

    private func killAll(_ node: Int) throws {
        let file = data(node).appendingPathComponent("postmaster.pid")
        let first = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").first
        guard let postmaster = first.flatMap({ Int32($0) }) else { return }
        kill(postmaster, SIGSTOP)
        let children = try tool("ps", ["-o", "pid=", "--ppid", String(postmaster)], asRoot: true).output
            .split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
        for process in children + [postmaster] { kill(process, SIGKILL) }
        for process in children + [postmaster] {
            while Self.isRunning(process) { usleep(2_000) }
        }
    }

    /// A process that is dead and not yet collected runs no more.
    private static func isRunning(_ process: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return status.split(separator: ")").last?.split(separator: " ").first != "Z"
    }
}

extension PrivatePostgreSQL {
    /// What the server can do at most: transactions of one row each, by `pgbench` with eight clients.
    public func durableCommitsPerSecond() throws -> Double {
        let script = folder.appendingPathComponent("commit.sql")
        try Data("INSERT INTO pgbench_limit (n) VALUES (1);\n".utf8).write(to: script)
        try query("CREATE TABLE IF NOT EXISTS pgbench_limit (n BIGINT)")
        let output = try succeed(
            "pgbench",
            [
                "-n", "-f", script.path, "-c", "8", "-j", "2", "-t", "2000", "-h", folder.path, "-p", String(port),
                "-U",
                "baohan", "postgres",
            ])
        let line = output.split(separator: "\n").first { $0.hasPrefix("tps = ") } ?? ""
        return line.split(separator: " ").dropFirst(2).first.flatMap { Double($0) } ?? 0
    }
}
