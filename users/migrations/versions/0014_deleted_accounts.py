"""Accounts can be deleted: the row stays without the person."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    op.alter_column("users", "email", nullable=True)
    op.alter_column("users", "phone", nullable=True)


def downgrade() -> None:
    """Deleted accounts get an address and a phone that nobody has."""
    op.execute("UPDATE users SET phone = 'deleted ' || user_id WHERE phone IS NULL")
    op.execute("UPDATE users SET email = user_id || '@deleted.invalid' WHERE email IS NULL")
    op.alter_column("users", "phone", nullable=False)
    op.alter_column("users", "email", nullable=False)
    op.drop_column("users", "deleted_at")
