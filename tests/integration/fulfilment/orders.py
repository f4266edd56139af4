"""Orders in memory that follow the contract of the orders service's client, and their sagas and codes."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from common.errors import Busy, Conflict, NotFound, ServiceError
from orchestrator.clients.orders.digital_orders import (
    DigitalItemFacts,
    DigitalItemStatus,
    DigitalOrderFacts,
    DigitalOrdersClient,
    DigitalOrderStatus,
    PayGoodsWith,
    ReservationFacts,
    SealedCodes,
)

OPEN = {DigitalItemStatus.PENDING, DigitalItemStatus.RESERVED}
UNDERWAY = {DigitalOrderStatus.PAID, DigitalOrderStatus.WAITING, DigitalOrderStatus.FAILED}


def new_order(*supplier_product_ids: str) -> DigitalOrderFacts:
    items = tuple(
        DigitalItemFacts(
            item_id=uuid.uuid4(),
            product_id=uuid.uuid4(),
            name=name,
            supplier_product_id=name,
            price=Decimal("10.00"),
            status=DigitalItemStatus.PENDING,
            reservation_id=None,
        )
        for name in supplier_product_ids
    )
    now = datetime.now(UTC)
    return DigitalOrderFacts(
        order_id=uuid.uuid4(),
        buyer_user_id=uuid.uuid4(),
        status=DigitalOrderStatus.PAID,
        pay_with=PayGoodsWith.CREDITS,
        total=Decimal("10.00") * len(items),
        items=items,
        storage_ref=None,
        failure_code=None,
        failure_message="",
        created_at=now,
        paid_at=now,
        ready_at=None,
        downloaded_at=None,
        keys_deleted_at=None,
        ended_at=None,
    )


@dataclass
class Orders(DigitalOrdersClient):
    """Args: before: called before each write, by the client's method; it may raise."""

    known: dict[uuid.UUID, DigitalOrderFacts] = field(default_factory=dict)
    sealed: dict[uuid.UUID, bytes] = field(default_factory=dict)
    before: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)

    def add(self, order: DigitalOrderFacts) -> DigitalOrderFacts:
        self.known[order.order_id] = order
        return order

    async def find(self, order_id: uuid.UUID) -> DigitalOrderFacts:
        if order_id not in self.known:
            raise NotFound(code="ORDER_NOT_FOUND")
        return self.known[order_id]

    async def resume(self, order_id: uuid.UUID) -> DigitalOrderFacts:
        await self._underway(order_id, "resume")
        if self.known[order_id].status is DigitalOrderStatus.FAILED:
            self._change(order_id, status=DigitalOrderStatus.PAID)
        return self.known[order_id]

    async def note_reservation(self, order_id: uuid.UUID, item_id: uuid.UUID, *, reservation_id: str) -> None:
        await self._underway(order_id, "note_reservation")
        item = self._item(order_id, item_id)
        if item.reservation_id not in {None, reservation_id}:
            raise Conflict(code="ORDER_INVALID_STATE")
        if item.status is DigitalItemStatus.PENDING:
            self._change_item(order_id, item_id, status=DigitalItemStatus.RESERVED, reservation_id=reservation_id)

    async def find_by_reservation(self, reservation_id: str) -> tuple[DigitalOrderFacts, DigitalItemFacts] | None:
        found = ((order, item) for order in self.known.values() for item in order.items)
        return next((pair for pair in found if pair[1].reservation_id == reservation_id), None)

    async def add_codes(self, order_id: uuid.UUID, codes: SealedCodes) -> DigitalOrderFacts:
        await self._underway(order_id, "add_codes")
        self.sealed.setdefault(codes.item_id, codes.sealed)
        return self._change_item(order_id, codes.item_id, status=DigitalItemStatus.READY)

    async def fail_item(self, order_id: uuid.UUID, item_id: uuid.UUID, *, failure: str) -> DigitalOrderFacts:
        await self._underway(order_id, "fail_item")
        if self._item(order_id, item_id).status not in OPEN:
            return self.known[order_id]
        return self._change_item(order_id, item_id, status=DigitalItemStatus.FAILED, failure=failure)

    async def make_ready(self, order_id: uuid.UUID, *, storage_ref: str) -> None:
        order = await self._underway(order_id, "make_ready")
        assert not any(item.status in OPEN for item in order.items)
        self._change(order_id, status=DigitalOrderStatus.READY, storage_ref=storage_ref)

    async def fail(self, order_id: uuid.UUID, *, code: str, message: str) -> None:
        await self._underway(order_id, "fail")
        self._change(order_id, status=DigitalOrderStatus.FAILED, failure_code=code, failure_message=message)

    async def silent(self, *, before: datetime, after: uuid.UUID | None, limit: int) -> list[DigitalOrderFacts]:
        waiting = [order for order in self.known.values() if order.status is DigitalOrderStatus.WAITING]
        behind = [order for order in waiting if order.created_at < before and (not after or order.order_id > after)]
        return sorted(behind, key=lambda order: order.order_id)[:limit]

    async def reservations(self, *, limit: int, offset: int) -> tuple[list[ReservationFacts], int]:
        rows = [
            ReservationFacts(
                order_id=order.order_id,
                item_id=item.item_id,
                reservation_id=item.reservation_id,
                order_status=order.status,
                created_at=order.created_at,
            )
            for order in self.known.values()
            for item in order.items
            if item.reservation_id
        ]
        return rows[offset : offset + limit], len(rows)

    def statuses(self, order_id: uuid.UUID) -> list[str]:
        return [item.status.value for item in self.known[order_id].items]

    async def _underway(self, order_id: uuid.UUID, write: str) -> DigitalOrderFacts:
        if write in self.before:
            await self.before[write]()
        order = await self.find(order_id)
        if order.status not in UNDERWAY:
            raise Conflict(code="ORDER_INVALID_STATE")
        return order

    def _item(self, order_id: uuid.UUID, item_id: uuid.UUID) -> DigitalItemFacts:
        return next(item for item in self.known[order_id].items if item.item_id == item_id)

    def _change_item(self, order_id: uuid.UUID, item_id: uuid.UUID, **changes: Any) -> DigitalOrderFacts:
        items = tuple(
            item.model_copy(update=changes) if item.item_id == item_id else item for item in self.known[order_id].items
        )
        order = self._change(order_id, items=items)
        is_reserved = not any(item.status is DigitalItemStatus.PENDING for item in items)
        if order.status is DigitalOrderStatus.PAID and is_reserved:
            order = self._change(order_id, status=DigitalOrderStatus.WAITING)
        return order

    def _change(self, order_id: uuid.UUID, **changes: Any) -> DigitalOrderFacts:
        self.known[order_id] = self.known[order_id].model_copy(update=changes)
        return self.known[order_id]


