"""The jobs that reserve and store the items of orders."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import TextClause, text

from common.db.engine import Database
from orchestrator.features.digital_goods.models import KIND
from orchestrator.jobs.record import JobStatus

_OF_ORDER: Final = text(
    f"SELECT job_id, lane, status FROM jobs WHERE kind = '{KIND}' AND lane = :lane ORDER BY created_at"  # noqa: S608
)
_DEAD: Final = text(
    f"""
    SELECT job_id, lane, status FROM jobs
    WHERE kind = '{KIND}' AND status = 'failed' AND failure = 'dead' AND finished_at < :before
      AND (CAST(:after AS uuid) IS NULL OR job_id > :after)
    ORDER BY job_id LIMIT :limit
    """  # noqa: S608 - constants only
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentJob:
    job_id: uuid.UUID
    order_id: uuid.UUID
    status: JobStatus

    @property
    def is_active(self) -> bool:
        return self.status in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING}

    @property
    def has_failed(self) -> bool:
        return self.status is JobStatus.FAILED


class FulfilmentJobStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_order(self, order_id: uuid.UUID) -> list[FulfilmentJob]:
        """Return the jobs of an order, oldest first."""
        return await self._find(_OF_ORDER, lane=str(order_id))

    async def dead(self, *, before: datetime, after: uuid.UUID | None, limit: int) -> list[FulfilmentJob]:
        """Return jobs that died before a time and that no admin has acknowledged, by id, behind `after`."""
        return await self._find(_DEAD, before=before, after=after, limit=limit)

    async def _find(self, statement: TextClause, **values: object) -> list[FulfilmentJob]:
        rows = await self._database.fetch_all(statement, values)
        return [
            FulfilmentJob(job_id=row["job_id"], order_id=uuid.UUID(row["lane"]), status=JobStatus(row["status"]))
            for row in rows
        ]
