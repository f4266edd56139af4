"""One account for each verified phone. Accounts that share a phone keep it; the first of them excludes new ones."""

from alembic import op

revision = "0009"
down_revision = "0008"

MARK_SHARED = """
    UPDATE users SET shares_phone = true
    FROM (SELECT user_id, row_number() OVER (PARTITION BY phone ORDER BY created_at, user_id) AS place
          FROM users WHERE is_verified) AS numbered
    WHERE numbered.user_id = users.user_id AND numbered.place > 1
"""


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN shares_phone boolean NOT NULL DEFAULT false")
    op.execute(MARK_SHARED)
    op.execute("CREATE UNIQUE INDEX uq_users_verified_phone ON users (phone) WHERE is_verified AND NOT shares_phone")
