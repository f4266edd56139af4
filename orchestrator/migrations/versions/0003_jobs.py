"""Jobs, the keys that outlive them, and the hourly counts of purged jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

ID = postgresql.UUID(as_uuid=True)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_jobs()
    _index_jobs()
    _create_job_keys()
    _create_job_tallies()


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", ID, primary_key=True),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("requested_by", ID),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("lane", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("progress", postgresql.JSONB()),
        sa.Column("result", postgresql.JSONB()),
        sa.Column("error", postgresql.JSONB()),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("run_at", TIME, nullable=False),
        sa.Column("token_at", TIME),
        sa.Column("lease_until", TIME),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'retrying', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_jobs_status_known"),
        ),
        sa.CheckConstraint("(status = 'running') = (lease_until IS NOT NULL)", name=op.f("ck_jobs_running_is_leased")),
        sa.CheckConstraint(
            "(status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)",
            name=op.f("ck_jobs_end_has_time"),
        ),
        postgresql_with={"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.02"},
    )


def _index_jobs() -> None:
    op.create_index(
        "ix_jobs_turn",
        "jobs",
        ["kind", sa.text("priority DESC"), "queued_at", "number", "run_at"],
        postgresql_where=sa.text("status IN ('queued', 'retrying')"),
    )
    op.create_index(
        "ix_jobs_lane",
        "jobs",
        ["kind", "lane", "queued_at", "number"],
        postgresql_where=sa.text("lane IS NOT NULL AND status IN ('queued', 'running', 'retrying')"),
    )
    op.create_index(
        "uq_jobs_running_in_lane",
        "jobs",
        ["kind", "lane"],
        unique=True,
        postgresql_where=sa.text("lane IS NOT NULL AND status = 'running'"),
    )
    op.create_index("ix_jobs_token_at", "jobs", ["token_at"], postgresql_where=sa.text("token_at IS NOT NULL"))
    op.create_index("ix_jobs_lease_until", "jobs", ["lease_until"], postgresql_where=sa.text("lease_until IS NOT NULL"))
    op.create_index(
        "ix_jobs_finished",
        "jobs",
        ["kind", "status", "finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index("ix_jobs_created_at", "jobs", ["created_at"])


def _create_job_keys() -> None:
    op.create_table(
        "job_keys",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.PrimaryKeyConstraint("kind", "idempotency_key"),
    )
    op.create_index("ix_job_keys_job_id", "job_keys", ["job_id"])
    op.create_index("ix_job_keys_created_at", "job_keys", ["created_at"])


def _create_job_tallies() -> None:
    op.create_table(
        "job_tallies",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hour", TIME, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "hour", "status"),
    )


def downgrade() -> None:
    for table in ("job_tallies", "job_keys", "jobs"):
        op.drop_table(table)
