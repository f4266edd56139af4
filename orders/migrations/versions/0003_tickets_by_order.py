"""A ticket is a seat and its order: a dispute about a seat's former order no longer blocks its present ticket."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# As before: the lock serializes the transactions that ask about one seat, and each query has a new snapshot.
OCCUPANT_OF = """
    CREATE FUNCTION {signature} RETURNS text LANGUAGE plpgsql VOLATILE AS $$
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
BY_SEAT = OCCUPANT_OF.format(
    signature="occupant_of(asked_seat_id uuid)", occupying="status IN ('PENDING_OTP', 'DISPUTED', 'REVERSING')"
)
# Two conditions, each of which implies that of ix_transfers_seat_open.
BY_TICKET = OCCUPANT_OF.format(
    signature="occupant_of(asked_seat_id uuid, asked_order_id uuid)",
    occupying="""
        (status = 'PENDING_OTP' OR (status IN ('DISPUTED', 'REVERSING') AND order_id = asked_order_id))
    """,
)


def upgrade() -> None:
    op.execute(BY_TICKET)
    op.execute("DROP FUNCTION occupant_of(uuid)")


def downgrade() -> None:
    op.execute(BY_SEAT)
    op.execute("DROP FUNCTION occupant_of(uuid, uuid)")
