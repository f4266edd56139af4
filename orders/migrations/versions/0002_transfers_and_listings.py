"""Transfers, listings, their histories, the triggers that refuse other changes of status; indexes of orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UUID = postgresql.UUID(as_uuid=True)
AMOUNT = sa.Numeric(14, 2)
INSTANT = sa.DateTime(timezone=True)
SOLD = "status IN ('PENDING_TRANSFER', 'COMPLETED')"

# The database enforces the transitions of both status.py. A trigger's condition is checked before its function is
# called, so an allowed transition calls no function.
GUARDS = (
    """
    CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'an illegal move in %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END $$
    """,
    """
    CREATE TRIGGER transfers_begin_pending BEFORE INSERT ON transfers FOR EACH ROW
    WHEN (NEW.status <> 'PENDING_OTP') EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER transfers_move_legally BEFORE UPDATE OF status ON transfers FOR EACH ROW
    WHEN ((OLD.status, NEW.status) NOT IN (
        ('PENDING_OTP', 'COMPLETED'), ('PENDING_OTP', 'FAILED'), ('PENDING_OTP', 'CANCELLED'),
        ('COMPLETED', 'DISPUTED'), ('DISPUTED', 'COMPLETED'),
        ('DISPUTED', 'REVERSING'), ('REVERSING', 'DISPUTED'), ('REVERSING', 'REVERSED')))
    EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER listings_begin_opening BEFORE INSERT ON listings FOR EACH ROW
    WHEN (NEW.status <> 'OPENING') EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER listings_move_legally BEFORE UPDATE OF status ON listings FOR EACH ROW
    WHEN ((OLD.status, NEW.status) NOT IN (
        ('OPENING', 'ACTIVE'), ('ACTIVE', 'PENDING_TRANSFER'), ('ACTIVE', 'WITHDRAWING'),
        ('PENDING_TRANSFER', 'ACTIVE'), ('PENDING_TRANSFER', 'COMPLETED'),
        ('WITHDRAWING', 'ACTIVE'), ('WITHDRAWING', 'CANCELLED')))
    EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER listings_are_kept BEFORE DELETE ON listings FOR EACH ROW
    WHEN (OLD.status <> 'OPENING') EXECUTE FUNCTION refuse_move()
    """,
)

# A seat is in one transfer or one listing at a time, and no index spans two tables. The lock serializes the transactions
# that call this function for one seat. Each query of a volatile function has a new snapshot, so it sees what the
# transaction before committed; the snapshot of the calling statement may be older.
OCCUPANT_OF = """
    CREATE FUNCTION occupant_of(asked_seat_id uuid) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended(asked_seat_id::text, 0));
        IF EXISTS (SELECT FROM transfers WHERE seat_id = asked_seat_id
                   AND status IN ('PENDING_OTP', 'DISPUTED', 'REVERSING')) THEN
            RETURN 'transfer';
        END IF;
        IF EXISTS (SELECT FROM listings WHERE seat_id = asked_seat_id
                   AND status IN ('OPENING', 'ACTIVE', 'PENDING_TRANSFER', 'WITHDRAWING')) THEN
            RETURN 'listing';
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    op.create_index("ix_order_seats_seat", "order_seats", ["seat_id"])
    op.create_index("ix_orders_event_oldest", "orders", ["event_id", "status", "created_at", "order_id"])
    _create_transfers()
    _index_transfers()
    _create_listings()
    _index_listings()
    _create_history("transfer", sa.Column("reason", sa.Text()), ondelete=None)
    _create_history("listing", ondelete="CASCADE")
    for statement in (*GUARDS, OCCUPANT_OF):
        op.execute(statement)


def _seat() -> list[sa.Column[object]]:
    return [
        sa.Column("seat_id", UUID, nullable=False),
        sa.Column("order_id", UUID, nullable=False),
        sa.Column("event_id", UUID, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Text(), nullable=False),
        sa.Column("seat_number", sa.Integer(), nullable=False),
    ]


