"""HTTP routes of purchased items: what users read, and what the orchestrator calls."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import Integer, SentText
from common.http.auth import CurrentUser, require_service
from common.http.calls import RepeatableCall
from common.http.dependencies import provided
from common.http.envelope import (
    BAD_INPUT,
    NOT_LOGGED_IN,
    CursorPageQuery,
    Paginated,
    Success,
    paginated,
    refusals,
    success,
)
from common.pages import MAX_COUNTED
from orders.purchased_items.schemas import (
    BoughtItems,
    CompleteItem,
    EndItem,
    EnqueueItem,
    MovedItem,
    NoteDevice,
    OpenItem,
    PublicItem,
    PublicItemWithHistory,
    PurchasedItem,
    Settled,
    SettleItems,
    StatusOfItem,
)
from orders.purchased_items.service import PurchasedItemService
from orders.purchased_items.status import ItemType

Items = Annotated[PurchasedItemService, provided(PurchasedItemService)]
OfType = Annotated[ItemType | None, Query(alias="type", description="Only items of this type.")]
OfStatus = Annotated[StatusOfItem | None, Query(description="Only items of this status.")]

_OPEN_REFUSALS: Final = {
    400: f"{BAD_INPUT}, DUPLICATE_REQUEST",
    409: "DAILY_LIMIT_REACHED, ITEM_INVALID_STATE, REQUEST_UNDONE",
    422: "IDEMPOTENCY_KEY_REUSED",
}
_END_REFUSALS: Final = {400: BAD_INPUT, 409: "ITEM_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
_MOVE_REFUSALS: Final = {**_END_REFUSALS, 404: "ITEM_NOT_FOUND"}
_FIND_REFUSALS: Final = {400: "INVALID_UUID", 404: "ITEM_NOT_FOUND"}

public: Final = APIRouter(prefix="/api/purchased-items", tags=["Purchased items"])
internal: Final = APIRouter(
    prefix="/internal/purchased-items", tags=["Internal: purchased items"], dependencies=[Depends(require_service)]
)


@public.get("", summary="List what I bought from performers", responses=refusals({400: BAD_INPUT, 401: NOT_LOGGED_IN}))
async def list_items(
    *,
    user: CurrentUser,
    items: Items,
    page: CursorPageQuery,
    item_type: OfType = None,
    status: OfStatus = None,
) -> Paginated[PublicItem]:
    """Tips, menu items and periods of subscriptions, newest first."""
    found = await items.list_of(
        user, item_type=item_type, status=status, limit=page.per_page, offset=page.offset, after=page.after
    )
    return paginated(found, page)


@public.get(
    "/{purchased_item_id}",
    summary="Show a purchased item with its history",
    responses=refusals({**_FIND_REFUSALS, 401: NOT_LOGGED_IN}),
)
async def show_item(purchased_item_id: uuid.UUID, user: CurrentUser, items: Items) -> Success[PublicItemWithHistory]:
    """Open to its buyer, its performer and admins."""
    return success(await items.show(purchased_item_id, to=user))


@internal.post("", responses=refusals(_OPEN_REFUSALS))
async def open_item(opening: OpenItem, items: Items) -> Success[MovedItem]:
    return success(await items.open(opening))


@internal.get("", responses=refusals({400: BAD_INPUT}))
async def list_bought_items(
    *,
    items: Items,
    buyer_user_id: uuid.UUID,
    item_type: OfType = None,
    limit: Annotated[Integer, Query(ge=1, le=200)] = 50,
    offset: Annotated[Integer, Query(ge=0, le=MAX_COUNTED)] = 0,
) -> Success[BoughtItems]:
    """What a user bought, newest first."""
    return success(await items.bought(buyer_user_id, item_type=item_type, limit=limit, offset=offset))


@internal.get("/check-key", responses=refusals({400: f"{BAD_INPUT}, DUPLICATE_REQUEST"}))
async def check_key(
    items: Items,
    buyer_user_id: uuid.UUID,
    item_type: Annotated[ItemType, Query(alias="type")],
    idempotency_key: Annotated[SentText, Query(max_length=255)],
) -> Success[None]:
    """Refuses a key as opening does, whatever else is wrong with the request."""
    await items.check_key(idempotency_key, buyer_user_id=buyer_user_id, item_type=item_type)
    return success(None)


@internal.post("/settle", responses=refusals({400: BAD_INPUT, 422: "IDEMPOTENCY_KEY_REUSED"}))
async def settle_items(call: SettleItems, items: Items) -> Success[Settled]:
    return success(await items.settle(call))


@internal.get("/by-queue-request/{queue_request_id}", responses=refusals(_FIND_REFUSALS))
async def find_item_by_queue_request(queue_request_id: uuid.UUID, items: Items) -> Success[PurchasedItem]:
    return success(await items.find_by_queue_request(queue_request_id))


@internal.get("/{purchased_item_id}", responses=refusals(_FIND_REFUSALS))
async def find_item(purchased_item_id: uuid.UUID, items: Items) -> Success[PurchasedItem]:
    return success(await items.find(purchased_item_id))


@internal.post("/{purchased_item_id}/end", responses=refusals(_END_REFUSALS))
async def end_item(purchased_item_id: uuid.UUID, undo: EndItem, items: Items) -> Success[MovedItem]:
    """The undo of opening; the item may never have been opened."""
    return success(await items.end(purchased_item_id, undo))


@internal.post("/{purchased_item_id}/enqueue", responses=refusals(_MOVE_REFUSALS))
async def enqueue_item(purchased_item_id: uuid.UUID, call: EnqueueItem, items: Items) -> Success[MovedItem]:
    return success(await items.move(purchased_item_id, "enqueue", call))


@internal.post("/{purchased_item_id}/start", responses=refusals(_MOVE_REFUSALS))
async def start_item(purchased_item_id: uuid.UUID, call: RepeatableCall, items: Items) -> Success[MovedItem]:
    return success(await items.move(purchased_item_id, "start", call))


@internal.post("/{purchased_item_id}/complete", responses=refusals(_MOVE_REFUSALS))
async def complete_item(purchased_item_id: uuid.UUID, call: CompleteItem, items: Items) -> Success[MovedItem]:
    return success(await items.move(purchased_item_id, "complete", call))


@internal.post("/{purchased_item_id}/device", responses=refusals({400: BAD_INPUT, 404: "ITEM_NOT_FOUND"}))
async def note_device(purchased_item_id: uuid.UUID, note: NoteDevice, items: Items) -> Success[None]:
    """An activation is final; a failure may still become one."""
    await items.note_device(purchased_item_id, note)
    return success(None)
