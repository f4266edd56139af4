"""Bodies of webhooks that carry goods are stored sealed.

It may begin again, because the index is created online.
"""

from alembic import op

from common.db.migrations import create_index_online

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("ALTER TABLE webhook_log ADD COLUMN IF NOT EXISTS sealed_body bytea")
    where = "provider = 'kinguin' AND sealed_body IS NULL"
    create_index_online("ix_webhook_log_unsealed", "webhook_log", "webhook_id", where=where)


def downgrade() -> None:
    op.drop_index("ix_webhook_log_unsealed")
    op.drop_column("webhook_log", "sealed_body")
