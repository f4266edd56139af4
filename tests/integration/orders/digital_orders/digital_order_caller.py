"""Digital orders as the orchestrator's own client calls them."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from orchestrator.clients.orders.digital_orders import (
    DigitalItemFacts,
    DigitalOrderFacts,
    DigitalOrdersClient,
    NewDigitalItem,
    NewDigitalOrder,
    PayGoodsWith,
    SealedCodes,
)
from orchestrator.saga_engine.plan import Call
from tests.integration.orders.commissions.commission_caller import InProcessService
from tests.support.callers import Caller

PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "OPENING": (),
    "CREATED": ("await_payment",),
    "PAID": ("accept",),
    "WAITING": ("accept", "reserve"),
    "READY": ("accept", "reserve", "deliver", "make_ready"),
    "FULFILLED": ("accept", "reserve", "deliver", "make_ready", "fulfil"),
    "FAILED": ("accept", "fail"),
    "REFUNDED": ("accept", "reserve", "deliver", "make_ready", "end"),
    "CANCELLED": ("await_payment", "end"),
}
"""The actions that bring an order to a status. `reserve` and `deliver` are those of all its items."""
REPEATABLE: Final = frozenset({"open", "await_payment", "accept", "fulfil", "end"})


def digital_order(*, units: int = 2, **changes: Any) -> NewDigitalOrder:
    """Return an order of units of one product for 10 credits each."""
    items = tuple(
        NewDigitalItem(
            item_id=uuid.uuid4(),
            product_id=uuid.uuid4(),
            name=f"Starfall {number}",
            supplier_product_id="kng-1",
            price=Decimal("10.00"),
        )
        for number in range(units)
    )
    facts: dict[str, Any] = {
        "order_id": uuid.uuid4(),
        "buyer_user_id": uuid.uuid4(),
        "items": items,
        "total": Decimal(10 * units),
        "pay_with": PayGoodsWith.CREDITS,
    }
    return NewDigitalOrder(**facts | changes)


@dataclass(frozen=True)
class Order:
    """An order, and the call of each repeatable action, so that it can be repeated."""

    facts: NewDigitalOrder
    calls: dict[str, Call] = field(default_factory=dict)

    @property
    def key(self) -> uuid.UUID:
        return self.facts.order_id

    @property
    def item_ids(self) -> list[uuid.UUID]:
        return [item.item_id for item in self.facts.items]

    def call(self, name: str) -> Call:
        undoes_request_id = self.call("open").request_id if name == "end" else None
        return self.calls.setdefault(name, Call(uuid.uuid4(), undoes_request_id, "GOODS_REFUNDED"))

    def renew(self, *names: str) -> "Order":
        """Return the order without the calls of some actions: their next ones are new."""
        return Order(self.facts, {name: call for name, call in self.calls.items() if name not in names})


class DigitalOrderCaller:
    def __init__(self, orchestrator: Caller) -> None:
        self.client = DigitalOrdersClient(InProcessService(orchestrator))

    async def perform(self, order: Order, name: str) -> Any:
        """Perform an action by its name in the client, a repeatable one again under the same id."""
        of_items: dict[str, Callable[[Order, uuid.UUID], Awaitable[object]]] = {
            "reserve": self.reserve,
            "deliver": self.deliver,
            "fail_items": self.fail_item,
        }
        if name in of_items:
            for item_id in order.item_ids:
                await of_items[name](order, item_id)
            return None
        if name == "open":
            return await self.client.open(order.call(name), order.facts)
        arguments: dict[str, Any] = {
            "end": {"explanation": "The order was refunded."},
            "make_ready": {"storage_ref": f"orders/{order.key}/keys.json"},
            "fail": {"code": "SUPPLIER_UNAVAILABLE", "message": "The supplier does not respond."},
        }.get(name, {})
        call = (order.call(name),) if name in REPEATABLE else ()
        return await getattr(self.client, name)(*call, order.key, **arguments)

    async def reserve(self, order: Order, item_id: uuid.UUID, *, reservation_id: str | None = None) -> None:
        await self.client.note_reservation(order.key, item_id, reservation_id=reservation_id or f"res-{item_id}")

    async def deliver(self, order: Order, item_id: uuid.UUID, sealed: bytes | None = None) -> DigitalOrderFacts:
        sealed = sealed or b"sealed \x00 " + item_id.bytes
        return await self.client.add_codes(order.key, SealedCodes.model_construct(item_id=item_id, sealed=sealed))

    async def fail_item(self, order: Order, item_id: uuid.UUID) -> DigitalOrderFacts:
        return await self.client.fail_item(order.key, item_id, failure="The key is out of stock.")

    async def at(self, status: str, facts: NewDigitalOrder | None = None) -> Order:
        """Open an order and bring it to `status`."""
        order = Order(facts or digital_order())
        for name in ("open", *PATHS[status]):
            await self.perform(order, name)
        return order

    async def find(self, order: Order) -> DigitalOrderFacts:
        return await self.client.find(order.key)

    async def status(self, order: Order) -> str:
        return (await self.find(order)).status

    async def item(self, order: Order, item_id: uuid.UUID) -> DigitalItemFacts:
        return next(item for item in (await self.find(order)).items if item.item_id == item_id)

    async def items(self, order: Order) -> list[str]:
        """Return the statuses of the items, in their order."""
        return [item.status for item in (await self.find(order)).items]
