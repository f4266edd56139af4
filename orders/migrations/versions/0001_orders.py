"""Orders, their seats, their history, and the triggers that refuse other changes of status."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The database enforces the transitions of orders/ticket_orders/status.py. A trigger's condition is checked before its
# function is called, so an allowed transition calls no function.
GUARDS = (
    """
    CREATE FUNCTION refuse_order_status() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'an order may not become %', NEW.status USING ERRCODE = 'check_violation';
    END $$
    """,
    """
    CREATE TRIGGER orders_begin_pending BEFORE INSERT ON orders FOR EACH ROW
    WHEN (NEW.status <> 'PENDING') EXECUTE FUNCTION refuse_order_status()
    """,
    """
    CREATE TRIGGER orders_move_legally BEFORE UPDATE OF status ON orders FOR EACH ROW
    WHEN ((OLD.status, NEW.status) NOT IN (
        ('PENDING', 'CONFIRMED'), ('PENDING', 'FAILED'), ('PENDING', 'CANCELLED'), ('CONFIRMED', 'REFUNDED')))
    EXECUTE FUNCTION refuse_order_status()
    """,
)


def upgrade() -> None:
    _create_orders()
    _create_seats_and_history()
    op.create_table(
        "requests",
        sa.Column("request_id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    for guard in GUARDS:
        op.execute(guard)


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("user_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("event_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(14, 2), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint("status IN ('PENDING', 'CONFIRMED', 'FAILED', 'CANCELLED', 'REFUNDED')", name="status"),
        sa.CheckConstraint("total >= 0", name="total"),
        sa.CheckConstraint("(status IN ('CONFIRMED', 'REFUNDED')) = (confirmed_at IS NOT NULL)", name="confirmed_at"),
        sa.CheckConstraint("(status IN ('FAILED', 'CANCELLED', 'REFUNDED')) = (ended_at IS NOT NULL)", name="ended_at"),
    )
    op.create_index(
        "ix_orders_user_newest", "orders", ["user_id", sa.text("created_at DESC"), sa.text("order_id DESC")]
    )


def _create_seats_and_history() -> None:
    op.create_table(
        "order_seats",
        sa.Column("order_id", postgresql.UUID(as_uuid=True), sa.ForeignKey("orders.order_id"), primary_key=True),
        sa.Column("seat_id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Text(), nullable=False),
        sa.Column("seat_number", sa.Integer(), nullable=False),
        sa.Column("price", sa.Numeric(14, 2), nullable=False),
        sa.CheckConstraint("price >= 0", name="price"),
    )
    op.create_table(
        "order_history",
        sa.Column("order_id", postgresql.UUID(as_uuid=True), sa.ForeignKey("orders.order_id"), primary_key=True),
        sa.Column("history_id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("from_status", sa.Text()),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("reason", sa.Text()),
    )


def downgrade() -> None:
    for table in ("order_history", "order_seats", "orders", "requests"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_order_status()")
