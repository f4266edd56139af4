"""Orders are reserved, delivered and stored, whatever the supplier, its webhooks and the storage do (F2, F3).

Webhooks come over the gateway, jobs run in a worker's process, and orders, ledger and storage are the real ones.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from common.http.envelope import Page
from common.sealing import Sealer
from common.settings import SealingSettings
from orchestrator.clients.orders.digital_orders import DigitalOrderFacts, DigitalOrderStatus
from orchestrator.features.digital_goods.jobs import STORE_PAUSE_SECONDS
from orchestrator.features.digital_goods.service.admin import GoodsAdminService
from orchestrator.features.digital_goods.service.reservations import ReservationService
from orchestrator.jobs.policies import FIVE_RETRIES
from orchestrator.jobs.record import Failure, JobStatus, JobView
from tests.integration.fulfilment.goods import RESERVE, DigitalGoods
from tests.support.waiting import eventually

KINGUIN = "SELECT count(*) AS webhooks FROM webhook_log WHERE provider = 'kinguin'"
BODIES = "SELECT webhook_id, body, sealed_body FROM webhook_log WHERE provider = 'kinguin'"
ENDED = """
    UPDATE jobs SET status = 'failed', failure = $2, finished_at = now() WHERE job_id = $1 AND status = 'retrying'
"""
AGE = """
    UPDATE digital_order_items SET status_at = status_at - CAST($2 AS interval),
        reserved_at = reserved_at - CAST($2 AS interval)
    WHERE order_id = $1
