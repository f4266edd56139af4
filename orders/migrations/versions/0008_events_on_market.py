"""An index of the listings on the market by event, from which the worker reads the events that have some."""

from alembic import op

from common.db.migrations import create_index_online

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    create_index_online("ix_listings_on_market", "listings", "event_id", where="status = 'ACTIVE'")


def downgrade() -> None:
    op.drop_index("ix_listings_on_market", "listings")
