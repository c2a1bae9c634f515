import Persistence

let orderMigrations = [
    Migration("order-1") { dialect in
        """
        CREATE TABLE lot (
            id TEXT PRIMARY KEY,
            state TEXT NOT NULL,
            opening BIGINT NOT NULL,
            version BIGINT NOT NULL,
            details TEXT NOT NULL,
            search_text TEXT NOT NULL,
            seed \(dialect.bytes) NOT NULL
        );
        CREATE INDEX lot_open ON lot (state, opening, id);
        CREATE TABLE provider (
            id TEXT PRIMARY KEY,
            details TEXT NOT NULL
        );
        CREATE TABLE feed_position (
            "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
            position BIGINT NOT NULL
        );
        INSERT INTO feed_position ("only", position) VALUES (1, 0);
        CREATE TABLE insurance_order (
            id TEXT PRIMARY KEY,
            lot TEXT NOT NULL REFERENCES lot (id),
            enterprise TEXT NOT NULL,
            application TEXT NOT NULL,
            payment TEXT NOT NULL,
            policy TEXT NOT NULL,
            is_live BIGINT NOT NULL CHECK (is_live IN (0, 1)),
            insurer TEXT,
            is_referred BIGINT NOT NULL CHECK (is_referred IN (0, 1)),
            policy_number TEXT UNIQUE,
            version BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL,
            details TEXT NOT NULL,
            CHECK (policy NOT IN ('issuing', 'sealed', 'opening', 'open') OR payment = 'paid')
        );
        CREATE UNIQUE INDEX insurance_order_live ON insurance_order (lot, enterprise) WHERE is_live = 1;
        CREATE INDEX insurance_order_enterprise ON insurance_order (enterprise, created_at, id);
        CREATE INDEX insurance_order_lot ON insurance_order (lot, policy);
        CREATE INDEX insurance_order_review ON insurance_order (application, is_referred, insurer, updated_at);
        CREATE TABLE document (
            order_id TEXT PRIMARY KEY REFERENCES insurance_order (id),
            pdf \(dialect.bytes) NOT NULL,
            signature \(dialect.bytes) NOT NULL
        );
        """
    },
    // A tender that is closed was opened or terminated; which of both is kept.
    Migration(
        "order-2",
        """
        ALTER TABLE lot ADD COLUMN opened_at BIGINT;
        UPDATE lot SET opened_at = opening WHERE state IN ('opened', 'failed', 'awarded', 'closed');
        """),
]
