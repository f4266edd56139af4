"""The jobs that reserve and store the items of orders."""

import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from common.db.engine import Database
from orchestrator.features.digital_goods.models import KIND
from orchestrator.jobs.record import JobStatus

_OF_ORDER: Final = text(
    f"SELECT job_id, status FROM jobs WHERE kind = '{KIND}' AND lane = :lane ORDER BY created_at"  # noqa: S608
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentJob:
    job_id: uuid.UUID
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
        rows = await self._database.fetch_all(_OF_ORDER, {"lane": str(order_id)})
        return [FulfilmentJob(job_id=row["job_id"], status=JobStatus(row["status"])) for row in rows]
