"""The user who sent the last signal: an idempotency key belongs to its sender, and a transfer has two parties."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("sagas", sa.Column("signalled_by", postgresql.UUID(as_uuid=True)))
    op.execute("UPDATE sagas SET signalled_by = requested_by WHERE signal_key IS NOT NULL")


def downgrade() -> None:
    op.drop_column("sagas", "signalled_by")
