"""A pending transfer occupies its ticket, not the seat: a seat that was refunded and sold again is another ticket."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PENDING = sa.text("status = 'PENDING_OTP'")

# As before, but for the condition on transfers; it implies that of ix_transfers_seat_open.
OCCUPANT_OF = """
    CREATE OR REPLACE FUNCTION occupant_of(asked_seat_id uuid, asked_order_id uuid)
    RETURNS text LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended(asked_seat_id::text, 0));
        IF EXISTS (SELECT FROM transfers WHERE seat_id = asked_seat_id AND {occupying}) THEN
            RETURN 'transfer';
        END IF;
        IF EXISTS (SELECT FROM listings WHERE seat_id = asked_seat_id
                   AND status IN ('OPENING', 'ACTIVE', 'PENDING_TRANSFER', 'WITHDRAWING')) THEN
            RETURN 'listing';
        END IF;
        RETURN NULL;
    END $$
"""
PENDING_BY_SEAT = """
    (status = 'PENDING_OTP' OR (status IN ('DISPUTED', 'REVERSING') AND order_id = asked_order_id))
"""
ALL_BY_TICKET = "order_id = asked_order_id AND status IN ('PENDING_OTP', 'DISPUTED', 'REVERSING')"


def upgrade() -> None:
    op.create_index(
        "uq_transfers_ticket_pending", "transfers", ["seat_id", "order_id"], unique=True, postgresql_where=PENDING
    )
    op.drop_index("uq_transfers_seat_pending", "transfers")
    op.execute(OCCUPANT_OF.format(occupying=ALL_BY_TICKET))


def downgrade() -> None:
    op.execute(OCCUPANT_OF.format(occupying=PENDING_BY_SEAT))
    op.create_index("uq_transfers_seat_pending", "transfers", ["seat_id"], unique=True, postgresql_where=PENDING)
    op.drop_index("uq_transfers_ticket_pending", "transfers")
