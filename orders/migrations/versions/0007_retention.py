"""What the previous revision leaves to be done while the older release writes: a constraint, and the indexes.

Also those for the deletion of old requests, and for admins' lists of orders and transfers.
"""

from alembic import op

from common.db.migrations import create_index_online, validate_online

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    validate_online("order_seats", "ck_order_seats_refunded_at")
    for table in ("transfers", "listings"):
        create_index_online(
            f"ix_{table}_ticket_completed", table, "order_id, seat_id", where="completed_at IS NOT NULL"
        )
    create_index_online("ix_requests_created_at", "requests", "created_at")
    create_index_online("ix_orders_newest", "orders", "created_at DESC, order_id DESC")
    create_index_online("ix_orders_status_newest", "orders", "status, created_at DESC, order_id DESC")
    create_index_online("ix_transfers_newest", "transfers", "created_at DESC, transfer_id DESC")


def downgrade() -> None:
    op.drop_index("ix_transfers_newest", "transfers")
    op.drop_index("ix_orders_status_newest", "orders")
    op.drop_index("ix_orders_newest", "orders")
    op.drop_index("ix_requests_created_at", "requests")
    for table in ("listings", "transfers"):
        op.drop_index(f"ix_{table}_ticket_completed", table)
