"""The names of users, and the halls that staff are assigned to."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN name text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE users ADD COLUMN assigned_hall_id text")
