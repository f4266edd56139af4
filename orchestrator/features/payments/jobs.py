"""Has payments reconciled every hour, by one job, however many workers there are."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel

from common.errors import Unavailable
from common.telemetry.logs import get_logger
from orchestrator.features.payments.errors import ProviderUnavailable
from orchestrator.features.payments.service.reconciliation import Reconciliation
from orchestrator.jobs.registry import JobContext
from orchestrator.jobs.service import JobQueue

__all__ = ["KIND", "PaymentRounds", "PaymentRoundsHandler", "ReconcilePayments"]

KIND: Final = "reconciliation"
RETRY_SECONDS: Final = 5.0

logger = get_logger(__name__)


class ReconcilePayments(BaseModel):
    """`number` counts the rounds since 1970."""

    number: int


class PaymentRounds:
    """Enqueues each round's job. Every worker does so under the round's name, so that the first one counts.

    Args:
        interval_seconds: how long a round is.
        retry_seconds: when to look again after the database could not be reached.
    """

    def __init__(self, jobs: JobQueue, *, interval_seconds: float, retry_seconds: float = RETRY_SECONDS) -> None:
        self._jobs = jobs
        self._retry_seconds = retry_seconds
        self._interval_seconds = interval_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="payment rounds")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            number, elapsed_seconds = divmod(time.time(), self._interval_seconds)
            pause_seconds = self._interval_seconds - elapsed_seconds
            try:
                work = ReconcilePayments(number=int(number))
                await self._jobs.enqueue(KIND, work, idempotency_key=f"payments/{self._interval_seconds}/{work.number}")
            except Unavailable as error:
                logger.warning("payment_rounds.wait", code=error.code, **error.private)
                pause_seconds = min(pause_seconds, self._retry_seconds)
            except Exception:
                logger.exception("payment_rounds.failed")
            await asyncio.sleep(pause_seconds)


class PaymentRoundsHandler:
    """Does a round.

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
