"""Refunds of parts of a charge; what users owe, stored with their wallets; corrections by admins."""

from typing import Final

from alembic import op

revision = "0008"
down_revision = "0007"

PARTS: Final = (
    """
    ALTER TABLE ledger_transactions ADD COLUMN refunds_transaction_id uuid
        CONSTRAINT fk_ledger_transactions_refunds_transaction_id_ledger_transactions REFERENCES ledger_transactions
    """,
    """
    CREATE TABLE reversed_amounts (
        transaction_id uuid CONSTRAINT pk_reversed_amounts PRIMARY KEY
            CONSTRAINT fk_reversed_amounts_transaction_id_ledger_transactions REFERENCES ledger_transactions,
        amount numeric(14, 2) NOT NULL
    )
    """,
)
DEBTS: Final = (
    """
    ALTER TABLE balances
        ADD COLUMN owed numeric(14, 2) NOT NULL DEFAULT 0,
        ADD CONSTRAINT ck_balances_owed_not_negative CHECK (owed >= 0) NOT VALID
    """,
    # The ALTER above excludes entries that the sum would miss. The sum reads the debts alone, by their index.
    """
    UPDATE balances SET owed = debts.owed FROM (
        SELECT account_owner, currency, -sum(amount) AS owed FROM ledger_entries
        WHERE account_kind = 'receivable' GROUP BY account_owner, currency HAVING sum(amount) < 0) AS debts
    WHERE account_kind = 'wallet' AND balances.account_owner = debts.account_owner
      AND balances.currency = debts.currency
    """,
    # A trigger, so that the previous release keeps the sum too while both run. A movement that writes such an entry has
    # locked the wallet's row.
    """
    CREATE FUNCTION keep_owed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE balances SET owed = owed - NEW.amount
        WHERE account_kind = 'wallet' AND account_owner = NEW.account_owner AND currency = NEW.currency;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER entries_keep_owed AFTER INSERT ON ledger_entries
    FOR EACH ROW WHEN (NEW.account_kind = 'receivable') EXECUTE FUNCTION keep_owed()
    """,
)
ADMINS: Final = (
    """
    ALTER TABLE ledger_transactions ADD COLUMN made_by_user_id uuid
        CONSTRAINT fk_ledger_transactions_made_by_user_id_users REFERENCES users
    """,
    "ALTER TABLE ledger_entries DROP CONSTRAINT ck_ledger_entries_account_kind",
    """
    ALTER TABLE ledger_entries ADD CONSTRAINT ck_ledger_entries_account_kind CHECK (account_kind IN (
        'wallet', 'escrow', 'loyalty', 'revenue', 'external', 'receivable', 'platform')) NOT VALID
    """,
)


def upgrade() -> None:
    for statement in (*PARTS, *DEBTS, *ADMINS):
        op.execute(statement)
