"""A fan and a performer, what the fan buys, and what became of it."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from orchestrator.clients.orders.purchased_items import ItemType, NewItem
from orchestrator.clients.performers import DeviceSettings
from orchestrator.features.menus.saga import QueuedMenuItem
from orchestrator.features.purchased_items.models import DeviceActivation, ItemSaga
from tests.contracts.databases import Databases

__all__ = ["CREDITS", "POINTS", "PRICE", "Item", "ItemFixtures"]

CREDITS: Final = Decimal("500.00")
PRICE: Final = Decimal("25.00")
POINTS: Final = 5
EARLIER: Final = Decimal("1.00")  # what the performer has
TTL: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Item:
    """An item in the services' databases. `states` is its history, empty if there is no such item."""

    states: list[str]
    settlement: str
    explanation: str
    escrows: list[str]
    balances: tuple[Decimal, Decimal]
    """Of the buyer and the performer."""
    points: Decimal
    messages: list[str]
    devices: int
    """How many jobs activate a device for it."""


@dataclass(frozen=True, slots=True)
class ItemFixtures:
    databases: Databases

    async def sale(self, item_type: ItemType, **more: Any) -> ItemSaga:
        """Return the saga's data of a fan who buys an item of a performer, at once."""
        item_id, offer_id = uuid.uuid4(), uuid.uuid4()
        performer_id = await self.databases.new_performer(f"{EARLIER}")
        item = NewItem(
            purchased_item_id=item_id,
            type=item_type,
            buyer_user_id=await self.databases.new_fan(f"{CREDITS}"),
            performer_id=performer_id,
            offer_id=performer_id if item_type is ItemType.SUBSCRIPTION else offer_id,
            name="A song for Mia",
            price=PRICE,
            time_zone="Asia/Singapore",
            estimated_minutes=5,
            daily_limit=10,
            daily_limit_per_user=2,
            **more,
        )
        return ItemSaga(saga_id=item_id, item=item, proof_reference=offer_id)

    async def queued(self) -> QueuedMenuItem:
        """Return the saga's data of a fan who buys a menu item that waits for its performer, with a device."""
        sale = await self.sale(ItemType.MENU, execution_mode="QUEUED", bonus_points=POINTS, menu_id=uuid.uuid4())
        return QueuedMenuItem(**dict(with_device(sale)), expires_at=datetime.now(UTC) + TTL)

    async def read(self, sale: ItemSaga) -> Item:
        [*rows] = await self.databases.read("orders", _ITEM, sale.saga_id)
        row = rows[0] if rows else {"settlement_status": "", "explanation": ""}
        buyer, performer = sale.item.buyer_user_id, sale.item.performer_id
        [points] = await self.databases.read("users", _POINTS, str(buyer))
        jobs = await self.databases.read("orchestrator", _DEVICES, f"device {sale.saga_id}")
        history = await self.databases.read("orders", _HISTORY, sale.saga_id)
        messages = await self.databases.read("orders", _MESSAGES, str(sale.saga_id))
        return Item(
            states=[moved["to_status"] for moved in history],
            settlement=row["settlement_status"],
            explanation=row["explanation"],
            escrows=await self.databases.escrows_of(sale.saga_id),
            balances=(await self.databases.balance_of(buyer), await self.databases.balance_of(performer)),
            points=points["points"],
            messages=[message["routing_key"].removeprefix("purchased_item.") for message in messages],
            devices=len(jobs),
        )

    async def assert_paid(self, sale: ItemSaga, *, states: list[str], messages: list[str], points: int = 0) -> None:
        item = await self.read(sale)
        assert item.states == states
        assert item.escrows == ["RELEASED"]
        assert item.points == points
        assert [message for message in item.messages if message != "next"] == messages
        earned = Decimal(0) if sale.item.is_batched else PRICE
        assert item.settlement == ("pending" if sale.item.is_batched else "settled")
        assert item.balances == (CREDITS - PRICE, EARLIER + earned)
        assert item.devices == (sale.device is not None)

    async def assert_not_paid(self, sale: ItemSaga, *, status: str, settlement: str = "refunded") -> Item:
        """Check that nothing was paid, and that the item was discarded, or ended with these statuses."""
        item = await self.read(sale)
        assert item.states == [] or item.states[-1] == status
        assert set(item.escrows) <= {"VOIDED"}
        assert item.points == 0
        assert item.balances == (CREDITS, EARLIER)
        assert "success" not in item.messages
        if item.states:
            assert item.settlement == settlement
            assert item.messages[-1] == status.lower()
        else:
            assert not item.messages
        return item


def with_device(sale: ItemSaga) -> ItemSaga:
    device = DeviceActivation(
        purchased_item_id=sale.saga_id, device_uid="a device", settings=DeviceSettings(pattern="wave", seconds=5)
    )
    return sale.model_copy(update={"device": device})


_ITEM: Final = "SELECT * FROM purchased_items WHERE purchased_item_id = $1"
_HISTORY: Final = "SELECT to_status FROM purchased_item_history WHERE purchased_item_id = $1 ORDER BY history_id"
_POINTS: Final = """
    SELECT coalesce(sum(amount), 0) AS points FROM balances WHERE currency = 'POINTS' AND account_owner = $1
"""
_DEVICES: Final = "SELECT FROM jobs WHERE kind = 'device' AND idempotency_key = $1"
_MESSAGES: Final = """
    SELECT routing_key FROM outbox
    WHERE routing_key LIKE 'purchased_item.%' AND convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1
    ORDER BY created_at
"""
