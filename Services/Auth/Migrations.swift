import Persistence

let authMigrations = [
    Migration(
        "auth-1",
        """
        CREATE TABLE enterprise (
            id TEXT PRIMARY KEY,
            credit_code TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            registered TEXT,
            synchronised_at BIGINT,
            contact TEXT,
            is_saved BIGINT NOT NULL DEFAULT 0 CHECK (is_saved IN (0, 1)),
            version BIGINT NOT NULL DEFAULT 1,
            created_at BIGINT NOT NULL
        );
        CREATE TABLE session (
            id TEXT PRIMARY KEY,
            enterprise TEXT NOT NULL REFERENCES enterprise (id),
            role TEXT NOT NULL,
            proof TEXT NOT NULL,
            started_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL
        );
        CREATE TABLE challenge (
            id TEXT PRIMARY KEY,
            text TEXT NOT NULL,
            expires_at BIGINT NOT NULL,
            used_at BIGINT
        );
        CREATE TABLE ticket (
            id TEXT PRIMARY KEY,
            used_at BIGINT NOT NULL
        );
        CREATE TABLE consent (
            id TEXT PRIMARY KEY,
            enterprise TEXT NOT NULL REFERENCES enterprise (id),
            version TEXT NOT NULL,
            hash TEXT NOT NULL,
            at BIGINT NOT NULL
        );
        CREATE TABLE captcha (
            id TEXT PRIMARY KEY,
            enterprise TEXT NOT NULL REFERENCES enterprise (id),
            answer_hash TEXT NOT NULL,
            expires_at BIGINT NOT NULL,
            used_at BIGINT
        );
        CREATE TABLE sms_code (
            id TEXT PRIMARY KEY,
            enterprise TEXT NOT NULL REFERENCES enterprise (id),
            mobile TEXT NOT NULL,
            code_hash TEXT NOT NULL,
            sent_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL,
            tries BIGINT NOT NULL DEFAULT 0,
            used_at BIGINT
        );
        CREATE INDEX sms_code_mobile ON sms_code (mobile, sent_at);
        CREATE INDEX sms_code_enterprise ON sms_code (enterprise, sent_at);
        """),
    Migration(
        "auth-2",
        """
        ALTER TABLE session ADD COLUMN way TEXT NOT NULL DEFAULT 'mutual_tls';
        ALTER TABLE session ADD COLUMN certificate TEXT;
        ALTER TABLE session ADD COLUMN certificate_expires_at BIGINT;
        ALTER TABLE session ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE session ADD COLUMN ended_at BIGINT;
        CREATE INDEX session_enterprise ON session (enterprise, ended_at);
        CREATE INDEX session_certificate ON session (certificate);
        CREATE INDEX session_ended ON session (ended_at);
        CREATE TABLE refresh_token (
            hash TEXT PRIMARY KEY,
            session TEXT NOT NULL REFERENCES session (id),
            expires_at BIGINT NOT NULL,
            used_at BIGINT
        );
        CREATE TABLE certificate (
            fingerprint TEXT PRIMARY KEY,
            enterprise TEXT NOT NULL REFERENCES enterprise (id),
            serial_number TEXT NOT NULL,
            issuer TEXT NOT NULL,
            chain TEXT NOT NULL,
            first_used_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL
        );
        CREATE UNIQUE INDEX certificate_number ON certificate (issuer, serial_number);
        CREATE TABLE block (
            kind TEXT NOT NULL,
            value TEXT NOT NULL,
            reason TEXT NOT NULL,
            at BIGINT NOT NULL,
            PRIMARY KEY (kind, value)
        );
        CREATE TABLE attempt (
            key TEXT NOT NULL,
            period BIGINT NOT NULL,
            count BIGINT NOT NULL,
            PRIMARY KEY (key, period)
        );
        """),
    Migration(
        "auth-3",
        """
        ALTER TABLE certificate ADD COLUMN subject TEXT NOT NULL DEFAULT '';
        ALTER TABLE certificate ADD COLUMN standing TEXT NOT NULL DEFAULT 'holder';
        CREATE INDEX certificate_enterprise ON certificate (enterprise, issuer, subject);
        ALTER TABLE session ADD COLUMN standing TEXT NOT NULL DEFAULT 'holder';
        ALTER TABLE session ADD COLUMN regions TEXT;
        CREATE TABLE handler (
            id TEXT PRIMARY KEY,
            enterprise TEXT NOT NULL REFERENCES enterprise (id),
            name TEXT NOT NULL,
            mobile TEXT NOT NULL,
            rights TEXT NOT NULL,
            state TEXT NOT NULL,
            code_hash TEXT NOT NULL,
            code_until BIGINT NOT NULL,
            invited_at BIGINT NOT NULL
        );
        CREATE INDEX handler_enterprise ON handler (enterprise);
        CREATE INDEX challenge_expiry ON challenge (expires_at);
        CREATE INDEX captcha_expiry ON captcha (expires_at);
        CREATE INDEX ticket_use ON ticket (used_at);
        CREATE TABLE login_code (
            hash TEXT PRIMARY KEY,
            challenge TEXT NOT NULL,
            chain TEXT NOT NULL,
            expires_at BIGINT NOT NULL
        );
        CREATE TABLE approval (
            id TEXT PRIMARY KEY,
            enterprise TEXT NOT NULL REFERENCES enterprise (id),
            handler TEXT NOT NULL REFERENCES handler (id),
            right_asked TEXT NOT NULL,
            order_id TEXT NOT NULL,
            version BIGINT NOT NULL,
            premium BIGINT NOT NULL,
            state TEXT NOT NULL,
            asked_at BIGINT NOT NULL
        );
        CREATE INDEX approval_enterprise ON approval (enterprise, asked_at);
        CREATE INDEX approval_act ON approval (handler, order_id);
        """),
    Migration(
        "auth-4",
        """
        CREATE TABLE staff (
            credit_code TEXT PRIMARY KEY,
            role TEXT NOT NULL,
            insurer TEXT
        );
        """),
    // With which certificate somebody logged in at the trading platform, as its ticket says.
    Migration(
        "auth-5",
        """
        ALTER TABLE session ADD COLUMN ticket_certificate TEXT;
        CREATE INDEX session_ticket_certificate ON session (ticket_certificate);
        """),
]
