"""The sagas of digital orders: found for their buyer or an admin, and ended while they wait."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from common.errors import Busy, ServiceError
from orchestrator.errors import NotYours, OrderInvalidState, OrderNotFound
from orchestrator.features.digital_goods.errors import GoodsFailed
from orchestrator.features.digital_goods.models import DELIVER, DigitalOrderSaga
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.outcomes import check_cancelled
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["SaleService"]

# Its step or its wait is not over: the caller comes again.
NOT_YET: Final = frozenset({SagaState.RUNNING, SagaState.WAITING})
ENDED: Final = frozenset({SagaState.UNWINDING, SagaState.UNWOUND})


@dataclass(frozen=True, slots=True)
class SaleService:
    engine: SagaEngine

    async def find(self, order_id: uuid.UUID) -> SagaRecord:
        """Return the saga of an order.

        Raises:
            NotFound: ORDER_NOT_FOUND.
        """
        saga = await self.engine.log.find(order_id)
        if saga is None or not isinstance(saga.data, DigitalOrderSaga):
            raise OrderNotFound
        return saga

    async def find_own(self, order_id: uuid.UUID, *, buyer_id: uuid.UUID) -> SagaRecord:
        """Return the saga of a buyer's order.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order.
        """
        saga = await self.find(order_id)
        if saga.requested_by != buyer_id:
            raise NotYours
        return saga

    async def end(self, saga: SagaRecord, reason: ServiceError, *, signal: str) -> None:
        """End an order that waits for this signal; one that has ended so stays as it is.

        Raises:
            Conflict: ORDER_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        ended = await self.engine.end_waiting(saga.saga_id, reason, kind=saga.kind, signal=signal)
        ended = ended or await self.engine.log.find(saga.saga_id) or saga
        check_cancelled(ended, type(reason), otherwise=OrderInvalidState())

    async def deliver(self, order_id: uuid.UUID) -> None:
        """Go on with an order whose codes are stored. Repeating it changes nothing.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, it has ended.
            Busy: its saga does not wait yet.
        """
        saga = await self.find(order_id)
        with suppress(StillRunning):  # it goes on in the background
            signalled = await self.engine.signal(order_id, DELIVER, kind=saga.kind, signalled_by=saga.requested_by)
            saga = signalled or await self.find(order_id)
            if saga.state in NOT_YET:
                raise Busy(retry_after_seconds=1)
            if saga.state in ENDED:
                raise OrderInvalidState

    async def refund_undelivered(self, order_id: uuid.UUID) -> None:
        """End an order of which nothing comes. Repeating it changes nothing.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, it has ended otherwise.
            Busy: its saga does not wait yet.
        """
        with suppress(StillRunning):
            await self.end(await self.find(order_id), GoodsFailed(), signal=DELIVER)