"""
AGE_ORDER = "UPDATE digital_orders SET paid_at = paid_at - CAST($2 AS interval) WHERE order_id = $1"


def statuses(order: DigitalOrderFacts) -> list[str]:
    return [item.status.value for item in order.items]


class TestReserving:
    async def test_two_failures_then_success_after_two_and_four_seconds(self, goods: DigitalGoods) -> None:
        await goods.break_supplier(RESERVE, status=502, times=4)
        order_id = await goods.order("one", "two")
        first, second = await goods.fail_attempts(order_id, "reserve", times=2)
        assert first > timedelta(seconds=2)
        assert second > timedelta(seconds=4)
        job = await goods.job_reaches(order_id, "reserve", JobStatus.COMPLETED)
        assert job.attempts == 3
        order = await goods.find(order_id)
        assert order.status is DigitalOrderStatus.WAITING
        assert len({item.reservation_id for item in order.items} - {None}) == 2

    async def test_job_that_fails_six_times_is_dead_until_an_admin_retries_it(self, goods: DigitalGoods) -> None:
        await goods.break_supplier(RESERVE, status=503)
        order_id = await goods.order("one")
        pauses = await goods.fail_attempts(order_id, "reserve", times=5)
        assert all(pause > timedelta(seconds=least) for pause, least in zip(pauses, FIVE_RETRIES, strict=True))
        dead = await goods.job_reaches(order_id, "reserve", JobStatus.FAILED)
        assert (dead.attempts, dead.failure) == (6, Failure.DEAD)
        order = await goods.reaches(order_id, DigitalOrderStatus.FAILED)
        assert order.failure_message == "The supplier does not respond."
        assert await goods.databases.escrows_of(order_id) == ["HELD"]
        assert await eventually(lambda: goods.metric('jobs_dead{kind="fulfillment"}')) == 1  # it raises the alert
        await goods.mend_supplier()
        assert await goods.container.resources.jobs.retry_all("fulfillment") == 1  # one call for all
        await goods.job_reaches(order_id, "reserve", JobStatus.COMPLETED)
        [item] = (await goods.reaches(order_id, DigitalOrderStatus.WAITING)).items
        assert await goods.tell(item, "delivered") == "processed"
        await goods.reaches(order_id, DigitalOrderStatus.FULFILLED)
        assert await goods.messages_about(order_id) == ["paid", "failed", "resumed", "reserved", "ready", "fulfilled"]

    async def test_admin_refunds_an_order_whose_job_is_dead(self, goods: DigitalGoods) -> None:
        await goods.break_supplier(RESERVE, status=503)
        order_id = await goods.order("one")
        await goods.fail_attempts(order_id, "reserve", times=5)
        await goods.reaches(order_id, DigitalOrderStatus.FAILED)
        admin = goods.container.resources.service(GoodsAdminService)
        await goods.job_reaches(order_id, "reserve", JobStatus.FAILED)
        await admin.refund(order_id, admin_id=uuid.uuid4(), key=None)
        await goods.assert_refunded(order_id)
        assert (await goods.job(order_id, "reserve")).failure is Failure.ACKNOWLEDGED

    @pytest.mark.parametrize("failure", [Failure.DEAD, Failure.REFUSED])
    async def test_order_whose_job_ended_without_a_word_is_failed(self, goods: DigitalGoods, failure: Failure) -> None:
        crashed = await self.order_of_ended_job(goods, failure)
        await goods.break_supplier(RESERVE, status=503, times=1)
        retried = await goods.order("one")
        await goods.hold(job := await goods.job_reaches(retried, "reserve", JobStatus.RETRYING))
        await goods.settle_failed()
        await goods.reaches(crashed, DigitalOrderStatus.FAILED)
        assert (await goods.find(retried)).status is DigitalOrderStatus.PAID
        await goods.make_due(job)
        await goods.reaches(retried, DigitalOrderStatus.WAITING)
        await goods.container.resources.jobs.retry((await goods.job(crashed, "reserve")).job_id)
        await goods.reaches(crashed, DigitalOrderStatus.WAITING)

    async def test_refused_item_is_refunded_and_the_other_is_delivered(self, goods: DigitalGoods) -> None:
        await goods.control("/supplier-products/gone", is_sold_out=True)
        order = await goods.waiting("gone", "here")
        assert statuses(order) == ["FAILED", "RESERVED"]
        await goods.tell(order.items[1], "delivered")
        assert len(await goods.assert_delivered_once(order.order_id)) == 1

    async def test_order_of_which_nothing_comes_is_refunded(self, goods: DigitalGoods) -> None:
        await goods.control("/supplier-products/gone", is_sold_out=True)
        await goods.assert_refunded(await goods.order("gone"))

    async def test_order_of_which_nothing_comes_is_refunded_although_the_last_worker_crashed(
        self, goods: DigitalGoods
    ) -> None:
        """Its reserve job has completed: only the order's status shows what is left to do."""
        orders = goods.delivery.orders
        hopeless, retriable = await goods.waiting("one"), await self.order_of_ended_job(goods, Failure.DEAD)
        await orders.fail(retriable, code="SERVICE_UNAVAILABLE", message="The supplier does not respond.")
        await orders.fail_item(hopeless.order_id, hopeless.items[0].item_id, failure="Gone.")
        await orders.fail(hopeless.order_id, code="GOODS_FAILED", message="Gone.")
        await goods.settle_failed()
        await goods.assert_refunded(hopeless.order_id)
        assert (await goods.find(retriable)).status is DigitalOrderStatus.FAILED
        await goods.container.resources.jobs.retry_all("fulfillment")
        await goods.reaches(retriable, DigitalOrderStatus.WAITING)

    async def order_of_ended_job(self, goods: DigitalGoods, failure: Failure) -> uuid.UUID:
        """Return a PAID order whose reserve job has ended, and whose last worker crashed before it recorded the failure."""
        await goods.break_supplier(RESERVE, status=503, times=1)
        order_id = await goods.order("one")
        await goods.hold(job := await goods.job_reaches(order_id, "reserve", JobStatus.RETRYING))
        await goods.databases.change("orchestrator", ENDED, job.job_id, failure.value)
        return order_id


