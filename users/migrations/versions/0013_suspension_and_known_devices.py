"""Suspended accounts, devices that logged in before, and refresh tokens that may be sent twice within seconds.

It may begin again, because its indexes are created online.
"""

from alembic import op

from common.db.migrations import create_index_online

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN IF NOT EXISTS suspended_at timestamptz")
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS known_devices (
            token_hash bytea PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
            expires_at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX IF NOT EXISTS ix_known_devices_user_id ON known_devices (user_id)")
    op.execute("CREATE INDEX IF NOT EXISTS ix_known_devices_expires_at ON known_devices (expires_at)")
    # Tokens from before have no `created_at`, so that none counts as issued now.
    op.execute(
        """
        ALTER TABLE refresh_tokens ADD COLUMN IF NOT EXISTS predecessor_hash bytea,
                                   ADD COLUMN IF NOT EXISTS repeatable_until timestamptz,
                                   ADD COLUMN IF NOT EXISTS created_at timestamptz
        """
    )
    op.execute("ALTER TABLE refresh_tokens ALTER COLUMN created_at SET DEFAULT now()")
    create_index_online("ix_users_created_at", "users", "created_at, user_id")
    create_index_online("ix_users_admins", "users", "user_id", where="roles @> '{admin}'")


def downgrade() -> None:
    op.drop_index("ix_users_admins", "users")
    op.drop_index("ix_users_created_at", "users")
    op.execute(
        "ALTER TABLE refresh_tokens DROP COLUMN created_at, DROP COLUMN repeatable_until, DROP COLUMN predecessor_hash"
    )
    op.execute("DROP TABLE known_devices")
    op.drop_column("users", "suspended_at")
