"""Items that are delivered at once, for the contract: one that activates a device, and a period of a subscription."""

from typing import Any, Final

from orchestrator.clients.orders.purchased_items import ItemType
from orchestrator.container import Container
from orchestrator.features.purchased_items.models import ItemSaga
from orchestrator.features.purchased_items.saga.purchase import item_purchase_plan
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.item_fixtures import POINTS, PRICE, ItemFixtures, with_device
from tests.contracts.scenario import NothingLapses

__all__ = ["OUTLINE", "MenuItemScenario", "SubscriptionScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = item_purchase_plan(NO_CLIENT, NO_CLIENT)
"""The plan without clients: its steps and their order."""


class MenuItemScenario(NothingLapses):
    """A fan with credits, a performer, and an item with points and a device."""

    points = POINTS

    def __init__(self, container: Container, databases: Databases, sale: ItemSaga) -> None:
        self.data = sale
        self.requested_by = sale.item.buyer_user_id
        self.plan: AnyPlan = item_purchase_plan(container.resources.clients, container.resources.jobs)
        self.databases = databases

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, _: PublishedEvent) -> "MenuItemScenario":
        sale = await ItemFixtures(databases).sale(ItemType.MENU, bonus_points=POINTS)
        return cls(container, databases, with_device(sale))

    async def assert_done(self, saga: SagaRecord) -> None:
        assert isinstance(saga.data, ItemSaga)
        assert saga.data.device is None  # it would outlast the performer's account
        await ItemFixtures(self.databases).assert_paid(
            self.data, states=["SUCCESS"], messages=["success"], points=self.points
        )

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        """Check that there is no item: an IMMEDIATE one that was not paid is discarded."""
        assert saga is not None
        item = await ItemFixtures(self.databases).assert_not_paid(self.data, status="")
        assert (item.states, item.devices) == ([], 0)


class SubscriptionScenario(MenuItemScenario):
    """A fan with credits who subscribes to a performer, whose earnings are paid out in batches."""

    points = 0

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, _: PublishedEvent) -> "SubscriptionScenario":
        sale = await ItemFixtures(databases).sale(ItemType.SUBSCRIPTION, is_batched=True, idempotency_key="period 0")
        return cls(container, databases, sale)

    async def assert_done(self, saga: SagaRecord) -> None:
        await super().assert_done(saga)
        [subscription] = await self._subscriptions()
        assert (subscription["periods"], subscription["renews"], subscription["price"]) == (1, True, PRICE)

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        await super().assert_undone(saga)
        assert await self._subscriptions() == []

    async def _subscriptions(self) -> list[dict[str, Any]]:
        item = self.data.item
        statement = "SELECT * FROM subscriptions WHERE user_id = $1 AND performer_id = $2"
        return await self.databases.read("orders", statement, item.buyer_user_id, item.performer_id)
