"""Accounts that share a verified phone are marked; the next revision marks those from before and excludes new ones."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN shares_phone boolean NOT NULL DEFAULT false")
