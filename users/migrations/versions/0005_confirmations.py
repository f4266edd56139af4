"""Codes that confirm an action: a challenge for each user, context and reference, which is kept once verified."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE otp_challenges ADD COLUMN reference text")
    op.execute("UPDATE otp_challenges SET reference = CAST(user_id AS text)")
    op.execute(
        """
        ALTER TABLE otp_challenges
            ALTER COLUMN reference SET NOT NULL,
            ALTER COLUMN verification_sid DROP NOT NULL,
            ALTER COLUMN phone DROP NOT NULL,
            ADD COLUMN verified_at timestamptz,
            ADD COLUMN sending_request_id uuid,
            ADD COLUMN sending_until timestamptz,
            ADD COLUMN trying_until timestamptz,
            DROP CONSTRAINT pk_otp_challenges,
            ADD CONSTRAINT pk_otp_challenges PRIMARY KEY (user_id, context, reference)
        """
    )
    op.execute("CREATE INDEX ix_otp_challenges_sent_at ON otp_challenges (sent_at)")
