"""Orders are reserved, delivered and stored, whatever the supplier, its webhooks and the storage do (F2, F3)."""

import itertools

import pytest
from sqlalchemy import text

from common.errors import Unavailable
from common.http.envelope import Page
from orchestrator.clients.orders.digital_orders import DigitalOrderFacts, DigitalOrderStatus
from orchestrator.features.digital_goods.errors import StorageUnavailable
from orchestrator.features.digital_goods.jobs import DeadReservationTask
from orchestrator.features.digital_goods.service.delivery import DeliveryOutcome
from orchestrator.features.digital_goods.service.reservations import ReservationService
from orchestrator.jobs.record import JobStatus
from tests.integration.fulfilment.conftest import Goods
from tests.support.waiting import eventually

RESERVE = "/v1/reservations"


async def is_delivered(goods: Goods, order: DigitalOrderFacts) -> list[str]:
    """Wait until the saga knows that the codes are stored, and return them."""
    await eventually(lambda: goods.sagas.delivered[order.order_id])
    assert goods.orders.known[order.order_id].status is DigitalOrderStatus.READY
    return goods.codes.objects[order.order_id]


class TestReserving:
    async def test_two_failures_then_success(self, goods: Goods) -> None:
        await goods.control("/faults", path=RESERVE, status=502, times=2)
        await goods.start_worker()
        order, job = await goods.order("one", "two")
        assert (await goods.harness.reaches(job, JobStatus.COMPLETED)).attempts == 3
        current = goods.orders.known[order.order_id]
        assert current.status is DigitalOrderStatus.WAITING
        assert len({item.reservation_id for item in current.items} - {None}) == 2

    async def test_lost_reply_reserves_nothing_twice(self, goods: Goods) -> None:
        calls = itertools.count()

        async def lose_the_first() -> None:
            if next(calls) == 0:
                raise Unavailable

        goods.orders.before["note_reservation"] = lose_the_first
        await goods.start_worker()
        order = await goods.reserved("one")
        response = await goods.control.http.get("/control/supplier", params={"request_id": str(order.items[0].item_id)})
        assert [unit["reservation_id"] for unit in response.json()] == [order.items[0].reservation_id]

    async def test_job_without_success_is_dead_and_kept_until_an_admin_retries_it(self, goods: Goods) -> None:
        await goods.control("/faults", path=RESERVE, status=503)
        await goods.start_worker(trim_seconds=0.1)
        order, job = await goods.order("one")
        dead = await goods.harness.reaches(job, JobStatus.FAILED)
        assert (dead.attempts, dead.failure) == (6, "dead")
        assert goods.orders.known[order.order_id].status is DigitalOrderStatus.FAILED
        assert goods.sagas.refunded == {}
        await goods.control.http.delete("/control/faults")
        await goods.jobs.retry(job.job_id)
        await goods.harness.reaches(job, JobStatus.COMPLETED)
        assert goods.orders.known[order.order_id].status is DigitalOrderStatus.WAITING

    async def test_refused_item_fails_and_the_other_is_delivered(self, goods: Goods) -> None:
        await goods.control("/supplier-products/gone", is_sold_out=True)
        await goods.start_worker()
        order = await goods.reserved("gone", "here")
        assert goods.orders.statuses(order.order_id) == ["FAILED", "RESERVED"]
        await goods.say(order.items[1], "delivered")
        assert len(await is_delivered(goods, order)) == 1

    async def test_order_of_which_nothing_comes_is_refunded_once_its_saga_waits(self, goods: Goods) -> None:
        await goods.control("/supplier-products/gone", is_sold_out=True)
        goods.sagas.is_busy.set()
        await goods.start_worker()
        order = await goods.reserved("gone")
        assert goods.orders.known[order.order_id].status is DigitalOrderStatus.FAILED
        assert goods.sagas.refunded[order.order_id] == 1


