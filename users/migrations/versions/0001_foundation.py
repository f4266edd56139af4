"""Accounts, sessions, one-time codes, attempts, the ledger, stored requests and outbox."""

from typing import Final

from alembic import op

revision = "0001"
down_revision = None

ACCOUNTS: Final = (
    """
    CREATE TABLE users (
        user_id uuid CONSTRAINT pk_users PRIMARY KEY,
        email text NOT NULL CONSTRAINT uq_users_email UNIQUE,
        phone text NOT NULL,
        password_hash text NOT NULL,
        roles text[] NOT NULL,
        is_flagged boolean NOT NULL DEFAULT false,
        is_verified boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX ix_users_unverified ON users (created_at) WHERE NOT is_verified",
    """
    CREATE TABLE sessions (
        session_id uuid CONSTRAINT pk_sessions PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT fk_sessions_user_id_users REFERENCES users,
        created_at timestamptz NOT NULL DEFAULT now(),
        access_expires_at timestamptz NOT NULL,
        revoked_at timestamptz,
        revoked_because text
    )
    """,
    "CREATE INDEX ix_sessions_user_id ON sessions (user_id)",
    "CREATE INDEX ix_sessions_access_expires_at ON sessions (access_expires_at) WHERE revoked_at IS NOT NULL",
    """
    CREATE TABLE refresh_tokens (
        token_hash bytea CONSTRAINT pk_refresh_tokens PRIMARY KEY,
        session_id uuid NOT NULL
            CONSTRAINT fk_refresh_tokens_session_id_sessions REFERENCES sessions ON DELETE CASCADE,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
    )
    """,
    "CREATE INDEX ix_refresh_tokens_session_id ON refresh_tokens (session_id)",
    "CREATE INDEX ix_refresh_tokens_expires_at ON refresh_tokens (expires_at)",
    """
    CREATE TABLE otp_challenges (
        user_id uuid NOT NULL CONSTRAINT fk_otp_challenges_user_id_users REFERENCES users ON DELETE CASCADE,
        context text NOT NULL,
        verification_sid text NOT NULL,
        phone text NOT NULL,
        attempts smallint NOT NULL DEFAULT 0,
        sent_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_otp_challenges PRIMARY KEY (user_id, context)
    )
    """,
    """
    CREATE TABLE attempts (
        scope text NOT NULL,
        subject_hash text NOT NULL,
        attempts integer NOT NULL,
        ends_at timestamptz NOT NULL,
        CONSTRAINT pk_attempts PRIMARY KEY (scope, subject_hash)
    )
    """,
    "CREATE INDEX ix_attempts_ends_at ON attempts (ends_at)",
)

LEDGER: Final = (
    """
    CREATE TABLE ledger_transactions (
        transaction_id uuid CONSTRAINT pk_ledger_transactions PRIMARY KEY,
        request_id uuid NOT NULL,
        kind text NOT NULL,
        reference text NOT NULL,
        reverses_transaction_id uuid
            CONSTRAINT fk_ledger_transactions_reverses_transaction_id_ledger_transactions
            REFERENCES ledger_transactions,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE UNIQUE INDEX uq_ledger_transactions_request_id ON ledger_transactions (request_id)",
    """
    CREATE UNIQUE INDEX uq_ledger_transactions_reverses_transaction_id
    ON ledger_transactions (reverses_transaction_id)
    """,
    """
    CREATE TABLE ledger_entries (
        transaction_id uuid NOT NULL
            CONSTRAINT fk_ledger_entries_transaction_id_ledger_transactions REFERENCES ledger_transactions,
        account_kind text NOT NULL CONSTRAINT ck_ledger_entries_account_kind
            CHECK (account_kind IN ('wallet', 'escrow', 'loyalty', 'revenue', 'external')),
        account_owner text NOT NULL,
        currency text NOT NULL,
        amount numeric(14, 2) NOT NULL,
        CONSTRAINT pk_ledger_entries PRIMARY KEY (transaction_id, account_kind, account_owner, currency)
    )
    """,
    "CREATE INDEX ix_ledger_entries_account ON ledger_entries (account_kind, account_owner)",
    # Each page keeps free space, so that a changed balance stays on its page and changes no index.
    """
    CREATE TABLE balances (
        account_kind text NOT NULL
            CONSTRAINT ck_balances_is_kept CHECK (account_kind IN ('wallet', 'escrow', 'loyalty')),
        account_owner text NOT NULL,
        currency text NOT NULL,
        amount numeric(14, 2) NOT NULL DEFAULT 0 CONSTRAINT ck_balances_not_negative CHECK (amount >= 0),
        CONSTRAINT pk_balances PRIMARY KEY (account_kind, account_owner, currency)
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE TABLE escrows (
        escrow_id uuid CONSTRAINT pk_escrows PRIMARY KEY,
        request_id uuid NOT NULL,
        user_id uuid NOT NULL CONSTRAINT fk_escrows_user_id_users REFERENCES users,
        amount numeric(14, 2) NOT NULL,
        status text NOT NULL CONSTRAINT ck_escrows_status CHECK (status IN ('HELD', 'RELEASED', 'VOIDED')),
        reference text NOT NULL,
        held_at timestamptz NOT NULL DEFAULT now(),
        resolved_at timestamptz
    )
    """,
    "CREATE UNIQUE INDEX uq_escrows_request_id ON escrows (request_id)",
    "CREATE INDEX ix_escrows_user_id ON escrows (user_id)",
)

# All sides of a movement are written by one statement, so each statement's rows must sum to zero.
RULES: Final = (
    """
    CREATE FUNCTION refuse_unbalanced_entries() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM added GROUP BY transaction_id, currency HAVING sum(amount) <> 0) THEN
            RAISE EXCEPTION 'the entries of a transaction must sum to zero'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_entries_balanced';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER entries_balance AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced_entries()
    """,
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER entries_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER transactions_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)

PLUMBING: Final = (
    """
    CREATE TABLE requests (
        request_id uuid CONSTRAINT pk_requests PRIMARY KEY,
        fingerprint text NOT NULL,
        result jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE outbox (
        message_id uuid CONSTRAINT pk_outbox PRIMARY KEY,
        exchange text NOT NULL,
        routing_key text NOT NULL,
        body bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        sent_at timestamptz
    )
    """,
    "CREATE INDEX ix_outbox_unsent ON outbox (created_at) WHERE sent_at IS NULL",
    "CREATE INDEX ix_outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL",
)


def upgrade() -> None:
    for statement in (*ACCOUNTS, *LEDGER, *RULES, *PLUMBING):
        op.execute(statement)
