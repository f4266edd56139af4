"""The orders service's digital orders: goods that a supplier delivers as codes (F1 to F4). Codes are here only sealed."""

import base64
import enum
import uuid
from datetime import datetime
from typing import Self

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from common.http.client import ServiceClient
from common.money import Money
from common.rows import readable
from orchestrator.clients.calls import post
from orchestrator.saga_engine.plan import Call

__all__ = [
    "DigitalItemFacts",
    "DigitalItemStatus",
    "DigitalOrderFacts",
    "DigitalOrderStatus",
    "DigitalOrdersClient",
    "FulfillmentStatus",
    "NewDigitalItem",
    "NewDigitalOrder",
    "PayGoodsWith",
    "ReservationFacts",
    "SealedCodes",
]

PATH = "/internal/digital-orders"


class PayGoodsWith(enum.StrEnum):
    CREDITS = "credits"
    CRYPTO = "crypto"


class DigitalOrderStatus(enum.StrEnum):
    OPENING = "OPENING"  # not visible yet: the order may still be refused
    CREATED = "CREATED"  # waits for its crypto payment
    PAID = "PAID"
    WAITING = "WAITING"  # every item is reserved at the supplier, or has failed
    READY = "READY"  # every code that comes is stored
    FULFILLED = "FULFILLED"
    FAILED = "FAILED"  # nothing was delivered; its credits are in escrow until an admin retries it, or it is refunded
    REFUNDED = "REFUNDED"
    CANCELLED = "CANCELLED"  # never paid


class DigitalItemStatus(enum.StrEnum):
    PENDING = "PENDING"
    RESERVED = "RESERVED"
    READY = "READY"  # its code is sealed
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"  # refunded with the order's end


class FulfillmentStatus(enum.StrEnum):
    """What an order's status means for its buyer."""

    AWAITING_PAYMENT = "awaiting_payment"
    RESERVING = "reserving"
    WAITING = "waiting"
    READY = "ready"
    DELIVERED = "delivered"
    PARTIALLY_DELIVERED = "partially_delivered"
    FAILED = "failed"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


class NewDigitalItem(BaseModel):
    """One unit of a product: an order of two has two."""

    model_config = ConfigDict(frozen=True)

    item_id: uuid.UUID
    product_id: uuid.UUID
    name: str
    supplier_product_id: str
    price: Money


class NewDigitalOrder(BaseModel):
    """An order to be opened, as a saga stores it. `order_id` is the id of the saga."""

    model_config = ConfigDict(frozen=True)

    order_id: uuid.UUID
    buyer_user_id: uuid.UUID
    items: tuple[NewDigitalItem, ...]
    total: Money
    pay_with: PayGoodsWith


class SealedCodes(BaseModel):
    """The codes of an item, sealed by `common.sealing`: the orders service cannot read them."""

    model_config = ConfigDict(frozen=True)

    item_id: uuid.UUID
    sealed: Base64Bytes

    @classmethod
    def of(cls, item_id: uuid.UUID, sealed: bytes) -> Self:
        """Return the codes; the constructor takes base64, as answers have it."""
        return cls(item_id=item_id, sealed=base64.b64encode(sealed))


