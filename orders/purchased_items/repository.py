"""Purchased items in PostgreSQL."""

import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any

from common.db.engine import Database, Row
from common.db.idempotency import ParticipantRequest
from common.db.pages import has_value
from common.errors import Busy, ServiceError
from common.http.calls import RepeatableCall
from common.pages import Cursor, Total
from common.telemetry.correlation import correlation_id
from orders.purchased_items.errors import DailyLimitReached, DuplicateRequest, ItemInvalidState, ItemNotFound
from orders.purchased_items.models import purchased_items
from orders.purchased_items.schemas import (
    EndItem,
    MovedItem,
    MoveName,
    NoteDevice,
    OpenItem,
    PurchasedItem,
    PurchasedItemWithHistory,
    Settled,
    SettleItems,
)
from orders.purchased_items.statements import (
    END,
    FIND_BY_QUEUE_REQUEST,
    FIND_WITH_HISTORY,
    FIRST_WITH_KEY,
    ITEMS,
    MOVES,
    NOTE_DEVICE,
    OPEN,
    SETTLE,
    STATUS_OF,
)
from orders.purchased_items.status import ItemStatus, ItemType
from orders.shared.repository import AggregateRepository
from orders.subscriptions.errors import SubscriptionInvalidState

_VISIBLE = purchased_items.c.status != ItemStatus.OPENING


