"""Two game keys that a fan orders, for the contract: paid by credits, and by crypto. One of them never comes."""

from typing import Any, Final

from orchestrator.clients.orders.digital_orders import DigitalItemStatus, DigitalOrderStatus, PayGoodsWith
from orchestrator.container import Container
from orchestrator.features.digital_goods.models import DELIVER, DIGITAL_ORDER_BY_CRYPTO, DigitalOrderSaga
from orchestrator.features.digital_goods.saga import digital_order_plans
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.goods_fixtures import CREDITS, PRICE, STOCK, GoodsFixtures
from tests.contracts.scenario import NothingLapses

__all__ = ["BY_CRYPTO_OUTLINE", "OUTLINE", "DigitalOrderByCryptoScenario", "DigitalOrderScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE, BY_CRYPTO_OUTLINE = digital_order_plans(NO_CLIENT, NO_CLIENT, NO_CLIENT)
"""The plans without clients: their steps and their order."""


class DigitalOrderScenario(NothingLapses):
    """A fan with credits. No worker runs the jobs: before `deliver`, the test stores the code of one item."""

    kind = OUTLINE.kind
    pay_with = PayGoodsWith.CREDITS
    messages: tuple[str, ...] = ("paid", "reserved", "ready", "fulfilled")

    def __init__(self, goods: GoodsFixtures, sale: DigitalOrderSaga) -> None:
        self.data = sale
        self.requested_by = sale.order.buyer_user_id
        self.plan = goods.plan(self.kind)
        self._goods = goods

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, _: PublishedEvent) -> "DigitalOrderScenario":
        goods = GoodsFixtures(container, databases)
        return cls(goods, await goods.sale(pay_with=cls.pay_with))

    async def before_signal(self, signal: str) -> None:
        if signal == DELIVER:
            await self._goods.supply(self.data.order, fails=1)

    async def assert_done(self, saga: SagaRecord) -> None:
        order = await self._goods.find(saga.saga_id)
        assert order is not None
        assert order.status is DigitalOrderStatus.FULFILLED
        assert sorted(item.status for item in order.items) == [DigitalItemStatus.DELIVERED, DigitalItemStatus.FAILED]
        assert tuple(await self._goods.messages(saga.saga_id)) == self.messages
        assert [job["status"] for job in await self._goods.jobs(saga.saga_id)] == ["queued"]
        assert await self._goods.databases.balance_of(self.requested_by) == CREDITS - PRICE
        assert "HELD" not in await self._goods.databases.escrows_of(saga.saga_id)
        assert await self._stock() == STOCK - 2

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        order, messages = await self._goods.find(saga.saga_id), await self._goods.messages(saga.saga_id)
        if order is None:
            assert messages == []
        else:
            assert order.status in {DigitalOrderStatus.REFUNDED, DigitalOrderStatus.CANCELLED}
            assert order.failure_code is not None
            assert messages[-1] == order.status.lower()
        assert set(await self._goods.databases.escrows_of(saga.saga_id)) <= {"VOIDED"}
        assert await self._goods.databases.balance_of(self.requested_by) == CREDITS
        assert await self._stock() == STOCK

    async def _stock(self) -> int:
        return await self._goods.stock_of(self.data.order.items[0].product_id)


class DigitalOrderByCryptoScenario(DigitalOrderScenario):
    """The wallet has the credits that the notification of the payment brings: the signal is all that is missing."""

    kind = DIGITAL_ORDER_BY_CRYPTO
    pay_with = PayGoodsWith.CRYPTO
    messages = ("created", *DigitalOrderScenario.messages)
