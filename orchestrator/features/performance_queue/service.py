"""The performance queue: what buyers learn of a request, and what performers do with it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.errors import Busy
from common.pages import MAX_COUNTED
from orchestrator.clients import Clients
from orchestrator.clients.orders.purchased_items import ItemStatus, ItemType, PurchasedItemFacts
from orchestrator.clients.users.directory import DELETED_USER
from orchestrator.features.performance_queue.schemas import (
    CompleteRequest,
    ItemMoved,
    QueuedItem,
    QueueState,
    QueueView,
    RequestResult,
    RequestStatus,
)
from orchestrator.features.purchased_items.errors import ItemDeclined, ItemInvalidState, ItemNotFound
from orchestrator.features.purchased_items.models import (
    COMPLETE,
    QUEUED_MENU_ITEM,
    SIGNAL_OF_PENDING,
    START,
    TIP_PERFORMED,
    ItemSaga,
)
from orchestrator.features.purchased_items.service import ItemPurchaseService
from orchestrator.jobs.errors import JobNotFound
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.idempotency import check_key
from orchestrator.saga_engine.outcomes import succeeded
from orchestrator.saga_engine.record import SagaRecord, SagaState

STATUSES: Final[Mapping[ItemStatus, Any]] = {
    ItemStatus.PENDING: "pending",
    ItemStatus.IN_PROGRESS: "processing",
    ItemStatus.SUCCESS: "completed",
    ItemStatus.CANCELLED: "cancelled",
    ItemStatus.DECLINED: "failed",
    ItemStatus.EXPIRED: "failed",
    ItemStatus.FAILED: "failed",
}
CANCELLED: Final = "The request was cancelled"
COMPLETED: Final = "Completed by the performer"


@dataclass(frozen=True, slots=True)
class PerformanceQueueService:
    engine: SagaEngine
    clients: Clients
    jobs: JobQueue
    purchases: ItemPurchaseService

    async def status(self, queue_request_id: uuid.UUID, *, buyer_id: uuid.UUID) -> RequestStatus:
        """Return what became of a buyer's request. The item tells it, long after the job is deleted.

        Raises:
            NotFound: ITEM_NOT_FOUND, also for another buyer's.
        """
        item = await self.clients.purchased_items.find_by_queue_request(queue_request_id)
        if item.buyer_user_id != buyer_id:
            raise ItemNotFound
        saga = await self.engine.log.find(item.purchased_item_id)
        is_processing = item.status is ItemStatus.PENDING and saga is not None and saga.state is SagaState.RUNNING
        return RequestStatus(
            request_id=queue_request_id,
            status="processing" if is_processing else STATUSES[item.status],
            retry_count=await self._retry_count(saga, queue_request_id),
            result=_result_of(item),
            created_at=item.created_at,
            completed_at=item.ended_at,
        )

    async def cancel(self, item_id: uuid.UUID, *, buyer_id: uuid.UUID) -> ItemMoved:
        """Cancel a buyer's item that waits, by its id or by that of its request.

        Raises: as `ItemPurchaseService.cancel`.
        """
        cancelled_id = await self.purchases.cancel(item_id, buyer_user_id=buyer_id)
        return ItemMoved(purchased_item_id=cancelled_id, status="cancelled")

    async def show(self, performer_id: uuid.UUID, *, limit: int, offset: int) -> QueueView:
        """Return a performer's items that are in progress, then those that wait, with the buyers' names."""
        queue = await self.clients.purchased_items.queue(performer_id)
        items = await self.clients.purchased_items.queued(performer_id, limit=limit, offset=min(offset, MAX_COUNTED))
        buyers = await self.clients.users.lookup(item.buyer_user_id for item in items)
        names = {user_id: buyer.display_name for user_id, buyer in buyers.items()}
        return QueueView(
            is_paused=queue.is_paused,
            waiting=queue.waiting,
            estimated_minutes=queue.estimated_minutes,
            items=[QueuedItem.of(item, buyer_name=names.get(item.buyer_user_id, DELETED_USER)) for item in items],
        )

    async def set_paused(self, performer_id: uuid.UUID, *, is_paused: bool) -> QueueState:
        queue = await self.clients.purchased_items.set_paused(performer_id, is_paused=is_paused)
        return QueueState(is_paused=queue.is_paused, waiting=queue.waiting)

    async def start(self, item_id: uuid.UUID, *, performer_id: uuid.UUID) -> ItemMoved:
        """Begin to perform a menu item. Repeating it changes nothing.

        Raises:
            NotFound: ITEM_NOT_FOUND, also for another performer's.
            Conflict: ITEM_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        saga = await self._menu_item(item_id, performer_id=performer_id)
        if not _waits_for(saga, COMPLETE):
            saga = await self._signal(saga, START, performer_id=performer_id)
        if not _waits_for(succeeded(saga), COMPLETE):
            raise ItemInvalidState
        return ItemMoved(purchased_item_id=item_id, status="in_progress")

    async def complete(
        self, item_id: uuid.UUID, request: CompleteRequest, *, performer_id: uuid.UUID, key: str | None
    ) -> ItemMoved:
        """Complete a menu item, which pays the performer; one that waits is started first. Repeating it changes nothing.

        Raises:
            Unprocessable: IDEMPOTENCY_KEY_REUSED, the key completed another item; nothing was done.
            ServiceError: as `start`.
        """
        saga = await self._menu_item(item_id, performer_id=performer_id)
        await check_key(self.engine, item_id, COMPLETE, signalled_by=performer_id, key=key)
        if _waits_for(saga, START):
            await self.start(item_id, performer_id=performer_id)
        if saga.state is not SagaState.COMPLETED:
            more = {"note": request.note, "file_url": request.file or ""}
            saga = await self._signal(saga, COMPLETE, performer_id=performer_id, key=key, more=more)
        if succeeded(saga).state is not SagaState.COMPLETED:
            raise ItemInvalidState
        return ItemMoved(purchased_item_id=item_id, status="success")

    async def decline(self, item_id: uuid.UUID, reason: str, *, performer_id: uuid.UUID) -> ItemMoved:
        """Decline an item that waits or is in progress; the buyer gets the credits back. Repeating it changes nothing.

        Raises: as `start`.
        """
        saga = await self._own_item(item_id, performer_id=performer_id)
        if saga.kind not in SIGNAL_OF_PENDING:
            raise ItemInvalidState
        await self.purchases.end(saga, ItemDeclined(), signal=None, more={"explanation": reason})
        return ItemMoved(purchased_item_id=item_id, status="declined")

    async def _own_item(self, item_id: uuid.UUID, *, performer_id: uuid.UUID) -> SagaRecord:
        saga = await self.engine.log.find(item_id)
        if saga is None or not isinstance(saga.data, ItemSaga) or saga.data.item.performer_id != performer_id:
            raise ItemNotFound
        return saga

    async def _menu_item(self, item_id: uuid.UUID, *, performer_id: uuid.UUID) -> SagaRecord:
        """Return the saga of an item that its performer starts and completes: a tip is performed by its job."""
        saga = await self._own_item(item_id, performer_id=performer_id)
        if saga.kind != QUEUED_MENU_ITEM:
            raise ItemInvalidState
        return saga

    async def _signal(
        self,
        saga: SagaRecord,
        signal: str,
        *,
        performer_id: uuid.UUID,
        key: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> SagaRecord:
        """Signal a saga and return it as it is then; one that did not wait for the signal, as another request left it.

        Raises:
            Busy: another request is being handled.
            Conflict: ITEM_INVALID_STATE: it has ended otherwise.
        """
        signalled = await self.engine.signal(
            saga.saga_id,
            signal,
            kind=saga.kind,
            signalled_by=performer_id,
            key=key,
            by_starter_only=False,
            more=more,
        )
        if signalled is not None:
            return signalled
        present = await self.engine.log.find(saga.saga_id) or saga
        if present.state is SagaState.RUNNING:
            raise Busy(retry_after_seconds=1)
        if present.state in {SagaState.UNWINDING, SagaState.UNWOUND}:
            raise ItemInvalidState
        return present

    async def _retry_count(self, saga: SagaRecord | None, queue_request_id: uuid.UUID) -> int:
        """Return how often the job was repeated: until it has signalled the saga, its own record tells that."""
        if saga is None or not isinstance(saga.data, ItemSaga):
            return 0
        if saga.state is not SagaState.WAITING:
            return saga.data.retry_count
        try:
            job = await self.jobs.find(queue_request_id)
        except JobNotFound:
            return saga.data.retry_count
        return max(0, job.attempts - 1)


def _waits_for(saga: SagaRecord, signal: str) -> bool:
    return saga.state is SagaState.WAITING and saga.step == signal


def _result_of(item: PurchasedItemFacts) -> RequestResult | None:
    match item.status:
        case ItemStatus.SUCCESS:
            message = TIP_PERFORMED if item.type is ItemType.TIP else COMPLETED
        case ItemStatus.CANCELLED:
            message = CANCELLED
        case ItemStatus.FAILED | ItemStatus.DECLINED | ItemStatus.EXPIRED:
            message = item.explanation
        case _:
            return None
    return RequestResult(
        success=item.status is ItemStatus.SUCCESS, message=message, purchased_item_id=item.purchased_item_id
    )
