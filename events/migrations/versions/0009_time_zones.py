"""The time zone of a venue. All venues so far are in Singapore, unless an operator says otherwise."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Also for the venues that the previous release adds until its processes have stopped.
    op.add_column("venues", sa.Column("time_zone", sa.Text(), nullable=False, server_default="Asia/Singapore"))


def downgrade() -> None:
    op.drop_column("venues", "time_zone")
