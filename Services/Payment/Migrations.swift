import Persistence

let paymentMigrations = [
    Migration("payment-1") { dialect in
        """
        CREATE TABLE payment_order (
            id TEXT PRIMARY KEY,
            order_id TEXT NOT NULL UNIQUE,
            enterprise TEXT NOT NULL,
            payer_name TEXT NOT NULL,
            basic_account TEXT NOT NULL,
            requires_basic_account BIGINT NOT NULL CHECK (requires_basic_account IN (0, 1)),
            amount BIGINT NOT NULL CHECK (amount > 0),
            reference TEXT NOT NULL UNIQUE,
            pay_to TEXT NOT NULL,
            state TEXT NOT NULL,
            expires_at BIGINT NOT NULL,
            payer TEXT
        );
        CREATE INDEX payment_order_expiry ON payment_order (state, expires_at);
        CREATE TABLE credit (
            bank_transaction TEXT PRIMARY KEY,
            payment_order TEXT REFERENCES payment_order (id),
            amount BIGINT NOT NULL CHECK (amount > 0),
            reference TEXT NOT NULL,
            payer TEXT NOT NULL,
            at BIGINT NOT NULL,
            outcome TEXT NOT NULL
        );
        CREATE TABLE payout (
            id TEXT PRIMARY KEY,
            bank_key TEXT NOT NULL UNIQUE,
            refund TEXT,
            order_id TEXT,
            amount BIGINT NOT NULL CHECK (amount > 0),
            account TEXT NOT NULL,
            purpose TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('sending', 'done', 'failed')),
            bank_transaction TEXT,
            created_at BIGINT NOT NULL
        );
        CREATE UNIQUE INDEX payout_refund ON payout (refund) WHERE state IN ('sending', 'done');
        CREATE TABLE transfer (
            number \(dialect.counter),
            debit TEXT NOT NULL,
            credit TEXT NOT NULL CHECK (credit <> debit),
            amount BIGINT NOT NULL CHECK (amount > 0),
            subject TEXT NOT NULL,
            at BIGINT NOT NULL
        );
        CREATE INDEX transfer_subject ON transfer (subject);
        \(dialect.final("transfer"))
        CREATE TABLE statement_position (
            "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
            position BIGINT NOT NULL
        );
        INSERT INTO statement_position ("only", position) VALUES (1, 0);
        """
    }
]