class DigitalItemFacts(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    item_id: uuid.UUID
    product_id: uuid.UUID
    name: str
    supplier_product_id: str
    price: Money
    status: DigitalItemStatus
    reservation_id: str | None
    reserved_at: datetime | None = None
    failure: str | None = None


class DigitalOrderFacts(BaseModel):
    """An order in the orders service. `storage_ref` names its stored codes; None before, and once they are deleted."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    order_id: uuid.UUID
    buyer_user_id: uuid.UUID
    status: DigitalOrderStatus
    fulfillment_status: FulfillmentStatus
    pay_with: PayGoodsWith
    total: Money
    items: tuple[DigitalItemFacts, ...] = Field(default=())
    storage_ref: str | None
    failure_code: str | None
    failure_message: str | None
    created_at: datetime
    paid_at: datetime | None
    ready_at: datetime | None
    downloaded_at: datetime | None
    keys_deleted_at: datetime | None
    ended_at: datetime | None


class ReservationFacts(BaseModel):
    """An item that is reserved at the supplier. `created_at` is when its reservation was stored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    order_id: uuid.UUID
    item_id: uuid.UUID
    reservation_id: str
    order_status: DigitalOrderStatus
    created_at: datetime


class DigitalOrdersClient:
    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    async def open(self, call: Call, order: NewDigitalOrder) -> None:
        """Open an order with its items, OPENING.

        Refusals: PURCHASE_LIMIT_REACHED; the buyer has three unpaid crypto orders.
        """
        await post(self._orders, PATH, call, **order.model_dump(mode="json"))

    async def end(self, call: Call, order_id: uuid.UUID, *, explanation: str) -> None:
        """Undo `open`, in any status but FULFILLED: discard an OPENING order; CANCELLED if it was CREATED; else REFUNDED.

        The call's reason and its explanation for the buyer are stored, unless the order has FAILED before.
        `fulfillment.cancelled` or `fulfillment.refunded` leaves with the write.
        """
        await self._post(order_id, "end", call, reason=call.reason, explanation=explanation)

    async def await_payment(self, call: Call, order_id: uuid.UUID) -> None:
        """Make an OPENING order CREATED; `fulfillment.created` leaves with the write."""
        await self._post(order_id, "await-payment", call)

    async def accept(self, call: Call, order_id: uuid.UUID) -> None:
        """Make a paid order PAID; `fulfillment.paid` leaves with the write."""
        await self._post(order_id, "accept", call)

    async def resume(self, order_id: uuid.UUID) -> DigitalOrderFacts:
        """Return the order for its reserve job. If it had FAILED, and an item may still come, it is PAID or WAITING again.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE; it is not paid, or it has ended.
        """
        return DigitalOrderFacts.model_validate(await self._orders.post(f"{PATH}/{order_id}/resume", {}))

    async def note_reservation(self, order_id: uuid.UUID, item_id: uuid.UUID, *, reservation_id: str) -> None:
        """Store an item's reservation, once: PENDING → RESERVED. Once none is PENDING, the order is WAITING.

        `fulfillment.reserved` leaves with the write that makes it WAITING.

        Raises:
            Conflict: ORDER_INVALID_STATE; the item has another reservation, or the order has ended.
        """
        await self._orders.post(f"{PATH}/{order_id}/items/{item_id}/reservation", {"reservation_id": reservation_id})

    async def find_by_reservation(self, reservation_id: str) -> tuple[DigitalOrderFacts, DigitalItemFacts] | None:
        """Return the order and the item of a reservation; None if it is unknown."""
        row = await self._orders.get(f"{PATH}/by-reservation", {"reservation_id": reservation_id})
        if row is None:
            return None
        order = DigitalOrderFacts.model_validate(row["order"])
        return order, DigitalItemFacts.model_validate(row["item"])

    async def add_codes(self, order_id: uuid.UUID, codes: SealedCodes) -> DigitalOrderFacts:
        """Store an item's sealed codes, once, even if it had FAILED; the first ones stay.

        An order that is READY or has ended, or whose other codes may be stored already, is decided: nothing changes.
        """
        answer = await self._orders.post(
            f"{PATH}/{order_id}/items/{codes.item_id}/codes", codes.model_dump(mode="json")
        )
        return DigitalOrderFacts.model_validate(answer)

    async def fail_item(self, order_id: uuid.UUID, item_id: uuid.UUID, *, failure: str) -> DigitalOrderFacts:
        """Mark an item as FAILED that is PENDING or RESERVED; `failure` is in plain words."""
        answer = await self._orders.post(f"{PATH}/{order_id}/items/{item_id}/fail", {"failure": failure})
        return DigitalOrderFacts.model_validate(answer)

    async def codes(self, order_id: uuid.UUID) -> list[SealedCodes]:
        """Return the sealed codes of an order's items; none once they are deleted."""
        return [SealedCodes.model_validate(row) for row in await self._orders.get(f"{PATH}/{order_id}/codes")]

    async def make_ready(self, order_id: uuid.UUID, *, storage_ref: str) -> None:
        """Note where the codes are stored: READY, once no item is PENDING or RESERVED. Repeating it changes nothing.

        `fulfillment.ready` leaves with the write.

        Raises:
            Conflict: ORDER_INVALID_STATE.
        """
        await self._orders.post(f"{PATH}/{order_id}/ready", {"storage_ref": storage_ref})

    async def fail(self, order_id: uuid.UUID, *, code: str, message: str) -> None:
        """Make an order FAILED: a PAID one, or a WAITING one whose items have all failed. The first cause stays.

        `fulfillment.failed` leaves with the write.

        Raises:
            Conflict: ORDER_INVALID_STATE; an item may still come, or the order has ended.
        """
        await self._orders.post(f"{PATH}/{order_id}/fail", {"code": code, "message": message})

    async def fulfil(self, call: Call, order_id: uuid.UUID) -> None:
        """Make a READY order FULFILLED and its READY items DELIVERED; `fulfillment.fulfilled` leaves with the write."""
        await self._post(order_id, "fulfil", call)

    async def note_download(self, order_id: uuid.UUID) -> None:
        """Note the first download or reveal: the codes are deleted 30 days later."""
        await self._orders.post(f"{PATH}/{order_id}/downloaded", {})

    async def delete_codes(self, order_id: uuid.UUID) -> None:
        """Delete the sealed codes, whose stored object is deleted already. Repeating it changes nothing.

        Raises:
            Conflict: ORDER_INVALID_STATE; it is neither READY nor FULFILLED nor REFUNDED.
        """
        await self._orders.post(f"{PATH}/{order_id}/delete-codes", {})

    async def find(self, order_id: uuid.UUID) -> DigitalOrderFacts:
        """Return an order that is not OPENING.

        Raises:
            NotFound: ORDER_NOT_FOUND.
        """
        return DigitalOrderFacts.model_validate(await self._orders.get(f"{PATH}/{order_id}"))

    async def reservations(
        self, *, order_id: uuid.UUID | None = None, limit: int, offset: int
    ) -> tuple[list[ReservationFacts], int]:
        """Return reservations, of one order or of all, newest first, and how many there are, counted to `COUNT_LIMIT`."""
        query = {"limit": limit, "offset": offset} | ({"order_id": str(order_id)} if order_id else {})
        found = await self._orders.get(f"{PATH}/reservations", query)
        rows = readable(found["items"], ReservationFacts.model_validate, of="reservations", key="item_id")
        return rows, int(found["count"])

    async def silent(self, *, before: datetime, after: uuid.UUID | None, limit: int) -> list[DigitalOrderFacts]:
        """Return WAITING orders of which nothing was heard since before a time, by id, behind `after`.

        They have a RESERVED item, or no open one: then the process that was to go on with the order has crashed.
        """
        query = {"before": before.isoformat(), "limit": limit} | ({"after": str(after)} if after else {})
        rows = await self._orders.get(f"{PATH}/silent", query)
        return readable(rows, DigitalOrderFacts.model_validate, of="digital orders", key="order_id")

    async def stalled(
        self, status: DigitalOrderStatus, *, before: datetime, after: uuid.UUID | None, limit: int
    ) -> list[DigitalOrderFacts]:
        """Return the orders that have had a status since before a time, by id, behind `after`."""
        query = {"status": status.value, "before": before.isoformat(), "limit": limit}
        rows = await self._orders.get(PATH, query | ({"after": str(after)} if after else {}))
        return readable(rows, DigitalOrderFacts.model_validate, of="digital orders", key="order_id")

    async def sealed_codes(self, *, after: uuid.UUID | None, limit: int) -> list[SealedCodes]:
        """Return the sealed codes of all orders, by the id of their item, behind `after`."""
        query = {"limit": limit} | ({"after": str(after)} if after else {})
        return [SealedCodes.model_validate(row) for row in await self._orders.get(f"{PATH}/sealed-codes", query)]

    async def replace_codes(self, codes: SealedCodes, *, sealed: bytes) -> bool:
        """Store an item's codes as they were sealed again; return False if `codes` are not what is stored now."""
        item_id, replaced = codes.item_id, codes.model_dump(mode="json")["sealed"]
        body = {"sealed": base64.b64encode(sealed).decode(), "replaced": replaced}
        return bool((await self._orders.post(f"{PATH}/sealed-codes/{item_id}", body))["is_replaced"])

    async def downloaded_before(self, moment: datetime, *, limit: int) -> list[DigitalOrderFacts]:
        """Return orders whose codes are due for deletion: those downloaded before a time, and once each refunded order."""
        rows = await self._orders.get(f"{PATH}/downloaded", {"before": moment.isoformat(), "limit": limit})
        return readable(rows, DigitalOrderFacts.model_validate, of="digital orders", key="order_id")

    async def _post(self, order_id: uuid.UUID, route: str, call: Call, **facts: object) -> None:
        await post(self._orders, f"{PATH}/{order_id}/{route}", call, **facts)
