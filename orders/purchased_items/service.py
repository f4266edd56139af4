"""What the orders service does with purchased items."""

import uuid
from collections.abc import Callable

from common.auth.principal import Principal
from common.http.calls import RepeatableCall
from common.pages import Cursor, Total
from orders.purchased_items.errors import ItemNotFound
from orders.purchased_items.repository import PurchasedItemRepository
from orders.purchased_items.schemas import (
    BoughtItems,
    EndItem,
    MovedItem,
    MoveName,
    NoteDevice,
    OpenItem,
    PublicItem,
    PublicItemWithHistory,
    PurchasedItem,
    Settled,
    SettleItems,
    StatusOfItem,
)
from orders.purchased_items.status import ItemType


class PurchasedItemService:
    """Openings and moves for the orchestrator, see `PurchasedItemRepository`; reads for it and for users.

    `wake_relay` is called when a message was committed to the outbox.
    """

    def __init__(self, repository: PurchasedItemRepository, *, wake_relay: Callable[[], None]) -> None:
        self._items = repository
        self._wake_relay = wake_relay

    async def open(self, opening: OpenItem) -> MovedItem:
        return await self._items.open(opening)

    async def check_key(self, idempotency_key: str, *, buyer_user_id: uuid.UUID, item_type: ItemType) -> None:
        await self._items.check_key(idempotency_key, buyer_user_id=buyer_user_id, item_type=item_type)

    async def move(self, item_id: uuid.UUID, name: MoveName, call: RepeatableCall) -> MovedItem:
        return self._with_relay_woken(await self._items.move(item_id, name, call))

    async def end(self, item_id: uuid.UUID, undo: EndItem) -> MovedItem:
        return self._with_relay_woken(await self._items.end(item_id, undo))

    async def settle(self, call: SettleItems) -> Settled:
        return await self._items.settle(call)

    async def note_device(self, item_id: uuid.UUID, note: NoteDevice) -> None:
        await self._items.note_device(item_id, note)

    async def find(self, item_id: uuid.UUID) -> PurchasedItem:
        """Return an item.

        Raises:
            ItemNotFound: there is none of that id, or it is OPENING.
        """
        return _found(await self._items.find(item_id))

    async def find_by_queue_request(self, queue_request_id: uuid.UUID) -> PurchasedItem:
        """Return the item of a queue request; raises as `find`."""
        return _found(await self._items.find_by_queue_request(queue_request_id))

    async def bought(
        self, buyer_user_id: uuid.UUID, *, item_type: ItemType | None, limit: int, offset: int
    ) -> BoughtItems:
        """Return a page of what a user bought, newest first."""
        items, total = await self._items.page_of_buyer(buyer_user_id, item_type=item_type, limit=limit, offset=offset)
        return BoughtItems(items=items, total=total.number)

    async def list_of(
        self,
        user: Principal,
        *,
        item_type: ItemType | None,
        status: StatusOfItem | None,
        limit: int,
        offset: int,
        after: Cursor | None,
    ) -> tuple[list[PublicItem], Total]:
        """Return a page of what the user bought, newest first, and the number on all pages."""
        items, total = await self._items.page_of_buyer(
            user.user_id,
            item_type=item_type,
            status=None if status is None else status.upper(),
            limit=limit,
            offset=offset,
            after=after,
        )
        return [item.for_buyer() for item in items], total

    async def show(self, item_id: uuid.UUID, *, to: Principal) -> PublicItemWithHistory:
        """Return an item as its buyer, its performer or an admin may see it.

        Raises:
            ItemNotFound: there is none of that id, it is OPENING, or the user is none of these.
        """
        item = await self._items.find_with_history(item_id)
        if item is None:
            raise ItemNotFound
        if to.may_act_for(item.buyer_user_id):
            shown = item.for_buyer()
        elif to.user_id == item.performer_id:
            shown = item.for_performer()
        else:
            raise ItemNotFound
        return PublicItemWithHistory(**dict(shown), history=item.history)

    def _with_relay_woken(self, moved: MovedItem) -> MovedItem:
        self._wake_relay()
        return moved


def _found(item: PurchasedItem | None) -> PurchasedItem:
    if item is None:
        raise ItemNotFound
    return item
