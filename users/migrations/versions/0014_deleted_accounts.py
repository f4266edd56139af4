"""Accounts can be deleted: the row stays without the person."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    op.alter_column("users", "phone", nullable=True)


def downgrade() -> None:
    """Deleted accounts get a phone that no one has."""
    op.execute("UPDATE users SET phone = 'deleted ' || user_id WHERE phone IS NULL")
    op.alter_column("users", "phone", nullable=False)
    op.drop_column("users", "deleted_at")
