/// One step of a schema, forward only. A step that has landed is never edited.
public struct Migration: Sendable {
    public let name: String
    let sql: @Sendable (SQLDialect) -> String

    /// - Parameter sql: for steps that are the same on both engines.
    public init(_ name: String, _ sql: String) {
        self.name = name
        self.sql = { _ in sql }
    }

    public init(_ name: String, _ sql: @escaping @Sendable (SQLDialect) -> String) {
        self.name = name
        self.sql = sql
    }

    /// The tables that every service has.
    static let runtime = [
        Migration("runtime-1") { dialect in
            """
            CREATE TABLE idempotency (
                key TEXT PRIMARY KEY,
                fingerprint TEXT NOT NULL,
                reply TEXT NOT NULL,
                at BIGINT NOT NULL
            );
            CREATE INDEX idempotency_at ON idempotency (at);
            CREATE TABLE inbox (
                id TEXT PRIMARY KEY,
                at BIGINT NOT NULL
            );
            CREATE INDEX inbox_at ON inbox (at);
            CREATE TABLE outbox (
                position \(dialect.counter),
                id TEXT NOT NULL UNIQUE,
                aggregate TEXT NOT NULL,
                kind TEXT NOT NULL,
                payload TEXT NOT NULL,
                created_at BIGINT NOT NULL,
                due_at BIGINT NOT NULL,
                attempts BIGINT NOT NULL DEFAULT 0,
                last_error TEXT,
                is_dead BIGINT NOT NULL DEFAULT 0 CHECK (is_dead IN (0, 1))
            );
            CREATE INDEX outbox_aggregate ON outbox (aggregate, position);
            CREATE INDEX outbox_due ON outbox (is_dead, due_at);
            """
        },
        Migration(
            "runtime-2",
            """
            CREATE TABLE audit (
                number BIGINT PRIMARY KEY,
                at BIGINT NOT NULL,
                event TEXT NOT NULL,
                actor TEXT NOT NULL,
                subject TEXT NOT NULL,
                certificate TEXT,
                origin TEXT,
                result TEXT NOT NULL,
                hash TEXT NOT NULL
            );
            CREATE TABLE audit_head (
                id BIGINT PRIMARY KEY CHECK (id = 1),
                number BIGINT NOT NULL,
                hash TEXT NOT NULL
            );
            INSERT INTO audit_head (id, number, hash) VALUES (1, 0, '');
            """),
        // Who delivers a message, and until when nobody else may: replicas share the outbox.
        Migration(
            "runtime-3",
            """
            ALTER TABLE outbox ADD COLUMN taken_by TEXT;
            ALTER TABLE outbox ADD COLUMN taken_until BIGINT NOT NULL DEFAULT 0;
            """),
        // Stays empty: locking it orders the writers of the audit trail.
        Migration("runtime-4", "CREATE TABLE audit_turn (nobody BIGINT);"),
        // Callbacks that came in, to know them again, and those that went out, to send them again.
        Migration(
            "runtime-5",
            """
            CREATE TABLE callback (
                id TEXT PRIMARY KEY,
                direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
                kind TEXT NOT NULL,
                fingerprint TEXT,
                aggregate TEXT,
                payload TEXT,
                attempts BIGINT NOT NULL,
                outcome TEXT NOT NULL,
                first_at BIGINT NOT NULL,
                at BIGINT NOT NULL
            );
            CREATE INDEX callback_at ON callback (at);
            """),
    ]
}
