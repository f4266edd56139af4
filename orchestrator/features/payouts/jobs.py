"""Starts a payout for each performer whose pending earnings are old or large enough (Q6)."""

import asyncio
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients import Clients
from orchestrator.clients.users.ledger import DuePayout
from orchestrator.features.payouts.saga import PAYOUT, PayoutSaga
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.idempotency import start_unless_accepted

__all__ = ["PayoutSchedule"]

BATCH: Final = 100
AT_ONCE: Final = 4
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PayoutSchedule:
    """Starts payouts. Several workers may run it at once: the next payout of a performer has one id.

    Args:
        interval_seconds: how old pending earnings are when they are paid out.
        amount: how large a performer's pending earnings are when they are paid out at once.
    """

    engine: SagaEngine
    clients: Clients
    interval_seconds: float
    amount: Decimal
    _slots: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def start_due(self) -> None:
        """Pay out batch by batch, until a batch is not full or none of it could be started: the next run tries again."""
        while True:
            due = await self.clients.ledger.due_payouts(
                older_than_seconds=self.interval_seconds, at_least=self.amount, limit=BATCH
            )
            were_started = await asyncio.gather(*(self._start(performer) for performer in due))
            if len(due) < BATCH or not any(were_started):
                return

    async def _start(self, due: DuePayout) -> bool:
        """Start a performer's next payout; return False if another worker has, or if it was refused."""
        performer_id = due.performer_user_id
        payout = PayoutSaga(saga_id=uuid.uuid5(performer_id, f"payout {due.payouts}"), performer_user_id=performer_id)
        async with self._slots:
            try:
                return await start_unless_accepted(self.engine, PAYOUT, payout, requested_by=performer_id)
            except StillRunning:
                return True  # it goes on in the background
            except ServiceError as error:
                logger.warning("payout.refused", performer_user_id=str(performer_id), code=error.code)
                return False
