import Contracts

/// What a `Database` runs on.
protocol Engine: Sendable {
    var dialect: SQLDialect { get }
    /// Whether other processes may work on the same data.
    var isShared: Bool { get }

    /// Runs `body` in a transaction of its own and commits it. May run it more than once: only the last run counts.
    func write<Result: Sendable>(
        _ isolation: Isolation, _ durability: Durability, _ body: @escaping @Sendable (Transaction) throws -> Result
    ) async throws -> Result

    /// Runs `body` on a consistent snapshot.
    func read<Result: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Result) async throws -> Result

    /// Tells other processes on the same data that messages wait.
    func announceMessages()
    /// `wake` is called when another process announces messages.
    func whenMessagesAnnounced(_ wake: @escaping @Sendable () -> Void)
}

/// How much of other transactions one may see while it runs.
public enum Isolation: Sendable {
    /// As if it ran alone: what it read still holds when it commits, or it runs again. The default.
    case serializable
    /// The same, for what also adds to the audit trail: the trail's writers take turns instead of running again.
    case serializableWithAudit
    /// Each statement sees what is committed when it begins. For statements that are right by themselves and touch rows
    /// that many want, which would run again and again otherwise.
    case readCommitted
}

/// When a commit counts as done.
public enum Durability: Sendable {
    /// When it survives a loss of power. The default: it may be money.
    case durable
    /// At once; a loss of power may undo it. For what is harmless when it happens again.
    case relaxed
}

/// The tables' language, where the two engines differ.
public enum SQLDialect: Sendable {
    case sqlite
    case postgreSQL

    /// The type of a primary key that counts up.
    public var counter: String {
        switch self {
        case .sqlite: "INTEGER PRIMARY KEY AUTOINCREMENT"
        case .postgreSQL: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        }
    }

    /// The type of bytes.
    public var bytes: String {
        switch self {
        case .sqlite: "BLOB"
        case .postgreSQL: "BYTEA"
        }
    }

    /// What `sql` does to rows that triggers of ``final(_:)`` keep, for a step of a schema that carries them over.
    public func carryingOver(_ table: String, _ sql: String) -> String {
        switch self {
        case .sqlite: "DROP TRIGGER \(table)_is_final_1;\nDROP TRIGGER \(table)_is_final_2;\n\(sql)\n\(final(table))"
        case .postgreSQL:
            "ALTER TABLE \(table) DISABLE TRIGGER USER;\n\(sql)\nALTER TABLE \(table) ENABLE TRIGGER USER;"
        }
    }

    /// Triggers that keep every row of `table` as it was inserted, for ever.
    public func final(_ table: String) -> String {
        switch self {
        case .sqlite:
            """
            CREATE TRIGGER \(table)_is_final_1 BEFORE UPDATE ON \(table)
                BEGIN SELECT RAISE(ABORT, 'a \(table) is never changed'); END;
            CREATE TRIGGER \(table)_is_final_2 BEFORE DELETE ON \(table)
                BEGIN SELECT RAISE(ABORT, 'a \(table) is never deleted'); END;
            """
        case .postgreSQL:
            """
            CREATE FUNCTION \(table)_is_final() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'a \(table) is never changed or deleted'; END $$;
            CREATE TRIGGER \(table)_is_final_1 BEFORE UPDATE OR DELETE ON \(table)
                FOR EACH ROW EXECUTE FUNCTION \(table)_is_final();
            CREATE TRIGGER \(table)_is_final_2 BEFORE TRUNCATE ON \(table)
                EXECUTE FUNCTION \(table)_is_final();
            """
        }
    }
}

/// Statements of one transaction, on one engine.
protocol SQLConnection: AnyObject {
    var dialect: SQLDialect { get }
    /// - Returns: how many rows were inserted, changed or deleted.
    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int
    func rows(_ sql: String, _ arguments: [SQLValue]) throws -> [Row]
}
