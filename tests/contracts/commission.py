"""An article that a sponsor orders, for the contract: paid by credits, and by card."""

from typing import Any, Final

from orchestrator.clients.orders.commissions import CommissionStatus, PayWith
from orchestrator.container import Container
from orchestrator.features.commissions.models import APPROVE, COMMISSION_BY_CARD, CommissionSaga
from orchestrator.features.commissions.saga import commission_plans
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.commission_fixtures import CREDITS, PRICE, CommissionFixtures
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.scenario import NothingLapses

__all__ = ["BY_CARD_OUTLINE", "OUTLINE", "CommissionByCardScenario", "CommissionScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE, BY_CARD_OUTLINE, _ = commission_plans(NO_CLIENT, NO_CLIENT, NO_CLIENT)
"""The plans without clients: their steps and their order."""


class CommissionScenario(NothingLapses):
    """A sponsor with credits. No worker runs the job: before the approval, the test writes the text and submits it."""

    kind = OUTLINE.kind
    pay_with = PayWith.CREDITS

    def __init__(self, commissions: CommissionFixtures, sale: CommissionSaga) -> None:
        self.data = sale
        self.requested_by = sale.order.customer_user_id
        self.plan = commissions.plan(self.kind)
        self._commissions = commissions

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, event: PublishedEvent) -> "CommissionScenario":
        commissions = CommissionFixtures(container, databases)
        return cls(commissions, await commissions.sale(event.event_id, pay_with=cls.pay_with))

    async def before_signal(self, signal: str) -> None:
        if signal == APPROVE:
            await self._commissions.write(self.data.saga_id)
            await self._commissions.submit(self.data.saga_id)

    async def assert_done(self, saga: SagaRecord) -> None:
        order_id = self.data.saga_id
        assert isinstance(saga.data, CommissionSaga)
        order = await self._commissions.find(order_id)
        assert order is not None
        assert (order.status, order.slug) == (CommissionStatus.COMPLETED, saga.data.slug)
        assert await self._commissions.articles(order_id) == [{"slug": order.slug}]
        assert await self._commissions.messages(order_id) == ["received", "ready", "submitted", "completed"]
        assert [job["status"] for job in await self._commissions.jobs(order_id)] == ["queued"]
        assert await self._commissions.databases.balance_of(self.requested_by) == CREDITS - PRICE
        assert "HELD" not in await self._commissions.databases.escrows_of(order_id)

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        order_id = self.data.saga_id
        order = await self._commissions.find(order_id)
        messages = await self._commissions.messages(order_id)
        if order is None:
            assert messages == []
        else:
            assert order.status in {CommissionStatus.REFUNDED, CommissionStatus.CANCELLED}
            assert order.failure_code is not None
            assert messages[-1] == order.status.lower()
        assert await self._commissions.articles(order_id) == []
        assert set(await self._commissions.databases.escrows_of(order_id)) <= {"VOIDED"}
        assert await self._commissions.databases.balance_of(self.requested_by) == CREDITS
        assert not await self._commissions.has_open_checkout(self.data)


class CommissionByCardScenario(CommissionScenario):
    """The wallet has the credits that the webhook of the payment brings: the signal is all that is missing."""

    kind = COMMISSION_BY_CARD
    pay_with = PayWith.STRIPE
