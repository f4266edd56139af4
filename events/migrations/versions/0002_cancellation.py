"""The time of an event's cancellation, its refund deadline, and bounds of its resale cap."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "events", sa.Column("refund_deadline_hours", sa.Integer(), nullable=False, server_default=sa.text("24"))
    )
    op.add_column("events", sa.Column("cancelled_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE events SET cancelled_at = now() WHERE status = 'CANCELLED'")
    op.create_check_constraint(
        op.f("ck_events_refund_deadline_hours"), "events", "refund_deadline_hours BETWEEN 0 AND 8760"
    )
    op.create_check_constraint(op.f("ck_events_resale_cap_percent"), "events", "resale_cap_percent BETWEEN 0 AND 1000")
    op.create_check_constraint(
        op.f("ck_events_cancelled_at"), "events", "(status = 'CANCELLED') = (cancelled_at IS NOT NULL)"
    )


def downgrade() -> None:
    for name in ("cancelled_at", "resale_cap_percent", "refund_deadline_hours"):
        op.drop_constraint(op.f(f"ck_events_{name}"), "events")
    op.drop_column("events", "cancelled_at")
    op.drop_column("events", "refund_deadline_hours")
