"""Putting a small event on sale, for the contract."""

import uuid
from typing import Any, Final

from orchestrator.container import Container
from orchestrator.features.events.saga import PutOnSale, put_on_sale_plan
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent, small_event
from tests.contracts.scenario import NothingLapses

__all__ = ["OUTLINE", "PutOnSaleScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = put_on_sale_plan(NO_CLIENT)
"""The plan without clients: its steps and their order."""
_STATUS: Final = "SELECT status FROM events WHERE event_id = $1"
_SEATS: Final = "SELECT status FROM seats WHERE event_id = $1"


class PutOnSaleScenario(NothingLapses):
    """An organiser, and an event that does not exist yet."""

    def __init__(self, container: Container, databases: Databases) -> None:
        self.requested_by = uuid.uuid4()
        self.data = PutOnSale(saga_id=uuid.uuid4(), draft=small_event())
        self.plan: AnyPlan = put_on_sale_plan(container.resources.clients)
        self._databases = databases

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, _: PublishedEvent) -> "PutOnSaleScenario":
        return cls(container, databases)

    async def assert_done(self, saga: SagaRecord) -> None:
        capacity = self.data.draft.capacity
        assert await self._statuses("events", _STATUS) == ["PUBLISHED"]
        assert await self._statuses("inventory", _SEATS) == ["AVAILABLE"] * capacity
        assert isinstance(saga.data, PutOnSale)
        assert saga.data.seats_created == capacity
        assert saga.data.event is not None
        assert saga.data.event["event_id"] == str(self.data.event_id)

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None  # it begins with its intent
        assert await self._statuses("events", _STATUS) == []
        assert await self._statuses("inventory", _SEATS) == []

    async def _statuses(self, package: str, statement: str) -> list[str]:
        return [row["status"] for row in await self._databases.read(package, statement, self.data.event_id)]