def _create_transfers() -> None:
    op.create_table(
        "transfers",
        sa.Column("transfer_id", UUID, primary_key=True),
        *_seat(),
        sa.Column("seller_user_id", UUID, nullable=False),
        sa.Column("buyer_user_id", UUID, nullable=False),
        sa.Column("initiated_by_user_id", UUID, nullable=False),
        sa.Column("credits_amount", AMOUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("moved_by_request_id", UUID, nullable=False),
        sa.Column("seller_confirmed_at", INSTANT),
        sa.Column("buyer_confirmed_at", INSTANT),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("completed_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("reason", sa.Text()),
        sa.Column("disputed_by_user_id", UUID),
        sa.Column("dispute_reason", sa.Text()),
        sa.Column("disputed_at", INSTANT),
        sa.CheckConstraint(
            "status IN ('PENDING_OTP', 'COMPLETED', 'FAILED', 'CANCELLED', 'DISPUTED', 'REVERSING', 'REVERSED')",
            name="status",
        ),
        sa.CheckConstraint("credits_amount >= 0", name="credits_amount"),
        sa.CheckConstraint("seller_user_id <> buyer_user_id", name="two_people"),
        sa.CheckConstraint("initiated_by_user_id IN (seller_user_id, buyer_user_id)", name="initiated_by_user_id"),
        sa.CheckConstraint(
            "(status IN ('COMPLETED', 'DISPUTED', 'REVERSING', 'REVERSED')) = (completed_at IS NOT NULL)",
            name="completed_at",
        ),
        sa.CheckConstraint("(status IN ('FAILED', 'CANCELLED', 'REVERSED')) = (ended_at IS NOT NULL)", name="ended_at"),
        sa.CheckConstraint(
            "disputed_at IS NOT NULL OR status NOT IN ('DISPUTED', 'REVERSING', 'REVERSED')", name="disputed_at"
        ),
    )


def _index_transfers() -> None:
    pending = sa.text("status = 'PENDING_OTP'")
    op.create_index("uq_transfers_seat_pending", "transfers", ["seat_id"], unique=True, postgresql_where=pending)
    is_open = sa.text("status IN ('PENDING_OTP', 'DISPUTED', 'REVERSING')")
    op.create_index("ix_transfers_seat_open", "transfers", ["seat_id"], postgresql_where=is_open)
    newest = [sa.text("created_at DESC"), sa.text("transfer_id DESC")]
    op.create_index("ix_transfers_seller_newest", "transfers", ["seller_user_id", *newest])
    op.create_index("ix_transfers_buyer_newest", "transfers", ["buyer_user_id", *newest])
    op.create_index("ix_transfers_status_newest", "transfers", ["status", *newest])
    op.create_index("ix_transfers_event_oldest", "transfers", ["event_id", "status", "created_at", "transfer_id"])


def _create_listings() -> None:
    op.create_table(
        "listings",
        sa.Column("listing_id", UUID, primary_key=True),
        *_seat(),
        sa.Column("face_value", AMOUNT, nullable=False),
        sa.Column("asking_price", AMOUNT, nullable=False),
        sa.Column("seller_user_id", UUID, nullable=False),
        sa.Column("buyer_user_id", UUID),
        sa.Column("sale_id", UUID),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("moved_by_request_id", UUID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", INSTANT),
        sa.Column("completed_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint(
            "status IN ('OPENING', 'ACTIVE', 'PENDING_TRANSFER', 'WITHDRAWING', 'COMPLETED', 'CANCELLED')",
            name="status",
        ),
        sa.CheckConstraint("face_value >= 0 AND asking_price >= 0", name="prices"),
        sa.CheckConstraint("seller_user_id <> buyer_user_id", name="two_people"),
        sa.CheckConstraint(f"({SOLD}) = (buyer_user_id IS NOT NULL)", name="buyer_user_id"),
        sa.CheckConstraint(f"({SOLD}) = (sale_id IS NOT NULL)", name="sale_id"),
        sa.CheckConstraint(f"({SOLD}) = (expires_at IS NOT NULL)", name="expires_at"),
        sa.CheckConstraint("(status = 'COMPLETED') = (completed_at IS NOT NULL)", name="completed_at"),
        sa.CheckConstraint("(status = 'CANCELLED') = (ended_at IS NOT NULL)", name="ended_at"),
    )


def _index_listings() -> None:
    is_open = sa.text("status IN ('OPENING', 'ACTIVE', 'PENDING_TRANSFER', 'WITHDRAWING')")
    op.create_index("uq_listings_seat_open", "listings", ["seat_id"], unique=True, postgresql_where=is_open)
    newest = [sa.text("created_at DESC"), sa.text("listing_id DESC")]
    op.create_index("ix_listings_status_newest", "listings", ["status", *newest])
    op.create_index("ix_listings_event_oldest", "listings", ["event_id", "status", "created_at", "listing_id"])
    op.create_index("ix_listings_seller_newest", "listings", ["seller_user_id", *newest])
    op.create_index("ix_listings_buyer_newest", "listings", ["buyer_user_id", *newest])


def _create_history(of: str, *more: sa.Column[str], ondelete: str | None) -> None:
    key = f"{of}_id"
    op.create_table(
        f"{of}_history",
        sa.Column(key, UUID, sa.ForeignKey(f"{of}s.{key}", ondelete=ondelete), primary_key=True),
        sa.Column("history_id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("from_status", sa.Text()),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("request_id", UUID, nullable=False),
        sa.Column("user_id", UUID),
        *more,
    )


def downgrade() -> None:
    for table in ("transfer_history", "listing_history", "transfers", "listings"):
        op.drop_table(table)
    op.execute("DROP FUNCTION occupant_of")
    op.execute("DROP FUNCTION refuse_move")
    op.drop_index("ix_orders_event_oldest")
    op.drop_index("ix_order_seats_seat")
