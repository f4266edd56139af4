"""The job system's tables, in the orchestrator's database."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from orchestrator.database import metadata

__all__ = ["job_keys", "job_tallies", "jobs"]

TIME: Final = DateTime(timezone=True)
WAITING: Final = text("status IN ('queued', 'retrying')")

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", UUID(as_uuid=True), primary_key=True),
    # Orders jobs that were queued in the same microsecond.
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("requested_by", UUID(as_uuid=True)),
    Column("priority", Integer, nullable=False),
    Column("lane", Text),
    Column("status", Text, nullable=False),
    # Whether a failed job needs an admin (`record.Failure`).
    Column("failure", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("max_attempts", Integer, nullable=False),
    Column("progress", JSONB),
    Column("result", JSONB),
    Column("error", JSONB),
    Column("correlation_id", Text, nullable=False),
    Column("traceparent", Text),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    # The order of jobs: when the job was enqueued, or when it is due if that is later. A retry does not change it.
    Column("queued_at", TIME, nullable=False),
    Column("run_at", TIME, nullable=False),
    # When the scheduler sends a wake-up message. NULL if one has already been sent.
    Column("token_at", TIME),
    Column("lease_until", TIME),
    Column("created_at", TIME, nullable=False, server_default=func.clock_timestamp()),
    Column("started_at", TIME),
    Column("finished_at", TIME),
    CheckConstraint(
        "status IN ('queued', 'running', 'retrying', 'completed', 'failed', 'cancelled')", name="status_known"
    ),
    CheckConstraint("failure IN ('dead', 'refused', 'acknowledged')", name="failure_known"),
    CheckConstraint("(status = 'running') = (lease_until IS NOT NULL)", name="running_is_leased"),
    CheckConstraint(
        "(status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)", name="end_has_time"
    ),
    Index("ix_jobs_turn", "kind", text("priority DESC"), "queued_at", "number", "run_at", postgresql_where=WAITING),
    Index(
        "ix_jobs_lane",
        "kind",
        "lane",
        "queued_at",
        "number",
        postgresql_where=text("lane IS NOT NULL AND status IN ('queued', 'running', 'retrying')"),
    ),
    # For the jobs of one order, whatever became of them.
    Index("ix_jobs_of_lane", "kind", "lane", postgresql_where=text("lane IS NOT NULL")),
    # Only one job of a lane runs, even if two workers claim jobs of it at once.
    Index(
        "uq_jobs_running_in_lane",
        "kind",
        "lane",
        unique=True,
        postgresql_where=text("lane IS NOT NULL AND status = 'running'"),
    ),
    Index("ix_jobs_token_at", "token_at", postgresql_where=text("token_at IS NOT NULL")),
    Index("ix_jobs_lease_until", "lease_until", postgresql_where=text("lease_until IS NOT NULL")),
    Index("ix_jobs_finished", "kind", "status", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    Index("ix_jobs_created_at", "created_at"),
    Index("ix_jobs_kind", "kind", "created_at"),
    Index("ix_jobs_failed", "created_at", postgresql_where=text("status = 'failed'")),
    postgresql_with={"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.02"},
)

# Outlives its job, so that a request that is repeated much later still finds the outcome.
job_keys = Table(
    "job_keys",
    metadata,
    Column("kind", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("job_id", UUID(as_uuid=True), nullable=False),
    Column("fingerprint", Text, nullable=False),
    # The job's final status, once its row is deleted.
    Column("outcome", Text),
    Column("created_at", TIME, nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("kind", "idempotency_key"),
    Index("ix_job_keys_job_id", "job_id"),
    Index("ix_job_keys_created_at", "created_at"),
)

# Counts of deleted jobs.
job_tallies = Table(
    "job_tallies",
    metadata,
    Column("kind", Text, nullable=False),
    Column("hour", TIME, nullable=False),
    Column("status", Text, nullable=False),
    Column("jobs", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    PrimaryKeyConstraint("kind", "hour", "status"),
)
