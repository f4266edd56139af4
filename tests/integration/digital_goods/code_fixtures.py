"""Digital orders in memory, as the orders service keeps them, and a faulty storage, for tests of what is done with codes."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from common.errors import NotFound
from orchestrator.clients.orders.digital_orders import (
    DigitalItemFacts,
    DigitalItemStatus,
    DigitalOrderFacts,
    DigitalOrdersClient,
    DigitalOrderStatus,
    FulfillmentStatus,
    PayGoodsWith,
    SealedCodes,
)
from orchestrator.features.digital_goods.adapters.interfaces import CodeStorage

Act = Callable[[], Awaitable[object]]


async def nothing() -> None:
    pass


class Interrupting(CodeStorage):
    """A storage in whose calls something else happens first."""

    def __init__(self, storage: CodeStorage) -> None:
        self.storage = storage
        self.before_put: Act = nothing
        self.after_put: Act = nothing
        self.before_delete: Act = nothing

    async def put(self, name: str, sealed: bytes, *, metadata: Mapping[str, str]) -> None:
        await self.before_put()
        await self.storage.put(name, sealed, metadata=metadata)
        await self.after_put()

    async def get(self, name: str) -> bytes | None:
        return await self.storage.get(name)

    async def delete(self, name: str) -> None:
        await self.before_delete()
        await self.storage.delete(name)

    async def presigned_url(self, name: str, *, seconds: int) -> str | None:
        return await self.storage.presigned_url(name, seconds=seconds)

    async def names(self, prefix: str, *, modified_before: datetime | None = None) -> list[str]:
        return await self.storage.names(prefix, modified_before=modified_before)


class OrdersInMemory(DigitalOrdersClient):
    """The part of the client that concerns codes."""

    def __init__(self) -> None:
        self.orders: dict[uuid.UUID, DigitalOrderFacts] = {}
        self.sealed: dict[uuid.UUID, list[SealedCodes]] = {}
        self.before_delete: Callable[[], Awaitable[None]] | None = None

    def add(self, order: DigitalOrderFacts, codes: list[SealedCodes]) -> None:
        self.orders[order.order_id] = order
        self.sealed[order.order_id] = codes

    def change(self, order_id: uuid.UUID, **changes: Any) -> DigitalOrderFacts:
        self.orders[order_id] = self.orders[order_id].model_copy(update=changes)
        return self.orders[order_id]

    async def find(self, order_id: uuid.UUID) -> DigitalOrderFacts:
        if order_id not in self.orders:
            raise NotFound(code="ORDER_NOT_FOUND")
        return self.orders[order_id]

    async def codes(self, order_id: uuid.UUID) -> list[SealedCodes]:
        return self.sealed[order_id]

    async def make_ready(self, order_id: uuid.UUID, *, storage_ref: str) -> None:
        if self.orders[order_id].status is DigitalOrderStatus.WAITING:
            self.change(order_id, status=DigitalOrderStatus.READY, storage_ref=storage_ref)

    async def note_download(self, order_id: uuid.UUID) -> None:
        self.change(order_id, downloaded_at=self.orders[order_id].downloaded_at or datetime.now(UTC))

    async def delete_codes(self, order_id: uuid.UUID) -> None:
        if self.before_delete:
            await self.before_delete()
        self.sealed[order_id] = []
        self.change(order_id, storage_ref=None, keys_deleted_at=datetime.now(UTC))

    async def downloaded_before(self, moment: datetime, *, limit: int) -> list[DigitalOrderFacts]:
        found = [
            order
            for order in self.orders.values()
            if order.storage_ref and order.downloaded_at and order.downloaded_at < moment
        ]
        return found[:limit]


def waiting_order(buyer_id: uuid.UUID, *, items: int) -> DigitalOrderFacts:
    """Return an order whose codes have come and are not stored as an object yet."""
    return DigitalOrderFacts(
        order_id=uuid.uuid4(),
        buyer_user_id=buyer_id,
        status=DigitalOrderStatus.WAITING,
        fulfillment_status=FulfillmentStatus.WAITING,
        pay_with=PayGoodsWith.CREDITS,
        total=Decimal(10 * items),
        items=tuple(
            DigitalItemFacts(
                item_id=uuid.uuid4(),
                product_id=uuid.uuid4(),
                name=f"Game {number}",
                supplier_product_id="p",
                price=Decimal(10),
                status=DigitalItemStatus.READY,
                reservation_id=f"R-{number}",
            )
            for number in range(items)
        ),
        storage_ref=None,
        failure_code=None,
        failure_message=None,
        created_at=datetime.now(UTC),
        paid_at=datetime.now(UTC),
        ready_at=None,
        downloaded_at=None,
        keys_deleted_at=None,
        ended_at=None,
    )
