"""Reconciliation of payments: one job per interval, even with many workers."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel

from orchestrator.features.payments.errors import ProviderUnavailable
from orchestrator.features.payments.service.reconciliation import Reconciliation
from orchestrator.jobs.policies import TWO_RETRIES, JobPolicy
from orchestrator.jobs.registry import JobContext
from orchestrator.jobs.service import JobQueue

KIND: Final = "reconciliation"
POLICY: Final = JobPolicy(KIND, max_attempts=3, retry_seconds=TWO_RETRIES, timeout_seconds=300, concurrency=1)


class ReconcilePayments(BaseModel):
    """`number` counts the intervals since 1970."""

    number: int


async def enqueue_reconciliation(jobs: JobQueue, *, interval_seconds: float) -> None:
    """Enqueue the present interval's job. All workers use the same key, so there is one job."""
    request = ReconcilePayments(number=int(time.time() // interval_seconds))
    await jobs.enqueue(KIND, request, idempotency_key=f"payments/{interval_seconds}/{request.number}")


@dataclass(frozen=True, slots=True)
class ReconciliationHandler:
    """Reconciles the payments of the last `days`."""

    reconciliation: Reconciliation
    days: float

    async def reconcile(self, request: ReconcilePayments, _: JobContext) -> Mapping[str, Any]:
        """Compare, repair, and return the counts.

        Raises:
            ProviderUnavailable: a provider did not list its payments. The others' payments were compared.
        """
        done = await self.reconciliation.run(datetime.now(UTC) - timedelta(days=self.days), round_number=request.number)
        if done.unreachable:
            raise ProviderUnavailable(providers=done.unreachable)
        return {
            "compared": done.compared,
            "unfounded": len(done.unfounded),
            "unasked": done.unasked,
            "refused": done.refused,
            "outcomes": dict(done.outcomes),
        }