class PurchasedItemRepository(AggregateRepository[PurchasedItem]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, ITEMS, PurchasedItem)

    async def open(self, opening: OpenItem) -> MovedItem:
        """Store an OPENING item.

        Raises:
            DuplicateRequest: the buyer used the idempotency key before.
            DailyLimitReached: the offer's limit, or the buyer's, is reached.
            SubscriptionInvalidState: it is a renewal, and the subscription does not renew, or has other periods.
            ItemInvalidState: another request opened that id.
            RequestUndone: the undo of this request came first.
        """
        facts, now = opening.model_dump(exclude={"request_id"}), datetime.now(UTC)
        request = ParticipantRequest.of(opening.request_id, "purchased_item.OPEN", **facts)
        attempt = await self._store.attempt(request, OPEN, {**facts, "opened_on": opening.day_at(now)})
        if attempt.done is not None:
            return MovedItem(**attempt.done)
        refusal = await self._why_not_opened(opening, attempt.row, now)
        return MovedItem(**await self._store.store_refusal(request, refusal))

    async def check_key(self, idempotency_key: str, *, buyer_user_id: uuid.UUID, item_type: ItemType) -> None:
        """Check that a buyer's idempotency key is new.

        Raises:
            DuplicateRequest: the buyer used it before.
        """
        key = {"idempotency_key": idempotency_key, "buyer_user_id": buyer_user_id, "type": item_type.value}
        first = await self._database.fetch_one(FIRST_WITH_KEY, key)
        if first is not None:
            raise DuplicateRequest.of(**first)

    async def move(self, item_id: uuid.UUID, name: MoveName, call: RepeatableCall) -> MovedItem:
        """Enqueue, start or complete an item.

        Raises:
            ItemNotFound: there is no such item.
            ItemInvalidState: its status does not allow the move.
        """
        facts = call.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(call.request_id, f"purchased_item.{name}", key=item_id, **facts)
        parameters = {**facts, **_parameters(item_id)}
        refuse = partial(self._refusal, item_id)
        return MovedItem(**await self._store.answer(request, MOVES[name], parameters, refuse=refuse))

    async def end(self, item_id: uuid.UUID, undo: EndItem) -> MovedItem:
        """Undo the opening, even if it never arrived: then it will be refused.

        Raises:
            ItemInvalidState: the item is SUCCESS.
        """
        arguments = {
            "undoes_request_id": undo.undoes_request_id,
            "status": undo.status.value,
            "explanation": undo.shown_explanation,
        }
        request = ParticipantRequest.of(undo.request_id, "purchased_item.END", key=item_id, **arguments)
        parameters = {**arguments, **_parameters(item_id)}
        done = await self._store.attempt_undo(request, END, parameters, undoes_request_id=undo.undoes_request_id)
        return MovedItem(**(done or await self._store.store_refusal(request, await self._refusal(item_id))))

    async def settle(self, call: SettleItems) -> Settled:
        """Mark items as settled by a payout; one that is not complete yet is settled with its completion."""
        facts = {"payout_id": call.payout_id, "item_ids": sorted(call.item_ids)}
        request = ParticipantRequest.of(call.request_id, "purchased_item.SETTLE", **facts)
        return Settled(**await self._store.answer(request, SETTLE, facts, refuse=_never_refused))

    async def note_device(self, item_id: uuid.UUID, note: NoteDevice) -> None:
        """Note what became of the device activation.

        Raises:
            ItemNotFound: there is no such item.
        """
        device = {**note.model_dump(), "at": datetime.now(UTC).isoformat()}
        parameters = {"purchased_item_id": item_id, "status": note.status, "device": device}
        if not await self._database.execute(NOTE_DEVICE, parameters) and await self._status_of(item_id) is None:
            raise ItemNotFound

    async def find(self, key: uuid.UUID) -> PurchasedItem | None:
        """Return an item that is not OPENING."""
        item = await super().find(key)
        return None if item is None or item.status == ItemStatus.OPENING else item

    async def find_with_history(self, item_id: uuid.UUID) -> PurchasedItemWithHistory | None:
        row = await self._database.fetch_one(FIND_WITH_HISTORY, {"purchased_item_id": item_id})
        return PurchasedItemWithHistory(**row["found"]) if row else None

    async def find_by_queue_request(self, queue_request_id: uuid.UUID) -> PurchasedItem | None:
        row = await self._database.fetch_one(FIND_BY_QUEUE_REQUEST, {"queue_request_id": queue_request_id})
        return PurchasedItem(**row["found"]) if row else None

    async def page_of_buyer(
        self,
        buyer_user_id: uuid.UUID,
        *,
        item_type: ItemType | None,
        status: str | None = None,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[PurchasedItem], Total]:
        """Return a page of what a user bought, newest first, and the number on all pages."""
        of_type = () if item_type is None else (has_value(purchased_items.c.type, item_type),)
        bought = (purchased_items.c.buyer_user_id == buyer_user_id, _VISIBLE, *of_type)
        return await self._page(*bought, status=status, limit=limit, offset=offset, after=after)

    async def page_of_performer(
        self, performer_id: uuid.UUID, *, limit: int, offset: int, after: Cursor | None = None
    ) -> tuple[list[PurchasedItem], Total]:
        """Return a page of what a performer sold, newest first, and the number on all pages."""
        sold = (purchased_items.c.performer_id == performer_id, _VISIBLE)
        return await self._page(*sold, status=None, limit=limit, offset=offset, after=after)

    async def _status_of(self, item_id: uuid.UUID) -> str | None:
        row = await self._database.fetch_one(STATUS_OF, {"purchased_item_id": item_id})
        return row["status"] if row else None

    async def _refusal(self, item_id: uuid.UUID) -> ServiceError:
        status = await self._status_of(item_id)
        return ItemNotFound() if status is None else ItemInvalidState(details={"status": status})

    async def _why_not_opened(self, opening: OpenItem, row: Row, now: datetime) -> ServiceError:
        """Return the reason.

        Raises:
            Busy: it is gone: the first item of the key was discarded meanwhile.
        """
        key = opening.model_dump(include={"buyer_user_id", "idempotency_key", "type"})
        first = await self._database.fetch_one(FIRST_WITH_KEY, key)
        if first is not None and first["purchased_item_id"] != opening.purchased_item_id:
            return DuplicateRequest.of(**first)
        if not row["is_renewable"]:
            return SubscriptionInvalidState("The subscription is not renewed any more.")
        if (reached := row["reached"]) is not None:
            limit = opening.daily_limit if reached == "item" else opening.daily_limit_per_user
            resets_at = opening.next_day_after(now).isoformat().replace("+00:00", "Z")
            return DailyLimitReached(details={"limit": limit, "scope": reached, "resets_at": resets_at})
        if await self._status_of(opening.purchased_item_id) is None:
            raise Busy(request_id=opening.request_id)
        return ItemInvalidState("That item was opened by another request.")


def _parameters(item_id: uuid.UUID) -> dict[str, Any]:
    return {"purchased_item_id": item_id, "correlation_id": correlation_id()}


async def _never_refused() -> ServiceError:
    raise AssertionError("unreachable: the statement always stores an answer")
