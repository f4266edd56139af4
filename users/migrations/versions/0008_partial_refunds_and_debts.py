"""Refunds of parts of a charge."""

from typing import Final

from alembic import op

revision = "0008"
down_revision = "0006"

PARTS: Final = (
    """
    ALTER TABLE ledger_transactions ADD COLUMN refunds_transaction_id uuid
        CONSTRAINT fk_ledger_transactions_refunds_transaction_id_ledger_transactions REFERENCES ledger_transactions
    """,
    """
    CREATE INDEX ix_ledger_transactions_refunds_transaction_id ON ledger_transactions (refunds_transaction_id)
    WHERE refunds_transaction_id IS NOT NULL
    """,
    """
    CREATE TABLE reversed_amounts (
        transaction_id uuid CONSTRAINT pk_reversed_amounts PRIMARY KEY
            CONSTRAINT fk_reversed_amounts_transaction_id_ledger_transactions REFERENCES ledger_transactions,
        amount numeric(14, 2) NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in PARTS:
        op.execute(statement)