@dataclass
class Codes:
    """Seals in a way that can be read back, and stores objects; `failures` are raised one after the other."""

    orders: Orders
    objects: dict[uuid.UUID, list[str]] = field(default_factory=dict)
    failures: list[ServiceError] = field(default_factory=list)

    def seal(self, item_id: uuid.UUID, codes: Sequence[str]) -> SealedCodes:
        return SealedCodes.model_construct(item_id=item_id, sealed=orjson.dumps([*codes])[::-1])

    async def store(self, order: DigitalOrderFacts) -> None:
        if self.failures:
            raise self.failures.pop(0)
        sealed = [self.orders.sealed[item.item_id] for item in order.items if item.item_id in self.orders.sealed]
        self.objects[order.order_id] = [code for row in sealed for code in orjson.loads(row[::-1])]
        await self.orders.make_ready(order.order_id, storage_ref=f"orders/{order.order_id}/keys.json")


@dataclass
class Sagas:
    """Counts what the sagas of orders are told; while `is_busy`, none of them waits."""

    orders: Orders
    delivered: Counter[uuid.UUID] = field(default_factory=Counter)
    refunded: Counter[uuid.UUID] = field(default_factory=Counter)
    is_busy: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, order_id: uuid.UUID) -> None:
        self._check_not_busy()
        assert self.orders.known[order_id].status is DigitalOrderStatus.READY
        self.delivered[order_id] += 1

    async def refund_undelivered(self, order_id: uuid.UUID) -> None:
        self._check_not_busy()
        self.refunded[order_id] += 1

    def _check_not_busy(self) -> None:
        if self.is_busy.is_set():
            self.is_busy.clear()
            raise Busy
