"""A buyer, admins, the supplier, a payment and deadlines at once: one of them decides on a digital order.

Each acts through a process of its own.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.errors import Conflict, Unavailable
from common.messaging.message import Message
from common.sealing import Sealer
from orchestrator.clients.orders.digital_orders import (
    DigitalItemStatus,
    DigitalOrderFacts,
    DigitalOrderStatus,
    PayGoodsWith,
    SealedCodes,
)
from orchestrator.container import Container
from orchestrator.features.digital_goods.adapters.folder import FolderStorage
from orchestrator.features.digital_goods.errors import StorageUnavailable
from orchestrator.features.digital_goods.models import DELIVER, DIGITAL_ORDER, DIGITAL_ORDER_BY_CRYPTO, DigitalOrderSaga
from orchestrator.features.digital_goods.repository import FulfilmentJobStore
from orchestrator.features.digital_goods.service.admin import GoodsAdminService
from orchestrator.features.digital_goods.service.codes import OrderCodes
from orchestrator.features.digital_goods.service.delivery import DeliveryService
from orchestrator.features.digital_goods.service.failed_orders import FailedDigitalOrderTask
from orchestrator.features.digital_goods.service.ordering import DigitalOrderingService
from orchestrator.features.digital_goods.service.reading import DownloadedCodesTask
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.features.payments.messages import PaymentHandler
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import LoggingObserver, Observer, StepMoment
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.repository import SagaLog
from tests.contracts.contested_order import ADMIN_ID, BUDGET_SECONDS, succeeds
from tests.contracts.databases import Databases
from tests.contracts.goods_fixtures import CREDITS, PRICE, STOCK, GoodsFixtures
from tests.contracts.saga_run import PauseAt
from tests.contracts.test_item_races import at_once
from tests.integration.digital_goods.code_fixtures import Interrupting
from tests.support.waiting import eventually

ROUNDS: Final = 5
_IS_DEAD: Final = text(
    "UPDATE jobs SET status = 'failed', failure = 'dead', finished_at = now() WHERE kind = 'fulfillment' AND lane = :lane"
)
_TIME_IS_OVER: Final = text(
    "UPDATE sagas SET due_at = now() - interval '1 second' WHERE saga_id = :saga_id AND state = 'WAITING'"
)


@dataclass(frozen=True)
class ContestedGoods:
    """One order of two keys, and those who act on it; each act returns whether it succeeded."""

    sale: DigitalOrderSaga
    goods: GoodsFixtures

    @property
    def order_id(self) -> uuid.UUID:
        return self.sale.saga_id

    async def open(self, kind: str, observer: Observer | None = None) -> SagaState:
        saga = await self.engine(observer).start(kind, self.sale, requested_by=self.sale.order.buyer_user_id)
        return saga.state

    async def fail(self) -> None:
        """Let the order fail as its reserve job does after its last attempt."""
        await self.goods.orders.fail(
            self.order_id, code="SERVICE_UNAVAILABLE", message="The supplier does not respond."
        )
        await self._database.execute(_IS_DEAD, {"lane": f"{self.order_id}"})

    async def deliver(self) -> bool:
        """Store both codes, and tell the saga, as the job does."""
        return await succeeds(self.goods.supply(self.sale.order)) and await self.signal_delivery()

    async def signal_delivery(self) -> bool:
        engine = self.engine()
        saga = await engine.log.find(self.order_id)
        assert saga is not None
        return await succeeds(
            engine.signal(self.order_id, DELIVER, kind=saga.kind, signalled_by=ADMIN_ID, by_starter_only=False)
        )

    async def refund(self) -> bool:
        return await succeeds(self.admin().refund(self.order_id, admin_id=ADMIN_ID, key=None))

    async def retry(self) -> bool:
        return await succeeds(self.admin().retry(self.order_id, admin_id=ADMIN_ID, key=None))

    async def refund_late(self) -> bool:
        """Refund failed orders, as a worker does."""
        await self.late_refunds().settle_all()
        return True

    async def pay(self) -> bool:
        return await succeeds(self.ordering().pay(self.order_id))

    async def end_unpaid(self) -> bool:
        return await succeeds(self.ordering().end_unpaid(self.order_id))

    async def cancel(self) -> bool:
        buyer_id = self.sale.order.buyer_user_id
        return await succeeds(self.ordering().cancel(self.order_id, buyer_id=buyer_id))

    async def expire(self) -> bool:
        """Let the time run out, and a worker notice it."""
        await self._database.execute(_TIME_IS_OVER, {"saga_id": self.order_id})
        await asyncio.gather(*await self.engine().take_over())
        return True

    async def settled(self) -> DigitalOrderFacts:
        """Return the order once no saga acts on it any more."""
        engine = self.engine()

        async def look() -> bool:
            saga = await engine.log.find(self.order_id)
            assert saga is not None
            assert saga.state not in {SagaState.RUNNING, SagaState.UNWINDING}
            return True

        await eventually(look)
        return await self.goods.orders.find(self.order_id)

    async def money(self) -> tuple[object, list[str]]:
        """Return the buyer's balance and the statuses of the order's escrows."""
        balance = await self.goods.databases.balance_of(self.sale.order.buyer_user_id)
        return balance, sorted(await self.goods.databases.escrows_of(self.order_id))

    async def stock(self) -> int:
        return await self.goods.stock_of(self.sale.order.items[0].product_id)

    def engine(self, observer: Observer | None = None) -> SagaEngine:
        plans = [self.goods.plan(kind) for kind in (DIGITAL_ORDER, DIGITAL_ORDER_BY_CRYPTO)]
        log = SagaLog(self._database, plans, wake_relay=self.goods.container.resources.relay.wake)
        return SagaEngine(log, plans, observer or LoggingObserver(), request_budget_seconds=BUDGET_SECONDS)

    def ordering(self) -> DigitalOrderingService:
        container = self.goods.container
        return DigitalOrderingService(SaleService(self.engine()), container.resources.clients, container.settings)

    def admin(self) -> GoodsAdminService:
        resources = self.goods.container.resources
        delivery = self._delivery()
        return GoodsAdminService(delivery.sales, self.goods.orders, resources.jobs, self._store, delivery)

    def late_refunds(self) -> FailedDigitalOrderTask:
        return FailedDigitalOrderTask(
            delivery=self._delivery(),
            jobs=self.goods.container.resources.jobs,
            store=self._store,
            keep=timedelta(0),
            settles_after=timedelta(hours=1),
            grace=timedelta(0),
        )

    def _delivery(self) -> DeliveryService:
        delivery = self.goods.container.resources.service(DeliveryService)
        return replace(delivery, sales=SaleService(self.engine()))

    @property
    def _database(self) -> Database:
        return self.goods.container.resources.database

    @property
    def _store(self) -> FulfilmentJobStore:
        return FulfilmentJobStore(self._database)


NewContestedGoods = Callable[[PayGoodsWith], Awaitable[ContestedGoods]]


@pytest.fixture
async def new_contested_goods(container: Container, databases: Databases) -> NewContestedGoods:
    async def make(pay_with: PayGoodsWith) -> ContestedGoods:
        goods = GoodsFixtures(container, databases)
        return ContestedGoods(await goods.sale(pay_with=pay_with), goods)

    return make


@pytest.fixture
async def contested(new_contested_goods: NewContestedGoods) -> ContestedGoods:
    """An order whose credits are in escrow."""
    contested = await new_contested_goods(PayGoodsWith.CREDITS)
    assert await contested.open(DIGITAL_ORDER) is SagaState.WAITING
    return contested


@pytest.fixture
async def unpaid(new_contested_goods: NewContestedGoods) -> ContestedGoods:
    """An order whose crypto payment is open, and whose buyer has the credits by now."""
    contested = await new_contested_goods(PayGoodsWith.CRYPTO)
    assert await contested.open(DIGITAL_ORDER_BY_CRYPTO) is SagaState.WAITING
    return contested


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_delivery_against_refund_against_deadline(contested: ContestedGoods, seed: int) -> None:
    acts = {"deliver": contested.deliver, "refund": contested.refund, "expire": contested.expire}
    won = await at_once(acts, seed)
    order = await contested.settled()
    if order.status is DigitalOrderStatus.FULFILLED:
        came = [item for item in order.items if item.status is DigitalItemStatus.DELIVERED]
        assert len(came) == 1 or "refund" not in won
        assert await contested.refund() == (len(came) == 1)
        assert await contested.money() == (CREDITS - PRICE * len(came), ["RELEASED"])
        assert await contested.stock() == STOCK - 2
    else:
        assert order.status is DigitalOrderStatus.REFUNDED
        assert await contested.money() == (CREDITS, ["VOIDED"])
        assert await contested.stock() == STOCK


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_charge_is_the_price_of_what_was_delivered(contested: ContestedGoods, seed: int) -> None:
    """Notices of the second item come while the order becomes READY, is collected and fulfilled, and after that."""
    orders, order_id = contested.goods.orders, contested.order_id
    [first, second] = contested.sale.order.items
    for item in (first, second):
        await orders.note_reservation(order_id, item.item_id, reservation_id=f"r-{item.item_id}")
    await orders.add_codes(order_id, SealedCodes.of(first.item_id, b"sealed"))

    async def deliver() -> bool:
        async def is_delivered() -> bool:  # not before the second item is decided
            return await succeeds(orders.make_ready(order_id, storage_ref=f"orders/{order_id}/keys.json"))

        await eventually(is_delivered)
        return await contested.signal_delivery()

    async def notify(*, comes: bool) -> bool:
        async def is_fulfilled() -> bool:
            if comes:
                order = await orders.add_codes(order_id, SealedCodes.of(second.item_id, b"sealed"))
            else:
                order = await orders.fail_item(order_id, second.item_id, failure="The supplier could not deliver it.")
            return order.status is DigitalOrderStatus.FULFILLED

        return await eventually(is_fulfilled)

    await at_once(
        {"deliver": deliver, "comes": partial(notify, comes=True), "fails": partial(notify, comes=False)}, seed
    )
    order = await contested.settled()
    delivered = [item.price for item in order.items if item.status is DigitalItemStatus.DELIVERED]
    assert await contested.money() == (CREDITS - sum(delivered), ["RELEASED"])
    assert len(await orders.codes(order_id)) == len(delivered)


@pytest.mark.parametrize("moment", ["while they are written", "before the saga goes on", "after a lost answer"])
async def test_refund_leaves_no_codes(contested: ContestedGoods, tmp_path: Path, moment: str) -> None:
    """Neither the object nor the rows, although the job of the order is about to store them."""
    orders, order_id = contested.goods.orders, contested.order_id
    storage = FolderStorage(tmp_path)
    codes = OrderCodes(orders=orders, storage=storage, sealer=Sealer({"k": b"k" * 32}))
    for item in contested.sale.order.items:
        await orders.note_reservation(order_id, item.item_id, reservation_id=f"r-{item.item_id}")
        await orders.add_codes(order_id, codes.seal(item.item_id, ["AAAA-BBBB"]))
    late, ready = Interrupting(storage), await orders.find(order_id)
    if moment == "while they are written":
        late.after_put = contested.expire
        with pytest.raises(Conflict):
            await replace(codes, storage=late).store(ready)
    elif moment == "before the saga goes on":
        await codes.store(ready)
    else:
        late.after_put = _lose_the_answer
        with pytest.raises(StorageUnavailable):
            await replace(codes, storage=late).store(ready)
    if moment != "while they are written":
        await contested.expire()
        await DownloadedCodesTask(codes, timedelta(days=30)).delete_all()
    assert (await contested.settled()).status is DigitalOrderStatus.REFUNDED
    assert await contested.money() == (CREDITS, ["VOIDED"])
    assert await storage.names("orders/") == []
    assert await orders.codes(order_id) == []


async def _lose_the_answer() -> None:
    raise StorageUnavailable


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_refunds_and_retry_of_a_failed_order(contested: ContestedGoods, seed: int) -> None:
    await contested.fail()
    await at_once({"refund": contested.refund, "late": contested.refund_late, "retry": contested.retry}, seed)
    assert (await contested.settled()).status is DigitalOrderStatus.REFUNDED
    assert await contested.money() == (CREDITS, ["VOIDED"])
    assert not await contested.retry()
    assert len(await contested.goods.jobs(contested.order_id)) == 1


async def test_order_that_an_admin_has_just_retried_is_not_refunded(contested: ContestedGoods) -> None:
    await contested.fail()
    for _ in range(2):  # a second click changes nothing
        assert await contested.retry()
    await contested.refund_late()
    assert (await contested.settled()).status is DigitalOrderStatus.FAILED
    assert await contested.money() == (CREDITS - 2 * PRICE, ["HELD"])
    assert [job["status"] for job in await contested.goods.jobs(contested.order_id)] == ["queued"]


async def test_late_refund_ends_the_order_and_its_dead_job(contested: ContestedGoods) -> None:
    await contested.fail()
    await contested.refund_late()
    order = await contested.settled()
    assert (order.status, order.failure_code) == (DigitalOrderStatus.REFUNDED, "SERVICE_UNAVAILABLE")
    assert [job["failure"] for job in await contested.goods.jobs(contested.order_id)] == ["acknowledged"]
    assert await contested.money() == (CREDITS, ["VOIDED"])


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_payment_against_expiry_against_cancellation_against_deadline(unpaid: ContestedGoods, seed: int) -> None:
    acts = {"pay": unpaid.pay, "end": unpaid.end_unpaid, "cancel": unpaid.cancel, "expire": unpaid.expire}
    won = await at_once(acts, seed)
    order = await unpaid.settled()
    if order.status is DigitalOrderStatus.PAID:
        assert "cancel" not in won
        assert not await unpaid.cancel()
        assert await unpaid.money() == (CREDITS - 2 * PRICE, ["HELD"])
    elif order.status is DigitalOrderStatus.REFUNDED:  # the payment came first, and the time of the paid order ran out
        assert "pay" in won
        assert await unpaid.pay()
        assert await unpaid.money() == (CREDITS, ["VOIDED"])
        assert await unpaid.stock() == STOCK
    else:
        assert order.status is DigitalOrderStatus.CANCELLED
        assert await unpaid.pay()  # the message comes again: the credits stay in the wallet
        assert await unpaid.money() == (CREDITS, [])
        assert await unpaid.stock() == STOCK
    assert await unpaid.end_unpaid()
    assert (await unpaid.settled()).status is order.status


async def test_payment_that_is_reported_while_the_order_is_opened(new_contested_goods: NewContestedGoods) -> None:
    """The address exists, but the order does not wait for the payment yet: the message waits instead."""
    contested, pause = await new_contested_goods(PayGoodsWith.CRYPTO), PauseAt(StepMoment.AFTER_ACTION, "open payment")
    opening = asyncio.create_task(contested.open(DIGITAL_ORDER_BY_CRYPTO, pause))
    await pause.paused.wait()
    data = {"purpose": "digital_order", "reference": str(contested.order_id), "status": "SUCCEEDED"}
    message = Message(type="payment.confirmed", source="users", subject=str(contested.order_id), data=data)
    handler = PaymentHandler("digital_order", contested.ordering())
    try:
        with pytest.raises(Unavailable):
            await handler.handle(message)
    finally:
        pause.resume.set()
    assert await opening is SagaState.WAITING
    await handler.handle(message)
    await handler.handle(message)
    assert (await contested.settled()).status is DigitalOrderStatus.PAID
    assert await contested.money() == (CREDITS - 2 * PRICE, ["HELD"])
    assert len(await contested.goods.jobs(contested.order_id)) == 1


async def test_unpaid_order_is_not_refunded(unpaid: ContestedGoods) -> None:
    assert not await unpaid.refund()
    assert not await unpaid.retry()
    assert (await unpaid.settled()).status is DigitalOrderStatus.CREATED


async def test_credits_that_were_spent_meanwhile_end_the_order(unpaid: ContestedGoods) -> None:
    """Perhaps they paid a debt. No other payment would come: the buyer learns that they have to order again."""
    await unpaid.goods.databases.spend(unpaid.sale.order.buyer_user_id, f"{CREDITS - 1}")
    assert await unpaid.pay()
    order = await unpaid.settled()
    assert (order.status, order.failure_code) == (DigitalOrderStatus.CANCELLED, "INSUFFICIENT_CREDITS")
    assert "order again" in (order.failure_message or "")
    assert await unpaid.money() == (1, [])
    assert await unpaid.stock() == STOCK
