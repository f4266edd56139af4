"""The sagas of orders: found for their customer or an admin, and ended while they wait."""

import uuid

from common.errors import ServiceError
from orchestrator.errors import NotYours, OrderInvalidState, OrderNotFound
from orchestrator.features.commissions.models import CommissionSaga
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.outcomes import check_cancelled
from orchestrator.saga_engine.record import SagaRecord


async def find_sale(engine: SagaEngine, order_id: uuid.UUID) -> SagaRecord:
    """Return the saga of an order.

    Raises:
        NotFound: ORDER_NOT_FOUND.
    """
    saga = await engine.log.find(order_id)
    if saga is None or not isinstance(saga.data, CommissionSaga):
        raise OrderNotFound
    return saga


async def own_sale(engine: SagaEngine, order_id: uuid.UUID, *, customer_id: uuid.UUID) -> SagaRecord:
    """Return the saga of a customer's order.

    Raises:
        NotFound: ORDER_NOT_FOUND.
        Forbidden: another user's order.
    """
    saga = await find_sale(engine, order_id)
    if saga.requested_by != customer_id:
        raise NotYours
    return saga


async def end_sale(engine: SagaEngine, saga: SagaRecord, reason: ServiceError, *, signal: str) -> None:
    """End an order that waits for this signal, and return its credits; one that has ended so stays as it is.

    Raises:
        Conflict: ORDER_INVALID_STATE, REQUEST_IN_PROGRESS.
        StillRunning: it exceeds the request's budget.
    """
    ended = await engine.end_waiting(saga.saga_id, reason, kind=saga.kind, signal=signal)
    ended = ended or await engine.log.find(saga.saga_id) or saga
    check_cancelled(ended, type(reason), otherwise=OrderInvalidState())
