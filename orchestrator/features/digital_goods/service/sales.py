"""The sagas of digital orders: found for their buyer or an admin, and ended while they wait."""

import uuid
from dataclasses import dataclass

from common.errors import ServiceError
from orchestrator.errors import NotYours, OrderInvalidState, OrderNotFound
from orchestrator.features.digital_goods.models import DigitalOrderSaga
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.outcomes import check_cancelled
from orchestrator.saga_engine.record import SagaRecord


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
