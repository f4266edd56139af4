"""A menu item that waits for its performer, for the contract."""

from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.menus.saga import QueuedMenuItem, queued_menu_item_plan
from orchestrator.features.purchased_items.errors import ItemExpired
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.item_fixtures import POINTS, ItemFixtures
from tests.contracts.scenario import NothingLapses

__all__ = ["OUTLINE", "QueuedMenuItemScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = queued_menu_item_plan(NO_CLIENT, NO_CLIENT)
"""The plan without clients: its steps and their order."""


class QueuedMenuItemScenario(NothingLapses):
    """A fan with credits, a performer, and an item with points and a device."""

    def __init__(self, container: Container, items: ItemFixtures, sale: QueuedMenuItem) -> None:
        self.data = sale
        self.requested_by = sale.item.buyer_user_id
        self.plan: AnyPlan = queued_menu_item_plan(container.resources.clients, container.resources.jobs)
        self._items = items

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, _: PublishedEvent) -> "QueuedMenuItemScenario":
        items = ItemFixtures(databases)
        return cls(container, items, await items.queued())

    async def assert_done(self, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        states = ["PENDING", "IN_PROGRESS", "SUCCESS"]
        await self._items.assert_paid(
            self.data, states=states, messages=["queued", "started", "success"], points=POINTS
        )

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        assert saga.error is not None
        status = "EXPIRED" if saga.error.code == ItemExpired.code else "FAILED"
        item = await self._items.assert_not_paid(self.data, status=status)
        assert bool(item.explanation) == bool(item.states)
        assert item.devices <= ("IN_PROGRESS" in item.states)
