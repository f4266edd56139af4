"""The revision of a text, for the contract."""

import uuid
from typing import Final

from orchestrator.clients.orders.commissions import CommissionStatus
from orchestrator.container import Container
from orchestrator.features.commissions.models import COMMISSION, REVISION_PRIORITY, WRITING, WritingSaga
from orchestrator.features.commissions.saga import commission_plans
from orchestrator.saga_engine.record import SagaRecord, SagaState
from tests.contracts.commission import NO_CLIENT
from tests.contracts.commission_fixtures import CommissionFixtures
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.scenario import NothingLapses

__all__ = ["OUTLINE", "WritingScenario"]

*_, OUTLINE = commission_plans(NO_CLIENT, NO_CLIENT, NO_CLIENT)
NOTES: Final = "A livelier opening, please."


class WritingScenario(NothingLapses):
    """An order whose first text is ready. Its own saga waits for the approval."""

    def __init__(self, commissions: CommissionFixtures, writing: WritingSaga) -> None:
        self.data = writing
        self.requested_by = writing.customer_user_id
        self.plan = commissions.plan(WRITING)
        self._commissions = commissions

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "WritingScenario":
        commissions = CommissionFixtures(container, databases)
        sale = await commissions.sale(event.event_id)
        customer_id = sale.order.customer_user_id
        saga = await container.resources.engine.start(COMMISSION, sale, requested_by=customer_id)
        assert saga.state is SagaState.WAITING, saga.error
        await commissions.write(sale.saga_id)
        return cls(
            commissions,
            WritingSaga(
                saga_id=uuid.uuid4(),
                order_id=sale.saga_id,
                customer_user_id=customer_id,
                is_revision=True,
                notes=NOTES,
            ),
        )

    async def assert_done(self, saga: SagaRecord) -> None:
        assert isinstance(saga.data, WritingSaga)
        order = await self._commissions.find(self.data.order_id)
        assert order is not None
        assert (order.status, order.round, order.notes) == (CommissionStatus.PROCESSING, saga.data.round, NOTES)
        assert [job["priority"] for job in await self._commissions.jobs(self.data.order_id)] == [0, REVISION_PRIORITY]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        order = await self._commissions.find(self.data.order_id)
        assert order is not None
        assert (order.status, order.round) == (CommissionStatus.QUALITY_CHECK, 1)
        assert len(await self._commissions.jobs(self.data.order_id)) == 1
