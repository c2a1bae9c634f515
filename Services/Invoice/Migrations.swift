import Persistence

let invoiceMigrations = [
    Migration("invoice-1") { dialect in
        """
        CREATE TABLE invoice (
            id TEXT PRIMARY KEY,
            order_id TEXT NOT NULL,
            enterprise TEXT NOT NULL,
            form TEXT NOT NULL,
            state TEXT NOT NULL,
            buyer TEXT NOT NULL,
            recipient TEXT,
            seller TEXT NOT NULL,
            seller_credit_code TEXT NOT NULL,
            policy_number TEXT NOT NULL,
            net BIGINT NOT NULL,
            tax BIGINT NOT NULL,
            gross BIGINT NOT NULL CHECK (gross = net + tax),
            vat_percent BIGINT NOT NULL,
            number TEXT UNIQUE,
            issued_at BIGINT,
            courier TEXT,
            tracking_number TEXT,
            note TEXT,
            updated_at BIGINT NOT NULL
        );
        CREATE UNIQUE INDEX invoice_live ON invoice (order_id) WHERE state <> 'red_done';
        CREATE INDEX invoice_state ON invoice (state, updated_at);
        CREATE TABLE document (
            invoice TEXT PRIMARY KEY REFERENCES invoice (id),
            number TEXT NOT NULL,
            pdf \(dialect.bytes) NOT NULL,
            signature \(dialect.bytes) NOT NULL
        );
        """
    }
]
