"""Payments; numbers of ledger entries, by which a statement lists an account's entries in order."""

from typing import Final

from alembic import op

revision = "0006"
down_revision = "0005"

# A trigger refuses any change of an entry. It is disabled while the entries are numbered by their time.
NUMBERED: Final = (
    "ALTER TABLE ledger_entries ADD COLUMN entry_number bigint",
    "ALTER TABLE ledger_entries DISABLE TRIGGER entries_are_final",
    """
    UPDATE ledger_entries entry SET entry_number = numbered.entry_number FROM (
        SELECT transaction_id, account_kind, account_owner, currency, row_number() OVER (
                   ORDER BY created_at, transaction_id, account_kind, account_owner, currency) AS entry_number
        FROM ledger_entries JOIN ledger_transactions USING (transaction_id)) AS numbered
    WHERE (entry.transaction_id, entry.account_kind, entry.account_owner, entry.currency)
        = (numbered.transaction_id, numbered.account_kind, numbered.account_owner, numbered.currency)
    """,
    "ALTER TABLE ledger_entries ENABLE TRIGGER entries_are_final",
    """
    ALTER TABLE ledger_entries
        ALTER COLUMN entry_number SET NOT NULL,
        ALTER COLUMN entry_number ADD GENERATED ALWAYS AS IDENTITY
    """,
    """
    SELECT setval(pg_get_serial_sequence('ledger_entries', 'entry_number'), coalesce(max(entry_number), 0) + 1, false)
    FROM ledger_entries
    """,
    "DROP INDEX ix_ledger_entries_account",
    """
    CREATE INDEX ix_ledger_entries_account
    ON ledger_entries (account_kind, account_owner, currency, entry_number)
    """,
)

PAYMENTS: Final = (
    """
    CREATE TABLE payments (
        payment_id uuid CONSTRAINT pk_payments PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT fk_payments_user_id_users REFERENCES users,
        provider text NOT NULL CONSTRAINT ck_payments_provider CHECK (provider IN ('stripe', 'nowpayments')),
        provider_payment_id text,
        purpose text NOT NULL CONSTRAINT ck_payments_purpose CHECK (purpose IN ('topup', 'order')),
        reference text NOT NULL,
        amount numeric(14, 2) NOT NULL CONSTRAINT ck_payments_amount CHECK (amount > 0),
        currency text NOT NULL,
        status text NOT NULL DEFAULT 'PENDING' CONSTRAINT ck_payments_status CHECK (status IN (
            'PENDING', 'WAITING', 'CONFIRMING', 'FAILED', 'EXPIRED', 'PARTIALLY_PAID', 'SUCCEEDED', 'REFUNDED')),
        status_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        paid_amount numeric,
        flags text[] NOT NULL DEFAULT '{}',
        details jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        credited_at timestamptz,
        expires_at timestamptz,
        CONSTRAINT uq_payments_provider_payment_id UNIQUE (provider, provider_payment_id),
        CONSTRAINT ck_payments_credited CHECK (
            CASE status WHEN 'SUCCEEDED' THEN credited_at IS NOT NULL
                        WHEN 'REFUNDED' THEN true
                        ELSE credited_at IS NULL END)
    )
    """,
    "CREATE INDEX ix_payments_created_at ON payments (created_at)",
    "CREATE INDEX ix_payments_user ON payments (user_id, created_at)",
    "CREATE INDEX ix_payments_status ON payments (provider, status, created_at)",
    "CREATE INDEX ix_payments_flagged ON payments (created_at) WHERE flags <> '{}'",
)


def upgrade() -> None:
    for statement in (*NUMBERED, *PAYMENTS):
        op.execute(statement)
