"""Store the end of a session with it, and index it: the deletion of old sessions must not read all of them."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE sessions ADD COLUMN ends_at timestamptz")
    op.execute(
        """
        UPDATE sessions SET ends_at = coalesce(
            (SELECT max(expires_at) FROM refresh_tokens token WHERE token.session_id = sessions.session_id),
            access_expires_at)
        """
    )
    op.execute("ALTER TABLE sessions ALTER COLUMN ends_at SET NOT NULL")
    op.execute("CREATE INDEX ix_sessions_ends_at ON sessions (ends_at)")
