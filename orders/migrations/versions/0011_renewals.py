"""Items that renew subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("purchased_items", sa.Column("renewed_periods", sa.Integer()))


def downgrade() -> None:
    op.drop_column("purchased_items", "renewed_periods")
