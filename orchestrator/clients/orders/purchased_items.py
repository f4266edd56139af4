"""The orders service's purchased items: tips, menu items and subscription periods that fans bought from performers."""

import enum
import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from common.http.client import ServiceClient
from common.money import Money
from orchestrator.clients.calls import post
from orchestrator.saga_engine.plan import Call

__all__ = [
    "ExecutionMode",
    "ItemStatus",
    "ItemType",
    "NewItem",
    "PerformerQueue",
    "PurchasedItemFacts",
    "PurchasedItemsClient",
    "QueuePlace",
]

PATH = "/internal/purchased-items"


class ItemType(enum.StrEnum):
    TIP = "tip_grid_item"
    MENU = "menu_item"
    SUBSCRIPTION = "subscription"


class ExecutionMode(enum.StrEnum):
    """IMMEDIATE: the credits move at once. QUEUED: the item waits in the performer's queue."""

    IMMEDIATE = "IMMEDIATE"
    QUEUED = "QUEUED"


class ItemStatus(enum.StrEnum):
    OPENING = "OPENING"  # not visible yet: the purchase may still be refused
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"


class NewItem(BaseModel):
    """An item to be opened, as a saga stores it. `purchased_item_id` is the id of the saga."""

    model_config = ConfigDict(frozen=True)

    purchased_item_id: uuid.UUID
    type: ItemType
    buyer_user_id: uuid.UUID
    performer_id: uuid.UUID
    offer_id: uuid.UUID
    """The tip grid item, the menu item, or the performer of a subscription."""
    menu_id: uuid.UUID | None = None
    conversation_id: uuid.UUID | None = None
    name: str
    description: str = ""
    price: Money
    execution_mode: ExecutionMode = ExecutionMode.IMMEDIATE
    message: str = ""
    """What the buyer tells the performer."""
    idempotency_key: str | None = None
    queue_request_id: uuid.UUID | None = None
    scheduled_for: datetime | None = None
    estimated_minutes: int = 0
    bonus_points: int = 0
    is_batched: bool = False
    time_zone: str
    """The performer's: their day is the day of limits and earnings."""
    daily_limit: int | None = None
    daily_limit_per_user: int | None = None
    renewed_periods: int | None = None
    """Of a renewal: how many periods of the subscription were paid before."""


