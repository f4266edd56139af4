"""Addresses that are proven by links, where logins come from, and a digest of the code that verified a phone.

The addresses of existing accounts are unproven.
"""

from alembic import op

from common.db.migrations import create_index_online

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    # The revision begins again if the index could not be created.
    op.execute(
        """
        ALTER TABLE users
            ALTER COLUMN email DROP NOT NULL,
            ADD COLUMN IF NOT EXISTS email_verified_at timestamptz,
            ADD COLUMN IF NOT EXISTS new_email text
        """
    )
    op.execute("ALTER TABLE sessions ADD COLUMN IF NOT EXISTS device text, ADD COLUMN IF NOT EXISTS network text")
    op.execute("ALTER TABLE otp_challenges ADD COLUMN IF NOT EXISTS code_hash bytea")
    create_index_online("ix_users_new_email", "users", "new_email", where="new_email IS NOT NULL")
    op.execute(
        """
        CREATE TABLE email_links (
            link_id uuid CONSTRAINT pk_email_links PRIMARY KEY,
            purpose text NOT NULL,
            email text NOT NULL,
            user_id uuid CONSTRAINT fk_email_links_user_id_users REFERENCES users ON DELETE CASCADE,
            created_at timestamptz NOT NULL DEFAULT now(),
            used_at timestamptz
        )
        """
    )
    op.execute("CREATE INDEX ix_email_links_email ON email_links (email)")
    op.execute("CREATE INDEX ix_email_links_user_id ON email_links (user_id)")
    op.execute("CREATE INDEX ix_email_links_created_at ON email_links (created_at)")
