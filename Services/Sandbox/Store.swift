import Contracts
import Persistence

let sandboxMigrations = [
    Migration(
        "sandbox-1",
        """
        CREATE TABLE clock (milliseconds BIGINT NOT NULL);
        INSERT INTO clock (milliseconds) VALUES (0);
        CREATE TABLE enterprise (credit_code TEXT PRIMARY KEY, details TEXT NOT NULL);
        CREATE TABLE lot (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, details TEXT NOT NULL);
        CREATE TABLE record (
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (kind, key)
        );
        CREATE TABLE movement (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            details TEXT NOT NULL,
            notice TEXT NOT NULL
        );
        CREATE TABLE message (number INTEGER PRIMARY KEY AUTOINCREMENT, mobile TEXT NOT NULL, text TEXT NOT NULL);
        CREATE INDEX message_mobile ON message (mobile, number);
        CREATE TABLE fault (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            operation TEXT NOT NULL,
            kind TEXT NOT NULL,
            remaining BIGINT NOT NULL,
            milliseconds BIGINT NOT NULL,
            subject TEXT
        );
        """),
    Migration("sandbox-2", "CREATE TABLE pin (key TEXT PRIMARY KEY, failures BIGINT NOT NULL);"),
    Migration(
        "sandbox-3",
        """
        CREATE TABLE settlement (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            party TEXT NOT NULL,
            id TEXT NOT NULL,
            details TEXT NOT NULL,
            UNIQUE (party, id)
        );
        """),
]

/// What an outside party did under a key of ours: done once, and told again when asked.
extension Transaction {
    /// - Returns: whether it was not done before.
    func keep(_ kind: String, _ key: String, _ value: some Codable & Sendable) throws -> Bool {
        try execute(
            "INSERT INTO record (kind, key, value) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO NOTHING", kind, key,
            JSONColumn(value)) == 1
    }

    /// - Throws: ``ProblemCode/notFound`` when nothing was done under the key.
    func required<Value: Codable & Sendable>(_ kind: String, _ key: String) throws -> Value {
        guard let row = try row("SELECT value FROM record WHERE kind = ? AND key = ?", kind, key) else {
            throw Problem(.notFound)
        }
        let value: JSONColumn<Value> = try row["value"]
        return value.value
    }
}
