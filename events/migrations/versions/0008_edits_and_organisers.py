"""Events that can be edited: their text, start of sale, refund window, organiser, and the number of edits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Constant defaults: the table is not rewritten, and the previous release inserts events without these columns.
    op.add_column("events", sa.Column("description", sa.Text(), nullable=False, server_default=""))
    op.add_column("events", sa.Column("sale_starts_at", sa.DateTime(timezone=True)))
    op.add_column("events", sa.Column("refundable_until", sa.DateTime(timezone=True)))
    op.add_column("events", sa.Column("organiser_user_id", postgresql.UUID(as_uuid=True)))
    op.add_column("events", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    for column in ("version", "organiser_user_id", "refundable_until", "sale_starts_at", "description"):
        op.drop_column("events", column)
