"""The purchase of two seats, for the contract."""

import uuid
from decimal import Decimal
from typing import Any, Final

from orchestrator.clients.models import SeatChoice
from orchestrator.container import Container
from orchestrator.features.purchases.saga import Purchase, purchase_plan
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, PublishedEvent
from tests.contracts.scenario import SignalledAtOnce
from tests.support.waiting import eventually

__all__ = ["OUTLINE", "PurchaseScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = purchase_plan(NO_CLIENT, qr=NO_CLIENT, hold_ttl_seconds=300)
"""The plan without clients: its steps and their order."""
CREDITS: Final = Decimal("1000.00")
SEATS: Final = 2


class PurchaseScenario(SignalledAtOnce):
    """A fan with 1,000 credits who buys two free seats."""

    def __init__(self, container: Container, databases: Databases, fan_id: uuid.UUID, event: PublishedEvent) -> None:
        self.requested_by = fan_id
        self._databases = databases
        self._seat_ids = event.take(SEATS)
        self.data = Purchase(
            saga_id=uuid.uuid4(),
            user_id=fan_id,
            event_id=event.event_id,
            hall_id=event.hall_id,
            choice=SeatChoice(seat_ids=tuple(self._seat_ids)),
        )
        self.plan: AnyPlan = purchase_plan(
            container.resources.clients,
            qr=QrCodec.of(container.settings),
            hold_ttl_seconds=container.settings.hold_ttl_seconds,
        )

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "PurchaseScenario":
        return cls(container, databases, await databases.new_fan(f"{CREDITS}"), event)

    async def assert_done(self, saga: SagaRecord) -> None:
        order_id, total = self.data.order_id, SEATS * PRICE
        seats = await self._databases.seats(self._seat_ids)
        assert {(seat["status"], seat["owner_user_id"], seat["hold_id"]) for seat in seats} == {
            ("SOLD", self.requested_by, order_id)
        }
        assert await self._databases.order_states(order_id) == ["PENDING", "CONFIRMED"]
        assert await self._databases.movements_of(order_id) == ["deduct"]
        assert await self._databases.balance_of(self.requested_by) == CREDITS - total
        assert await self._databases.messages_about(order_id) == ["order.confirmed", "seat.hold"]
        assert isinstance(saga.data, Purchase)
        assert saga.data.charge is not None
        assert saga.data.charge.balance == CREDITS - total
        assert [ticket.seat_id for ticket in saga.data.tickets] == [
            seat.seat_id for seat in saga.data.existing_hold.seats
        ]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        order_id = self.data.order_id
        assert {seat["status"] for seat in await self._databases.seats(self._seat_ids)} == {"AVAILABLE"}
        assert await self._databases.order_states(order_id) in ([], ["PENDING", "FAILED"])
        assert await self._databases.movements_of(order_id) in ([], ["deduct", "refund"])
        assert await self._databases.balance_of(self.requested_by) == CREDITS
        messages = await self._databases.messages_about(order_id)
        assert messages in ([["order.failed"], ["order.failed", "seat.hold"]] if saga else [[]])

    async def let_lapse(self) -> None:
        await self._databases.change(
            "inventory", "UPDATE seats SET held_until = clock_timestamp() WHERE hold_id = $1", self.data.order_id
        )
        await eventually(self._seats_are_free)

    async def _seats_are_free(self) -> bool:
        return {seat["status"] for seat in await self._databases.seats(self._seat_ids)} == {"AVAILABLE"}
