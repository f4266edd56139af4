"""Tips in the queue, for the contract: one that is paid when it is performed, and one whose credits wait in escrow."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from orchestrator.clients.orders.purchased_items import ItemType
from orchestrator.container import Container
from orchestrator.features.purchased_items.errors import ItemExpired
from orchestrator.features.tips.models import QueuedTip
from orchestrator.features.tips.saga import queue_request_id_of, tip_plans
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.item_fixtures import POINTS, ItemFixtures
from tests.contracts.scenario import NothingLapses

__all__ = ["FUNDED_OUTLINE", "QUEUED_OUTLINE", "FundedTipScenario", "QueuedTipScenario"]

NO_CLIENT: Final[Any] = None
QUEUED_OUTLINE, FUNDED_OUTLINE = tip_plans(NO_CLIENT, NO_CLIENT)
"""The plans without clients: their steps and their order."""


class QueuedTipScenario(NothingLapses):
    """A fan with credits, a performer, and an item with points. No worker runs the job: the test sends its signal."""

    outline: AnyPlan = QUEUED_OUTLINE
    settlement = "pending"  # of a tip that was not performed

    def __init__(self, container: Container, items: ItemFixtures, tip: QueuedTip) -> None:
        plans: dict[str, AnyPlan] = {
            plan.kind: plan for plan in tip_plans(container.resources.clients, container.resources.jobs)
        }
        self.data = tip
        self.requested_by = tip.item.buyer_user_id
        self.plan = plans[self.outline.kind]
        self._items = items

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, _: PublishedEvent) -> "QueuedTipScenario":
        items = ItemFixtures(databases)
        sale = await items.sale(ItemType.TIP, execution_mode="QUEUED", bonus_points=POINTS)
        request_id = queue_request_id_of(sale.saga_id)
        item = sale.item.model_copy(update={"queue_request_id": request_id})
        facts = dict(sale) | {"item": item, "job_key": str(request_id)}
        return cls(container, items, QueuedTip(**facts, expires_at=datetime.now(UTC) + timedelta(hours=1)))

    async def assert_done(self, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        await self._items.assert_paid(
            self.data, states=["PENDING", "SUCCESS"], messages=["queued", "success"], points=POINTS
        )
        assert await self._jobs() == ["queued"]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        assert saga.error is not None
        status = "EXPIRED" if saga.error.code == ItemExpired.code else "FAILED"
        item = await self._items.assert_not_paid(self.data, status=status, settlement=self.settlement)
        assert bool(item.explanation) == bool(item.states)
        assert await self._jobs() in ([], ["cancelled"])

    async def _jobs(self) -> list[str]:
        statement = "SELECT status FROM jobs WHERE job_id = $1"
        rows = await self._items.databases.read("orchestrator", statement, self.data.item.queue_request_id)
        return [row["status"] for row in rows]


class FundedTipScenario(QueuedTipScenario):
    outline = FUNDED_OUTLINE
    settlement = "refunded"
