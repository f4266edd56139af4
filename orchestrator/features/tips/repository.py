"""Queued tips that wait for a job which has ended."""

import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from common.db.engine import Database
from orchestrator.features.purchased_items.models import PERFORM
from orchestrator.features.tips.models import KIND
from orchestrator.jobs.record import JobStatus

# Ended jobs are few: only the latest are kept.
_WITHOUT_JOB: Final = text(
    f"""
    SELECT s.saga_id, s.kind, j.status, j.attempts
    FROM jobs AS j JOIN sagas AS s ON s.saga_id = CAST(j.payload ->> 'purchased_item_id' AS uuid)
    WHERE j.kind = '{KIND}' AND j.status IN ('failed', 'cancelled') AND s.state = 'WAITING' AND s.step_name = '{PERFORM}'
    ORDER BY j.finished_at LIMIT :limit
    """  # noqa: S608 - constants only
)


@dataclass(frozen=True, slots=True)
class TipWithoutJob:
    """A waiting saga, and how its job has ended."""

    saga_id: uuid.UUID
    kind: str
    status: JobStatus
    attempts: int


class TipStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def without_job(self, *, limit: int) -> list[TipWithoutJob]:
        """Return tips whose job has ended without them, the earliest first."""
        rows = await self._database.fetch_all(_WITHOUT_JOB, {"limit": limit})
        return [TipWithoutJob(**dict(row) | {"status": JobStatus(row["status"])}) for row in rows]