class TestNotices:
    @pytest.mark.parametrize("has_codes", [True, False])
    async def test_any_order_of_arrival_ends_alike(self, goods: Goods, *, has_codes: bool) -> None:
        await goods.start_worker()
        for statuses in (("delivered", "ready", "failed"), ("ready", "failed", "delivered")):
            order = await goods.reserved("one")
            for status in statuses:
                await goods.say(order.items[0], status, has_codes=has_codes, moves=status != "failed")
            [code] = await is_delivered(goods, order)
            assert code
            for _ in range(2):  # a replay changes nothing
                assert await goods.apply_last() is DeliveryOutcome.IGNORED
            assert goods.sagas.delivered[order.order_id] == 1

    async def test_supplier_decides_whether_a_notice_of_failure_holds(self, goods: Goods) -> None:
        await goods.start_worker()
        order = await goods.reserved("one")
        await goods.control(f"/supplier/{order.items[0].reservation_id}", status="delivered", copies=0)
        await goods.say(order.items[0], "failed", moves=False)
        assert len(await is_delivered(goods, order)) == 1

    async def test_notice_of_an_unknown_reservation_is_matched_once_it_is_stored(self, goods: Goods) -> None:
        outcomes = []

        async def deliver_before_it_is_stored() -> None:
            units = (await goods.control.http.get("/control/supplier")).json()
            await goods.control(f"/supplier/{units[-1]['reservation_id']}", status="delivered")
            outcomes.append(await goods.apply_last())

        goods.orders.before["note_reservation"] = deliver_before_it_is_stored
        await goods.start_worker()
        order = await goods.reserved("one")
        assert outcomes == [DeliveryOutcome.UNMATCHED]
        assert len(await is_delivered(goods, order)) == 1

    async def test_failed_items_refund_the_order(self, goods: Goods) -> None:
        await goods.start_worker()
        order = await goods.reserved("one", "two")
        await goods.say(order.items[0], "failed")
        assert goods.sagas.refunded == {}
        await goods.say(order.items[1], "failed")
        assert goods.orders.known[order.order_id].status is DigitalOrderStatus.FAILED
        assert goods.sagas.refunded[order.order_id] == 1

    async def test_lost_webhook_is_made_good_by_asking(self, goods: Goods) -> None:
        await goods.start_worker()
        order = await goods.reserved("one", "two")
        for item in order.items:
            await goods.control(f"/supplier/{item.reservation_id}", status="ready", copies=0)
        assert goods.receiver.received == []
        await goods.poll()
        assert len(await is_delivered(goods, order)) == 2


class TestStoring:
    async def test_storage_that_is_away_loses_nothing(self, goods: Goods) -> None:
        goods.codes.failures = [StorageUnavailable(), StorageUnavailable()]
        await goods.start_worker()
        order = await goods.reserved("one")
        await goods.say(order.items[0], "delivered")
        assert len(await is_delivered(goods, order)) == 1
        assert (await goods.harness.reaches(await goods.store_job(order), JobStatus.COMPLETED)).attempts == 3

    async def test_crash_between_the_last_code_and_its_job_is_made_good_by_the_repetition(self, goods: Goods) -> None:
        await goods.start_worker()
        order = await goods.reserved("one")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(goods.jobs.writer), "enqueue", _crash)
            with pytest.raises(RuntimeError):
                await goods.say(order.items[0], "delivered")
        assert goods.orders.statuses(order.order_id) == ["READY"]
        await goods.apply_last()
        assert len(await is_delivered(goods, order)) == 1


async def _crash(*_: object, **__: object) -> None:
    raise RuntimeError


async def test_reservations_have_their_live_status_or_unknown(goods: Goods) -> None:
    await goods.start_worker()
    order = await goods.reserved("one", "two")
    await goods.control(f"/supplier/{order.items[0].reservation_id}", status="ready", copies=0)
    service = ReservationService(orders=goods.orders, supplier=goods.delivery.supplier)
    views, total = await service.page(Page(page=1, per_page=20))
    assert [(view.reservation_id, view.status) for view in views] == [
        (order.items[0].reservation_id, "ready"),
        (order.items[1].reservation_id, "waiting"),
    ]
    assert total.number == 2
    await goods.control("/faults", path="supplier", status=503)
    views, _ = await service.page(Page(page=1, per_page=20))
    assert {view.status for view in views} == {"unknown"}


async def test_order_whose_last_worker_crashed_is_failed(goods: Goods) -> None:
    order, job = await goods.order("one")
    dead = "UPDATE jobs SET status = 'failed', failure = 'dead', finished_at = now() WHERE job_id = :job_id"
    await goods.harness.database.execute(text(dead), {"job_id": job.job_id})
    reserved, other = await goods.order("two")
    task = DeadReservationTask(goods.orders, goods.jobs)
    for _ in range(2):
        await task.fail_all()
    assert goods.orders.known[order.order_id].status is DigitalOrderStatus.FAILED
    assert goods.orders.known[reserved.order_id].status is DigitalOrderStatus.PAID
    assert other.status is JobStatus.QUEUED
