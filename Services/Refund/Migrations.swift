import Persistence

let refundMigrations = [
    Migration(
        "refund-1",
        """
        CREATE TABLE refund (
            id TEXT PRIMARY KEY,
            order_id TEXT NOT NULL,
            enterprise TEXT NOT NULL,
            reason TEXT NOT NULL,
            state TEXT NOT NULL,
            decision TEXT,
            account TEXT,
            note TEXT,
            requested_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL
        );
        CREATE UNIQUE INDEX refund_live ON refund (order_id) WHERE state <> 'rejected';
        CREATE INDEX refund_order ON refund (order_id);
        CREATE INDEX refund_reviewing ON refund (state, updated_at);
        """),
    // Who asked, so that Order can be asked again after a crash.
    Migration("refund-2", "ALTER TABLE refund ADD COLUMN standing TEXT;"),
]