class QueuePlace(BaseModel):
    """A place in a performer's queue; both are None before an item's scheduled time."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    queue_position: int | None
    estimated_wait_minutes: int | None


class PurchasedItemFacts(BaseModel):
    """An item in the orders service. Position and wait are those of this moment, and None unless it is PENDING."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    purchased_item_id: uuid.UUID
    type: ItemType
    buyer_user_id: uuid.UUID
    performer_id: uuid.UUID
    offer_id: uuid.UUID
    menu_id: uuid.UUID | None
    name: str
    price: Money
    status: ItemStatus
    settlement_status: str
    execution_mode: ExecutionMode
    message: str
    bonus_points: int
    estimated_minutes: int
    queue_request_id: uuid.UUID | None
    queue_position: int | None
    estimated_wait_minutes: int | None
    scheduled_for: datetime | None
    note: str
    file_url: str
    explanation: str  # why it was declined or has failed
    device: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class PerformerQueue(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    performer_id: uuid.UUID
    is_paused: bool
    waiting: int
    estimated_minutes: int


class PurchasedItemsClient:
    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    async def open(self, call: Call, item: NewItem) -> None:
        """Open an item, OPENING: it counts for daily limits, and is not visible.

        Refusals: DUPLICATE_REQUEST, the buyer used the idempotency key before, with the first item's ids in `details`;
        DAILY_LIMIT_REACHED; SUBSCRIPTION_INVALID_STATE, of a renewal: the subscription does not renew any more, or has other
        periods.
        """
        await post(self._orders, PATH, call, **item.model_dump(mode="json"))

    async def check_key(self, key: str, *, buyer_user_id: uuid.UUID, item_type: ItemType) -> None:
        """Check that a buyer's idempotency key is new.

        Raises:
            InvalidRequest: DUPLICATE_REQUEST, with the first item's ids in `details`.
        """
        query = {"idempotency_key": key, "buyer_user_id": str(buyer_user_id), "type": item_type.value}
        await self._orders.get(f"{PATH}/check-key", query)

    async def end(self, call: Call, item_id: uuid.UUID, *, explanation: str) -> None:
        """Undo `open`: discard an OPENING item, end one that was enqueued.

        By the call's reason it is CANCELLED (ITEM_CANCELLED), DECLINED (ITEM_DECLINED), EXPIRED (ITEM_EXPIRED) or else
        FAILED. `purchased_item.cancelled` and so on leaves with the write.
        """
        await self._post(item_id, "end", call, reason=call.reason, explanation=explanation)

    async def enqueue(self, call: Call, item_id: uuid.UUID, *, is_funded: bool) -> QueuePlace:
        """Make an OPENING item PENDING, last in its performer's queue; `purchased_item.queued` leaves with the write.

        `is_funded`: its credits are in escrow, so its settlement status is held.
        """
        return QueuePlace.model_validate(await self._post(item_id, "enqueue", call, is_funded=is_funded))

    async def start(self, call: Call, item_id: uuid.UUID) -> None:
        """Make a PENDING item IN_PROGRESS; `purchased_item.started` leaves with the write. Else: ITEM_INVALID_STATE."""
        await self._post(item_id, "start", call)

    async def complete(self, call: Call, item_id: uuid.UUID, *, note: str, file_url: str) -> None:
        """Make an item SUCCESS, whose performer was paid; `purchased_item.success` leaves with the write.

        A subscription's period begins, or is extended.
        """
        await self._post(item_id, "complete", call, note=note, file_url=file_url)

    async def settle(self, call: Call, *, payout_id: uuid.UUID, item_ids: list[uuid.UUID]) -> None:
        """Mark items as settled by a payout; at most 1,000."""
        await post(self._orders, f"{PATH}/settle", call, payout_id=payout_id, item_ids=item_ids)

    async def note_device(self, item_id: uuid.UUID, *, status: str, error: str = "") -> None:
        """Note what became of an item's device activation: `activated`, or `failed` with the error."""
        await self._orders.post(f"{PATH}/{item_id}/device", {"status": status, "error": error})

    async def find(self, item_id: uuid.UUID) -> PurchasedItemFacts:
        """Return an item that is not OPENING.

        Raises:
            NotFound: ITEM_NOT_FOUND.
        """
        return PurchasedItemFacts.model_validate(await self._orders.get(f"{PATH}/{item_id}"))

    async def find_by_queue_request(self, queue_request_id: uuid.UUID) -> PurchasedItemFacts:
        """Return the item of a queue request.

        Raises:
            NotFound: ITEM_NOT_FOUND.
        """
        return PurchasedItemFacts.model_validate(await self._orders.get(f"{PATH}/by-queue-request/{queue_request_id}"))

    async def queue(self, performer_id: uuid.UUID) -> PerformerQueue:
        """Return the state of a performer's queue; a performer without one has an empty one."""
        return PerformerQueue.model_validate(await self._orders.get(f"/internal/performer-queues/{performer_id}"))

    async def queued(self, performer_id: uuid.UUID, *, limit: int, offset: int) -> list[PurchasedItemFacts]:
        """Return a performer's items that are IN_PROGRESS, then those that are PENDING in their order."""
        rows = await self._orders.get(
            f"/internal/performer-queues/{performer_id}/items", {"limit": limit, "offset": offset}
        )
        return [PurchasedItemFacts.model_validate(row) for row in rows]

    async def bought(
        self, buyer_user_id: uuid.UUID, *, item_type: ItemType, limit: int, offset: int
    ) -> tuple[list[PurchasedItemFacts], int]:
        """Return a page of a buyer's items of one type, newest first, and the number on all pages (at most 10,000)."""
        query = {"buyer_user_id": str(buyer_user_id), "type": item_type.value, "limit": limit, "offset": offset}
        answer = await self._orders.get(PATH, query)
        return [PurchasedItemFacts.model_validate(row) for row in answer["items"]], answer["total"]

    async def set_paused(self, performer_id: uuid.UUID, *, is_paused: bool) -> PerformerQueue:
        answer = await self._orders.post(f"/internal/performer-queues/{performer_id}", {"is_paused": is_paused})
        return PerformerQueue.model_validate(answer)

    async def _post(self, item_id: uuid.UUID, route: str, call: Call, **facts: object) -> Any:
        return await post(self._orders, f"{PATH}/{item_id}/{route}", call, **facts)
