"""The saga log's tables."""

from sqlalchemy import Column, DateTime, Index, Integer, PrimaryKeyConstraint, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from orchestrator.database import metadata

sagas = Table(
    "sagas",
    metadata,
    Column("saga_id", UUID(as_uuid=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("requested_by", UUID(as_uuid=True), nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("state", Text, nullable=False),
    # For releases that read a position (docs/adr/0016-saga-steps-are-stored-by-name.md); this one only writes it.
    Column("step", Integer, nullable=False),
    # Empty once the saga has ended.
    Column("step_name", Text, nullable=False, server_default=text("''")),
    Column("round_number", Integer, nullable=False, server_default=text("0")),
    Column("data", JSONB, nullable=False),
    Column("error", JSONB),
    Column("signal_key", Text),
    Column("signalled_by", UUID(as_uuid=True)),
    Column("correlation_id", Text, nullable=False),
    Column("traceparent", Text),
    Column("epoch", Integer, nullable=False, server_default=text("1")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("retries", Integer, nullable=False, server_default=text("0")),
    # When a recoverer takes the saga over: the end of the lease, the pause or the wait. NULL for ended sagas.
    Column("due_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("ix_sagas_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    # Without the data, so that a saga in progress is rewritten in place.
    Index("ix_sagas_ended_of_user", "requested_by", postgresql_where=text("due_at IS NULL")),
    Index("ix_sagas_created_at", "created_at"),
    Index("ix_sagas_unwound", "created_at", postgresql_where=text("state = 'UNWOUND'")),
    Index("ix_sagas_stuck", "updated_at", postgresql_where=text("state = 'STUCK'")),
    postgresql_with={"fillfactor": "70"},  # a saga is rewritten about six times: room for updates in place
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("requested_by", UUID(as_uuid=True), nullable=False),
    Column("operation", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("saga_id", UUID(as_uuid=True), nullable=False),
    # For the previous release, which stored some refusals that lead back to a wait; this one reads and writes none.
    Column("refusal", JSONB),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("requested_by", "operation", "key"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
