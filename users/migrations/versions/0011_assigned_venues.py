"""The venue of the hall where a user scans as staff."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("assigned_venue_id", UUID(as_uuid=True)))


def downgrade() -> None:
    op.drop_column("users", "assigned_venue_id")
