"""Let an order be refunded, or a ticket of it be disputed, but never both."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# As in occupant_of, the lock serializes the transactions that ask about one order, and each query has a new snapshot.
FUNCTION = """
    CREATE FUNCTION {name}(asked_order_id uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('refund or dispute ' || asked_order_id::text, 0));
        RETURN EXISTS (SELECT FROM {table} WHERE order_id = asked_order_id AND {condition});
    END $$
"""


def upgrade() -> None:
    op.add_column("orders", sa.Column("refund_begun_by", UUID(as_uuid=True)))
    disputed = sa.text("status IN ('DISPUTED', 'REVERSING')")
    op.create_index("ix_transfers_order_disputed", "transfers", ["order_id"], postgresql_where=disputed)
    op.execute(FUNCTION.format(name="has_dispute", table="transfers", condition=disputed.text))
    given_back = "(status = 'REFUNDED' OR refund_begun_by IS NOT NULL)"
    op.execute(FUNCTION.format(name="is_given_back", table="orders", condition=given_back))


def downgrade() -> None:
    op.execute("DROP FUNCTION is_given_back(uuid)")
    op.execute("DROP FUNCTION has_dispute(uuid)")
    op.drop_index("ix_transfers_order_disputed", "transfers")
    op.drop_column("orders", "refund_begun_by")
