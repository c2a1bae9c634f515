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
    },
    // Payouts that wait, partial refunds, shares of the premium, and what the bank says that does not fit.
    Migration("payment-2") { dialect in
        """
        ALTER TABLE payment_order ADD COLUMN region TEXT NOT NULL DEFAULT '';
        ALTER TABLE payment_order ADD COLUMN payout_rules TEXT;
        ALTER TABLE payment_order ADD COLUMN received BIGINT NOT NULL DEFAULT 0 CHECK (received >= 0);
        UPDATE payment_order SET received = amount WHERE state IN ('paid', 'partly_refunded', 'refunded');
        ALTER TABLE payment_order ADD COLUMN returned BIGINT NOT NULL DEFAULT 0 CHECK (returned >= 0);
        UPDATE payment_order SET returned = amount WHERE state = 'refunded';
        CREATE TABLE refund_grant (
            refund TEXT PRIMARY KEY,
            order_id TEXT NOT NULL,
            amount BIGINT NOT NULL CHECK (amount > 0),
            at BIGINT NOT NULL
        );
        INSERT INTO refund_grant (refund, order_id, amount, at)
            SELECT refund, order_id, amount, created_at FROM payout
            WHERE refund IS NOT NULL AND state IN ('sending', 'done');
        CREATE TABLE earned (
            order_id TEXT PRIMARY KEY,
            policy_number TEXT NOT NULL,
            insurer TEXT NOT NULL,
            provider TEXT NOT NULL,
            insurer_share BIGINT NOT NULL CHECK (insurer_share >= 0),
            provider_share BIGINT NOT NULL CHECK (provider_share >= 0),
            tax_share BIGINT NOT NULL CHECK (tax_share >= 0)
        );

        ALTER TABLE transfer ADD COLUMN order_id TEXT;
        ALTER TABLE transfer ADD COLUMN bank_transaction TEXT;
        \(dialect.carryingOver(
            "transfer",
            """
            UPDATE transfer SET bank_transaction = subject WHERE debit = 'bank';
            UPDATE transfer SET bank_transaction = (SELECT bank_transaction FROM payout WHERE payout.id = transfer.subject)
                WHERE credit = 'bank';
            """))
        CREATE INDEX transfer_bank ON transfer (bank_transaction);
        CREATE INDEX transfer_order ON transfer (order_id, number);
        CREATE INDEX transfer_debit ON transfer (debit, number);
        CREATE INDEX transfer_credit ON transfer (credit, number);
        INSERT INTO transfer (debit, credit, amount, order_id, subject, at)
            SELECT 'premiums', 'bidder_clearing', amount, order_id, order_id, expires_at FROM payment_order
            WHERE state IN ('paid', 'partly_refunded');

        CREATE TABLE payout_2 (
            id TEXT PRIMARY KEY,
            bank_key TEXT NOT NULL UNIQUE,
            refund TEXT,
            credit TEXT,
            order_id TEXT,
            region TEXT NOT NULL,
            amount BIGINT NOT NULL CHECK (amount > 0),
            account TEXT NOT NULL,
            purpose TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('held', 'sending', 'done', 'failed')),
            hold TEXT CHECK ((state = 'held') = (hold IS NOT NULL)),
            release_at BIGINT,
            round BIGINT NOT NULL DEFAULT 1,
            bank_transaction TEXT,
            created_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL
        );
        INSERT INTO payout_2 (id, bank_key, refund, order_id, region, amount, account, purpose, state, bank_transaction,
                created_at, updated_at)
            SELECT id, bank_key, refund, order_id, '', amount, account, purpose, state, bank_transaction, created_at,
                created_at
            FROM payout;
        DROP TABLE payout;
        ALTER TABLE payout_2 RENAME TO payout;
        CREATE UNIQUE INDEX payout_refund ON payout (refund) WHERE state IN ('held', 'sending', 'done');
        CREATE UNIQUE INDEX payout_return ON payout (credit) WHERE state IN ('held', 'sending', 'done');
        CREATE INDEX payout_open ON payout (state, updated_at);
        CREATE INDEX payout_order ON payout (order_id);
        CREATE TABLE payout_release (
            payout TEXT NOT NULL REFERENCES payout (id),
            person TEXT NOT NULL,
            account TEXT,
            at BIGINT NOT NULL,
            PRIMARY KEY (payout, person)
        );
        CREATE TABLE payout_day (
            region TEXT NOT NULL,
            day TEXT NOT NULL,
            amount BIGINT NOT NULL CHECK (amount >= 0),
            PRIMARY KEY (region, day)
        );
        CREATE TABLE payout_switch (
            "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
            is_paused BIGINT NOT NULL CHECK (is_paused IN (0, 1)),
            person TEXT,
            at BIGINT
        );
        INSERT INTO payout_switch ("only", is_paused) VALUES (1, 0);
        CREATE TABLE settlement (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            order_id TEXT NOT NULL,
            details TEXT NOT NULL,
            at BIGINT NOT NULL
        );
        CREATE INDEX settlement_at ON settlement (at);
        CREATE TABLE unexplained (
            number \(dialect.counter),
            bank_transaction TEXT NOT NULL,
            told TEXT NOT NULL,
            reason TEXT NOT NULL,
            at BIGINT NOT NULL,
            UNIQUE (bank_transaction, reason)
        );
        """
    },
    // The others' books, and where they differ from ours.
    Migration(
        "payment-3",
        """
        CREATE TABLE bank_line (
            bank_transaction TEXT PRIMARY KEY,
            is_outgoing BIGINT NOT NULL CHECK (is_outgoing IN (0, 1)),
            amount BIGINT NOT NULL,
            credit TEXT,
            at BIGINT NOT NULL
        );
        CREATE TABLE book_line (
            side TEXT NOT NULL,
            id TEXT NOT NULL,
            details TEXT NOT NULL,
            at BIGINT NOT NULL,
            PRIMARY KEY (side, id)
        );
        CREATE TABLE book_position (side TEXT PRIMARY KEY, position BIGINT NOT NULL);
        CREATE TABLE reconciliation (id TEXT PRIMARY KEY, at BIGINT NOT NULL, breaks BIGINT NOT NULL);
        CREATE TABLE reconciliation_day (day TEXT PRIMARY KEY, at BIGINT NOT NULL);
        CREATE TABLE book_break (
            id TEXT PRIMARY KEY,
            side TEXT NOT NULL,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            ours BIGINT NOT NULL,
            theirs BIGINT NOT NULL,
            is_outgoing BIGINT NOT NULL CHECK (is_outgoing IN (0, 1)),
            repair TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('open', 'repaired', 'gone')),
            first_seen_at BIGINT NOT NULL,
            last_seen_at BIGINT NOT NULL,
            UNIQUE (side, kind, subject)
        );
        CREATE INDEX book_break_open ON book_break (state, first_seen_at);
        CREATE INDEX payout_by_refund ON payout (refund);
        CREATE INDEX payout_by_credit ON payout (credit);
        CREATE TABLE break_approval (
            break_id TEXT NOT NULL REFERENCES book_break (id),
            person TEXT NOT NULL,
            at BIGINT NOT NULL,
            PRIMARY KEY (break_id, person)
        );
        """),
]
