"""Refund single seats of an order, and let a ticket be disputed or change owner, but never both."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# As in occupant_of, a lock serializes the transactions that ask about one order or one seat, and each query has a new
# snapshot.
ORDER_LOCK = "PERFORM pg_advisory_xact_lock(hashtextextended('refund or dispute ' || asked_order_id::text, 0))"
SEAT_LOCK = "PERFORM pg_advisory_xact_lock(hashtextextended(asked_seat_id::text, 0))"
DISPUTED = "status IN ('DISPUTED', 'REVERSING')"

REFUND_OBSTACLE = f"""
    CREATE FUNCTION refund_obstacle(asked_order_id uuid, asked_seat_ids uuid[]) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        {ORDER_LOCK};
        IF NOT EXISTS (SELECT FROM orders
                       WHERE order_id = asked_order_id AND status = 'CONFIRMED' AND refund_begun_by IS NULL) THEN
            RETURN 'status';
        END IF;
        IF EXISTS (SELECT FROM transfers WHERE order_id = asked_order_id AND {DISPUTED}
                   AND (asked_seat_ids IS NULL OR seat_id = ANY(asked_seat_ids))) THEN
            RETURN 'dispute';
        END IF;
        IF EXISTS (SELECT FROM order_seats WHERE order_id = asked_order_id AND refund_begun_by IS NOT NULL
                   AND (asked_seat_ids IS NULL OR seat_id = ANY(asked_seat_ids))) THEN
            RETURN 'status';
        END IF;
        RETURN NULL;
    END $$
"""
HAS_SEATS_BESIDES = f"""
    CREATE FUNCTION has_seats_besides(asked_order_id uuid, refunded_seat_ids uuid[])
    RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        {ORDER_LOCK};
        RETURN EXISTS (SELECT FROM order_seats WHERE order_id = asked_order_id AND refunded_at IS NULL
                       AND seat_id <> ALL(refunded_seat_ids));
    END $$
"""
IS_SEAT_GIVEN_BACK = f"""
    CREATE FUNCTION is_given_back(asked_order_id uuid, asked_seat_id uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        {ORDER_LOCK};
        RETURN EXISTS (SELECT FROM orders
                       WHERE order_id = asked_order_id AND (status = 'REFUNDED' OR refund_begun_by IS NOT NULL))
            OR EXISTS (SELECT FROM order_seats
                       WHERE order_id = asked_order_id AND seat_id = asked_seat_id AND refund_begun_by IS NOT NULL);
    END $$
"""
IS_DISPUTED = f"""
    CREATE FUNCTION is_disputed(asked_seat_id uuid, asked_order_id uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        {SEAT_LOCK};
        RETURN EXISTS (SELECT FROM transfers
                       WHERE seat_id = asked_seat_id AND order_id = asked_order_id AND {DISPUTED});
    END $$
"""
# Whether the buyer of a transfer is about to give the ticket to another user, or has done so.
IS_PASSED_ON = f"""
    CREATE FUNCTION is_passed_on(asked_seat_id uuid, asked_order_id uuid, since timestamptz)
    RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        {SEAT_LOCK};
        RETURN EXISTS (SELECT FROM transfers WHERE seat_id = asked_seat_id AND order_id = asked_order_id
                       AND status = 'PENDING_OTP' AND owner_change_begun_by IS NOT NULL)
            OR EXISTS (SELECT FROM listings WHERE seat_id = asked_seat_id AND order_id = asked_order_id
                       AND status = 'PENDING_TRANSFER' AND owner_change_begun_by IS NOT NULL)
            OR EXISTS (SELECT FROM transfers WHERE seat_id = asked_seat_id AND order_id = asked_order_id
                       AND completed_at > since AND status <> 'REVERSED')
            OR EXISTS (SELECT FROM listings WHERE seat_id = asked_seat_id AND order_id = asked_order_id
                       AND completed_at > since);
    END $$
"""
# The previous release asks about whole orders; it runs beside this one during a deployment.
PREVIOUS = """
    CREATE OR REPLACE FUNCTION {name}(asked_order_id uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('refund or dispute ' || asked_order_id::text, 0));
        RETURN EXISTS (SELECT FROM {table} WHERE order_id = asked_order_id AND {condition}) {more};
    END $$
"""
HAS_DISPUTE = {"name": "has_dispute", "table": "transfers", "condition": DISPUTED}
IS_GIVEN_BACK = {
    "name": "is_given_back",
    "table": "orders",
    "condition": "(status = 'REFUNDED' OR refund_begun_by IS NOT NULL)",
}
OR_BY_SEAT = "OR EXISTS (SELECT FROM order_seats WHERE order_id = asked_order_id AND refund_begun_by IS NOT NULL)"


def upgrade() -> None:
    op.add_column("order_seats", sa.Column("refund_begun_by", UUID(as_uuid=True)))
    op.add_column("order_seats", sa.Column("refunded_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_order_seats_refunded_at"),
        "order_seats",
        "refunded_at IS NULL OR refund_begun_by IS NOT NULL",
        postgresql_not_valid=True,
    )
    for table in ("transfers", "listings"):
        op.add_column(table, sa.Column("owner_change_begun_by", UUID(as_uuid=True)))
    for function in (REFUND_OBSTACLE, HAS_SEATS_BESIDES, IS_SEAT_GIVEN_BACK, IS_DISPUTED, IS_PASSED_ON):
        op.execute(function)
    for previous in (HAS_DISPUTE, IS_GIVEN_BACK):
        op.execute(PREVIOUS.format(**previous, more=OR_BY_SEAT))


def downgrade() -> None:
    for previous in (HAS_DISPUTE, IS_GIVEN_BACK):
        op.execute(PREVIOUS.format(**previous, more=""))
    for function in (
        "refund_obstacle",
        "has_seats_besides",
        "is_given_back(uuid, uuid)",
        "is_disputed",
        "is_passed_on",
    ):
        op.execute(f"DROP FUNCTION {function}")
    for table in ("transfers", "listings"):
        op.drop_column(table, "owner_change_begun_by")
    op.drop_column("order_seats", "refunded_at")
    op.drop_column("order_seats", "refund_begun_by")