class TestNotices:
    @pytest.mark.parametrize("has_codes", [True, False])
    @pytest.mark.parametrize("arrival", [("delivered", "ready", "failed"), ("ready", "failed", "delivered")])
    async def test_any_order_of_arrival_ends_alike(
        self, goods: DigitalGoods, arrival: tuple[str, ...], *, has_codes: bool
    ) -> None:
        order = await goods.waiting("one")
        for status in arrival:
            await goods.tell(order.items[0], status, has_codes=has_codes, moves=status != "failed", copies=2)
        [unit] = await goods.units(order)
        assert await goods.assert_delivered_once(order.order_id) == unit["codes"]
        assert await goods.tell(order.items[0], "delivered") == "ignored"
        assert await goods.assert_delivered_once(order.order_id) == unit["codes"]

    async def test_code_that_is_here_stays_when_the_supplier_fails_the_item(self, goods: DigitalGoods) -> None:
        order = await goods.waiting("one", "two")
        await goods.tell(order.items[0], "ready")
        await goods.tell(order.items[0], "failed")
        assert statuses(await goods.find(order.order_id)) == ["READY", "RESERVED"]
        await goods.tell(order.items[1], "delivered")
        assert len(await goods.assert_delivered_once(order.order_id)) == 2

    async def test_supplier_decides_whether_a_notice_of_failure_holds(self, goods: DigitalGoods) -> None:
        order = await goods.waiting("one")
        await goods.say(order.items[0].reservation_id, "delivered", copies=0)
        await goods.tell(order.items[0], "failed", moves=False)
        assert len(await goods.assert_delivered_once(order.order_id)) == 1

    async def test_notice_of_an_unknown_reservation_is_kept_and_matched_once_it_is_stored(
        self, goods: DigitalGoods
    ) -> None:
        """The supplier reserved, and its reply was lost. Only the notice has the codes."""
        order, reservation_id, job_is_due = await self.lost_reservation(goods)
        sent = await goods.say(reservation_id, "delivered", moves=False)
        await goods.early_webhook(sent["webhook_id"])
        await job_is_due()
        await goods.reaches(order.order_id, DigitalOrderStatus.FULFILLED)
        assert (await goods.webhook(sent["webhook_id"]))["status"] == "processed"
        assert len(await goods.assert_delivered_once(order.order_id)) == 1

    async def test_notice_of_an_unknown_reservation_is_matched_by_asking_later(self, goods: DigitalGoods) -> None:
        order, reservation_id, job_is_due = await self.lost_reservation(goods)
        sent = await goods.say(reservation_id, "delivered")
        await goods.early_webhook(sent["webhook_id"])
        await goods.give_up_webhook(sent["webhook_id"])
        assert (await goods.webhook(sent["webhook_id"]))["status"] == "unmatched"
        await goods.break_supplier(f"{RESERVE}/{reservation_id}", status=503, times=1)
        await job_is_due()
        assert (await goods.reaches(order.order_id, DigitalOrderStatus.WAITING)).items[0].reservation_id
        await goods.job_reaches(order.order_id, "reserve", JobStatus.COMPLETED)
        await goods.poller().ask_all()
        assert len(await goods.assert_delivered_once(order.order_id)) == 1

    async def lost_reservation(
        self, goods: DigitalGoods
    ) -> tuple[DigitalOrderFacts, str, Callable[[], Awaitable[None]]]:
        """Return an order whose first attempt has failed, its reservation, and what starts the second attempt."""
        await goods.break_supplier(RESERVE, status=500, times=1)
        order_id = await goods.order("one")
        await goods.hold(job := await goods.job_reaches(order_id, "reserve", JobStatus.RETRYING))
        order = await goods.find(order_id)
        made = await goods.sandbox.post(
            RESERVE,
            json={"product_id": "one", "request_id": str(order.items[0].item_id)},
            headers={"X-Api-Key": "sandbox-supplier-key"},
        )
        return order, made.json()["reservation_id"], lambda: goods.make_due(job)

    async def test_failed_items_refund_the_order(self, goods: DigitalGoods) -> None:
        order = await goods.waiting("one", "two")
        await goods.tell(order.items[0], "failed")
        assert (await goods.find(order.order_id)).status is DigitalOrderStatus.WAITING
        await goods.tell(order.items[1], "failed")
        await goods.assert_refunded(order.order_id)

    async def test_wrong_signature_stores_nothing(self, goods: DigitalGoods) -> None:
        order = await goods.waiting("one")
        stored = await goods.databases.read("orchestrator", KINGUIN)
        sent = await goods.say(order.items[0].reservation_id, "delivered", has_wrong_signature=True)
        assert sent["statuses"] == [401]
        assert await goods.databases.read("orchestrator", KINGUIN) == stored
        assert statuses(await goods.find(order.order_id)) == ["RESERVED"]
        await goods.tell(order.items[0], "delivered")
        await goods.assert_delivered_once(order.order_id)

    async def test_codes_of_a_notice_do_not_stay_in_the_log_of_webhooks(self, goods: DigitalGoods) -> None:
        order, code = await goods.waiting("one"), f"CODE-{uuid.uuid4()}"
        assert await goods.tell(order.items[0], "delivered", changes={"codes": [code]}) == "processed"
        assert await goods.assert_delivered_once(order.order_id) == [code]
        sealer = Sealer.of(goods.container.resources.settings_of(SealingSettings))
        rows = await goods.databases.read("orchestrator", BODIES)
        bodies = [sealer.open(row["sealed_body"], context=f"webhook {row['webhook_id']}") + row["body"] for row in rows]
        assert [body for body in bodies if code.encode() in body] == []
        assert any(str(order.items[0].reservation_id).encode() in body for body in bodies)  # enough for a replay

    async def test_codes_are_kept_as_they_are(self, goods: DigitalGoods) -> None:
        """They are not normalised: a game's shop may compare them byte by byte."""
        codes = ["e\N{COMBINING ACUTE ACCENT} \N{ANGSTROM SIGN}", "line\nline\t\x00\x7f", "<b>&amp;'\"", "X" * 10_000]
        order = await goods.waiting("one")
        await goods.tell(order.items[0], "delivered", changes={"codes": codes})
        assert await goods.assert_delivered_once(order.order_id) == codes


