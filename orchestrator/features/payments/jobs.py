"""Reconciliation of payments: every hour, by one job, however many workers there are."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel

from orchestrator.features.payments.errors import ProviderUnavailable
from orchestrator.features.payments.service.reconciliation import Reconciliation
from orchestrator.jobs.policies import TWO_REPETITIONS, JobPolicy
from orchestrator.jobs.registry import JobContext
from orchestrator.jobs.service import JobQueue

__all__ = ["KIND", "POLICY", "ReconcilePayments", "ReconciliationHandler", "enqueue_reconciliation"]

KIND: Final = "reconciliation"
POLICY: Final = JobPolicy(KIND, tries=3, retry_seconds=TWO_REPETITIONS, timeout_seconds=300, concurrency=1)


class ReconcilePayments(BaseModel):
    """`number` counts the intervals since 1970."""

    number: int


async def enqueue_reconciliation(jobs: JobQueue, *, interval_seconds: float) -> None:
    """Enqueue the job of the present interval. Every worker does so under one key, so the first one counts."""
    work = ReconcilePayments(number=int(time.time() // interval_seconds))
    await jobs.enqueue(KIND, work, idempotency_key=f"payments/{interval_seconds}/{work.number}")


class ReconciliationHandler:
    """Runs a reconciliation.

    Args:
        days: how far back it looks.
    """

    def __init__(self, reconciliation: Reconciliation, *, days: float) -> None:
        self._reconciliation = reconciliation
        self._days = days

    async def reconcile(self, work: ReconcilePayments, _: JobContext) -> Mapping[str, Any]:
        """Compare, repair, and return the counts.

        Raises:
            ProviderUnavailable: one did not list its payments. Those of the others were compared.
        """
        done = await self._reconciliation.run(datetime.now(UTC) - timedelta(days=self._days), turn=work.number)
        if done.unreachable:
            raise ProviderUnavailable(providers=done.unreachable)
        return {
            "compared": done.compared,
            "unfounded": len(done.unfounded),
            "unasked": done.unasked,
            "refused": done.refused,
            "outcomes": dict(done.outcomes),
        }
