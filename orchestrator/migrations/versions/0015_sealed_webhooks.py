"""Bodies of webhooks that carry goods are stored sealed; an index finds the jobs of a lane that have ended."""

import sqlalchemy as sa
from alembic import op

from common.db.migrations import create_index_online

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("webhook_log", sa.Column("sealed_body", sa.LargeBinary()))
    create_index_online("ix_jobs_of_lane", "jobs", "kind, lane", where="lane IS NOT NULL")


def downgrade() -> None:
    op.drop_index("ix_jobs_of_lane", "jobs")
    op.drop_column("webhook_log", "sealed_body")
