"""The audit trail's tables and records, in the orchestrator's database."""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, Field
from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB, UUID

from orchestrator.database import metadata

__all__ = ["AuditEntry", "AuditOutcome", "Change", "NewEntry", "audit_entries", "audit_outcomes"]

TIME: Final = DateTime(timezone=True)


class AuditOutcome(enum.StrEnum):
    DONE = "DONE"
    REFUSED = "REFUSED"  # nothing was changed
    IN_PROGRESS = "IN_PROGRESS"  # a saga goes on with it
    UNKNOWN = "UNKNOWN"  # a service did not respond, or an error is unexpected, so it may be done


# A trigger of the migration refuses updates of both tables.
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("entry_id", UUID(as_uuid=True), primary_key=True),
    # NULL: an operator, by a command on the server.
    Column("actor_user_id", UUID(as_uuid=True)),
    Column("action", Text, nullable=False),
    Column("object_type", Text, nullable=False),
    Column("object_id", Text),  # NULL: several objects
    Column("address", Text),
    Column("request", JSONB),
    Column("created_at", TIME, nullable=False, server_default=func.clock_timestamp()),
    Index("ix_audit_entries_created_at", "created_at"),
    Index("ix_audit_entries_actor", "actor_user_id", "created_at"),
    Index("ix_audit_entries_object", "object_id", "created_at"),
    Index("ix_audit_entries_action", "action", "created_at"),
)

audit_outcomes = Table(
    "audit_outcomes",
    metadata,
    Column("entry_id", UUID(as_uuid=True), ForeignKey(audit_entries.c.entry_id, ondelete="CASCADE"), primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("error_code", Text),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("recorded_at", TIME, nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("outcome IN ('DONE', 'REFUSED', 'IN_PROGRESS', 'UNKNOWN')", name="outcome_known"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An action that begins. `request` is what was asked for, in ids and numbers: neither secrets nor personal data."""

    entry_id: uuid.UUID
    actor_user_id: uuid.UUID | None
    action: str
    object_type: str
    object_id: str | None
    address: str | None
    request: dict[str, Any] | None = None
    created_at: datetime | None = None  # None: now


@dataclass(slots=True)
class Change:
    """What an action has changed, with the same restriction as a request."""

    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class AuditEntry(BaseModel):
    """An entry as admins see it."""

    entry_id: uuid.UUID
    created_at: datetime
    actor_user_id: uuid.UUID | None = Field(description="Null for a command on the server.")
    action: str = Field(examples=["order.refund"])
    object_type: str = Field(examples=["order"])
    object_id: str | None
    address: str | None = Field(description="The actor's network address.", examples=["203.0.113.7"])
    request: dict[str, Any] | None
    outcome: AuditOutcome | None = Field(description="Null if the process ended before it knew the outcome.")
    error_code: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
