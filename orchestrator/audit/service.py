"""Records actions on the audit trail: an entry before the action, its outcome after it."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from common.errors import Internal, ServiceError, Unavailable
from common.http.envelope import Page
from common.pages import Total
from common.telemetry.logs import get_logger
from orchestrator.audit.models import AuditEntry, AuditOutcome, Change, NewEntry
from orchestrator.audit.repository import AuditRepository
from orchestrator.saga_engine.engine import StillRunning

__all__ = ["AuditTrail"]

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AuditTrail:
    repository: AuditRepository

    @asynccontextmanager
    async def record(self, entry: NewEntry) -> AsyncIterator[Change]:
        """Record the action in the block; the block adds what it changes to the yielded `Change`.

        The entry is committed before the action, because many actions have no transaction here: other services do them.
        So no action is missing, even if the process crashes; the outcome of such an entry is unknown.

        Raises:
            Unavailable: the entry could not be stored, and the action was not begun.
        """
        await self.repository.begin(entry)
        change = Change()
        try:
            yield change
        except StillRunning as running:
            change.after = {"saga_id": str(running.saga_id)}
            await self._finish(entry, AuditOutcome.IN_PROGRESS, change)
            raise
        except ServiceError as error:
            is_unknown = isinstance(error, Unavailable | Internal)
            outcome = AuditOutcome.UNKNOWN if is_unknown else AuditOutcome.REFUSED
            await self._finish(entry, outcome, Change(), error_code=error.code)
            raise
        await self._finish(entry, AuditOutcome.DONE, change)

    async def receive(self, entry: NewEntry, change: Change) -> None:
        """Store an entry of another service, once."""
        await self.repository.receive(entry, change)

    async def page(
        self, *, equal: Mapping[str, object], since: datetime | None, until: datetime | None, page: Page
    ) -> tuple[list[AuditEntry], Total]:
        """Return a page of entries whose columns equal the given values, newest first, and the total."""
        return await self.repository.page(
            equal=equal, since=since, until=until, limit=page.per_page, offset=page.offset, after=page.after
        )

    async def times(
        self, action: str, *, object_id: uuid.UUID, actor_id: uuid.UUID, since: datetime, limit: int
    ) -> list[datetime]:
        """Return when an actor's latest actions on an object began, newest first: those that were done or are in progress."""
        return await self.repository.times(
            action, object_id=str(object_id), actor_id=actor_id, since=since, limit=limit
        )

    async def _finish(
        self, entry: NewEntry, outcome: AuditOutcome, change: Change, *, error_code: str | None = None
    ) -> None:
        """Store the outcome. If that fails, the answer to the admin still says what was done."""
        try:
            await self.repository.finish(entry.entry_id, outcome, change=change, error_code=error_code)
        except Unavailable as error:
            logger.warning("audit.outcome_lost", entry_id=str(entry.entry_id), outcome=outcome, **error.private)
