"""Failed jobs say whether they need an admin; existing failed jobs do."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("failure", sa.Text()))
    op.create_check_constraint(op.f("ck_jobs_failure_known"), "jobs", "failure IN ('dead', 'refused', 'acknowledged')")
    op.execute("UPDATE jobs SET failure = 'dead' WHERE status = 'failed'")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_jobs_failure_known"), "jobs")
    op.drop_column("jobs", "failure")
