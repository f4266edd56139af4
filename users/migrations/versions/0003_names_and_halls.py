"""What people are called, and the hall that staff scan at."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN name text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE users ADD COLUMN assigned_hall_id text")
