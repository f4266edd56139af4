"""Bodies of webhooks that carry goods are stored sealed."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("webhook_log", sa.Column("sealed_body", sa.LargeBinary()))


def downgrade() -> None:
    op.drop_column("webhook_log", "sealed_body")
