"""Queued tips that wait for a job which has ended."""

import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from common.db.engine import Database
from orchestrator.features.purchased_items.models import PERFORM
from orchestrator.jobs.record import JobStatus

# A job is stored before its saga waits, and deleted some time after its end: with too many others, or days later. The
# sagas are found by the index on `due_at`, which those that have ended lack.
_WITHOUT_JOB: Final = text(
    f"""
    SELECT s.saga_id, s.kind, coalesce(j.status, 'failed') AS status, coalesce(j.attempts, 0) AS attempts
    FROM sagas AS s LEFT JOIN jobs AS j ON j.job_id = CAST(s.data #>> '{{item,queue_request_id}}' AS uuid)
    WHERE s.due_at IS NOT NULL AND s.state = 'WAITING' AND s.step_name = '{PERFORM}' AND s.saga_id > :after
      AND (j.job_id IS NULL OR j.status IN ('failed', 'cancelled'))
    ORDER BY s.saga_id LIMIT :limit
    """  # noqa: S608 - constants only
)


BEFORE_ALL: Final = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class TipWithoutJob:
    """A waiting saga, and how its job has ended; one that was deleted has failed."""

    saga_id: uuid.UUID
    kind: str
    status: JobStatus
    attempts: int


class TipStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def without_job(self, *, after: uuid.UUID = BEFORE_ALL, limit: int) -> list[TipWithoutJob]:
        """Return tips whose job has ended without them, in the order of their ids, those after `after`."""
        rows = await self._database.fetch_all(_WITHOUT_JOB, {"after": after, "limit": limit})
        return [TipWithoutJob(**dict(row) | {"status": JobStatus(row["status"])}) for row in rows]
