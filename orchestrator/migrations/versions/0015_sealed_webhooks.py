"""Bodies of webhooks that carry goods are stored sealed; an index finds the jobs of a lane that have ended.

It may begin again, because its indexes are created online.
"""

from alembic import op

from common.db.migrations import create_index_online

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("ALTER TABLE webhook_log ADD COLUMN IF NOT EXISTS sealed_body bytea")
    where = "provider = 'kinguin' AND sealed_body IS NULL"
    create_index_online("ix_webhook_log_unsealed", "webhook_log", "webhook_id", where=where)
    create_index_online("ix_jobs_of_lane", "jobs", "kind, lane", where="lane IS NOT NULL")


def downgrade() -> None:
    op.drop_index("ix_jobs_of_lane", "jobs")
    op.drop_index("ix_webhook_log_unsealed")
    op.drop_column("webhook_log", "sealed_body")