class TestPoller:
    async def test_lost_webhooks_are_made_good_by_asking(self, goods: DigitalGoods) -> None:
        order = await goods.waiting("one", "two")
        for item in order.items:
            await goods.say(item.reservation_id, "ready", copies=0)
        await asyncio.gather(goods.poller().ask_all(), goods.poller().ask_all())
        assert len(await goods.assert_delivered_once(order.order_id)) == 2

    async def test_order_goes_on_whose_last_worker_crashed_before_it_queued_the_job(self, goods: DigitalGoods) -> None:
        order = await goods.waiting("one", "two")
        await goods.tell(order.items[0], "delivered")
        delivery = goods.delivery
        await delivery.orders.add_codes(order.order_id, delivery.codes.seal(order.items[1].item_id, ["the second"]))
        assert statuses(await goods.find(order.order_id)) == ["READY", "READY"]
        await goods.poller().ask_all()
        assert (await goods.assert_delivered_once(order.order_id))[1] == "the second"

    async def test_orders_that_wait_for_long_are_asked_about_less_often(self, goods: DigitalGoods) -> None:
        """An order of a day is asked about each hour; until the supplier answers, in each run."""
        order = await goods.waiting("one")
        for statement in (AGE, AGE_ORDER):
            await goods.databases.change("orders", statement, order.order_id, timedelta(days=1))
        poller = goods.poller(longer_than=timedelta(minutes=5))
        await goods.break_supplier("supplier", status=503)
        await poller.ask_all()
        assert REGISTRY.get_sample_value("digital_orders_unanswered")
        await goods.mend_supplier()
        await poller.ask_all()  # it waits
        assert REGISTRY.get_sample_value("digital_orders_unanswered") == 0
        await goods.say(order.items[0].reservation_id, "delivered", copies=0)
        for _ in range(2):
            poller.answered_at[order.order_id] -= timedelta(minutes=29)
            await poller.ask_all()
            assert statuses(await goods.find(order.order_id)) == ["RESERVED"]
        poller.answered_at[order.order_id] -= timedelta(minutes=29)
        await poller.ask_all()
        await goods.assert_delivered_once(order.order_id)


class TestStoring:
    async def test_long_outage_of_the_storage_loses_nothing_and_needs_no_admin(self, goods: DigitalGoods) -> None:
        order = await goods.waiting("one")
        failures = 'codes_stored_total{result="unavailable"}'
        before = await goods.metric(failures)
        async with goods.storage_away():
            await goods.tell(order.items[0], "delivered")
            await goods.fail_attempts(order.order_id, "store", times=5)
            for _ in range(2):  # the last attempt does not count until it succeeds
                job = await eventually(lambda: self.postponed_job(goods, order))
                await goods.make_due(job)
            assert (await goods.find(order.order_id)).status is DigitalOrderStatus.WAITING
            await goods.hold(await eventually(lambda: self.postponed_job(goods, order)))
            assert await goods.metric(failures) == before + 8  # they raise the alert
        await goods.make_due(await goods.job(order.order_id, "store"))
        assert len(await goods.assert_delivered_once(order.order_id)) == 1

    async def postponed_job(self, goods: DigitalGoods, order: DigitalOrderFacts) -> JobView:
        job = await goods.job(order.order_id, "store")
        assert job.status is JobStatus.RETRYING
        assert job.started_at is not None
        assert job.run_at - job.started_at > timedelta(seconds=STORE_PAUSE_SECONDS)
        return job


async def test_reservations_have_their_live_status_or_unknown(goods: DigitalGoods) -> None:
    order = await goods.waiting("one", "two")
    await goods.say(order.items[0].reservation_id, "ready", copies=0)
    service = goods.container.resources.service(ReservationService)

    async def shown() -> list[str]:
        views, _ = await service.page(Page(page=1, per_page=2), order_id=order.order_id)
        by_reservation = {view.reservation_id: view.status for view in views}
        return [by_reservation[item.reservation_id] for item in order.items if item.reservation_id]

    assert await shown() == ["ready", "waiting"]
    await goods.break_supplier("supplier", status=503)
    assert await shown() == ["unknown", "unknown"]
    await goods.mend_supplier()
    await goods.tell(order.items[1], "delivered")
    await goods.poller().ask_all()
    await goods.assert_delivered_once(order.order_id)
