"""The audit trail in PostgreSQL: rows are inserted, and deleted after their retention period only."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import select, text

from common.db.engine import Database
from common.db.pages import find_newest
from common.db.retention import Retention
from common.messaging.inbox import RECEIVED
from common.pages import Cursor, Total
from common.rows import readable
from orchestrator.audit.models import AuditEntry, AuditOutcome, Change, NewEntry, audit_entries, audit_outcomes

__all__ = ["AUDIT_RETENTION", "AuditRepository"]

CONSUMER: Final = "audit"
# Five years: as long as accounts are usually kept.
AUDIT_RETENTION: Final = Retention(table="audit_entries", aged_by="created_at", keep_days=1_826)

_INSERT: Final = """
    INSERT INTO audit_entries (entry_id, actor_user_id, action, object_type, object_id, address, request, created_at)
    SELECT :entry_id, CAST(:actor_user_id AS uuid), :action, :object_type, CAST(:object_id AS text),
           CAST(:address AS text), CAST(:request AS jsonb), coalesce(CAST(:created_at AS timestamptz), clock_timestamp())
"""
_BEGIN: Final = text(_INSERT)
_FINISH: Final = text(
    """
    INSERT INTO audit_outcomes (entry_id, outcome, error_code, before, after)
    VALUES (:entry_id, :outcome, :error_code, CAST(:before AS jsonb), CAST(:after AS jsonb))
    ON CONFLICT DO NOTHING
    """
)
# The foreign key is checked at the end of the statement.
_RECEIVE: Final = text(
    f"""
    WITH {RECEIVED},
    entry AS ({_INSERT} FROM received RETURNING entry_id)
    INSERT INTO audit_outcomes (entry_id, outcome, before, after)
    SELECT entry_id, 'DONE', CAST(:before AS jsonb), CAST(:after AS jsonb) FROM entry
    """  # noqa: S608 - constants only
)
_TIMES: Final = text(
    """
    SELECT e.created_at FROM audit_entries AS e LEFT JOIN audit_outcomes AS o USING (entry_id)
    WHERE e.object_id = :object_id AND e.created_at >= :since AND e.action = :action AND e.actor_user_id = :actor_id
      AND coalesce(o.outcome, 'DONE') = 'DONE'
    ORDER BY e.created_at DESC LIMIT :limit
    """
)
_OUTCOME: Final = (
    audit_outcomes.c.outcome,
    audit_outcomes.c.error_code,
    audit_outcomes.c.before,
    audit_outcomes.c.after,
)
_LISTED: Final = select(*audit_entries.c, *_OUTCOME).select_from(audit_entries.outerjoin(audit_outcomes))


class AuditRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, entry: NewEntry) -> None:
        await self._database.execute(_BEGIN, _parameters(entry))

    async def finish(
        self, entry_id: uuid.UUID, outcome: AuditOutcome, *, change: Change, error_code: str | None
    ) -> None:
        parameters = {"entry_id": entry_id, "outcome": outcome, "error_code": error_code, **_change(change)}
        await self._database.execute(_FINISH, parameters)

    async def times(
        self, action: str, *, object_id: str, actor_id: uuid.UUID, since: datetime, limit: int
    ) -> list[datetime]:
        """Return the times of entries of an actor's action on an object that have no outcome yet, or DONE; newest first."""
        values = {"action": action, "object_id": object_id, "actor_id": actor_id, "since": since, "limit": limit}
        return [row["created_at"] for row in await self._database.fetch_all(_TIMES, values)]

    async def receive(self, entry: NewEntry, change: Change) -> None:
        """Store the entry of a message, whose id it has; a message that was received before changes nothing."""
        parameters = {"message_id": entry.entry_id, "consumer": CONSUMER, **_parameters(entry), **_change(change)}
        await self._database.execute(_RECEIVE, parameters)

    async def page(
        self,
        *,
        equal: Mapping[str, object],
        since: datetime | None,
        until: datetime | None,
        limit: int,
        offset: int,
        after: Cursor | None,
    ) -> tuple[list[AuditEntry], Total]:
        """Return entries whose columns equal the given values, newest first, and the total."""
        at = audit_entries.c.created_at
        found = _LISTED.where(*(audit_entries.c[name] == value for name, value in equal.items()))
        if since is not None:
            found = found.where(at >= since)
        if until is not None:
            found = found.where(at < until)
        key = audit_entries.c.entry_id
        rows, total = await find_newest(self._database, found, at=at, key=key, limit=limit, offset=offset, after=after)
        return readable(map(dict, rows), AuditEntry.model_validate, of="audit_entries"), total


def _parameters(entry: NewEntry) -> dict[str, Any]:
    return {**asdict(entry), "request": _json(entry.request)}


def _change(change: Change) -> dict[str, str | None]:
    return {"before": _json(change.before), "after": _json(change.after)}


def _json(facts: dict[str, Any] | None) -> str | None:
    return None if facts is None else orjson.dumps(facts, default=str).decode()
