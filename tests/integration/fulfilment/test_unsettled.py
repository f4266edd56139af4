"""Orders that no job works on, or of which a part does not come: what came is delivered, the rest refunded (F1 to F3)."""

import uuid
from datetime import timedelta

import pytest

from orchestrator.clients.orders.digital_orders import DigitalItemStatus, DigitalOrderFacts, DigitalOrderStatus
from orchestrator.errors import OrderInvalidState
from orchestrator.features.digital_goods.service.admin import GoodsAdminService
from orchestrator.jobs.record import Failure, JobStatus
from tests.integration.fulfilment.goods import RESERVE, DigitalGoods
from tests.support.waiting import eventually

AGE_ITEMS = """
    UPDATE digital_order_items SET status_at = status_at - CAST($2 AS interval),
        reserved_at = reserved_at - CAST($2 AS interval)
    WHERE order_id = $1
"""
UNREADABLE = "SELECT status FROM webhook_log WHERE provider = 'kinguin' AND event_type = 'unreadable'"


async def failed(goods: DigitalGoods, *supplier_products: str) -> DigitalOrderFacts:
    """Return a FAILED order whose reserve job is dead."""
    order_id = await goods.order(*supplier_products)
    await goods.fail_attempts(order_id, "reserve", times=5)
    dead = await goods.job_reaches(order_id, "reserve", JobStatus.FAILED)
    assert dead.failure is Failure.DEAD
    return await goods.reaches(order_id, DigitalOrderStatus.FAILED)


async def test_codes_that_came_while_the_order_had_failed_are_delivered(goods: DigitalGoods) -> None:
    order = await goods.waiting("one")
    await goods.delivery.fail_item(order.order_id, order.items[0].item_id)
    await goods.delivery.orders.fail(order.order_id, code="GOODS_FAILED", message="It failed.")
    codes = goods.delivery.codes.seal(order.items[0].item_id, ["a late code"])
    await goods.delivery.orders.add_codes(order.order_id, codes)
    assert (await goods.find(order.order_id)).status is DigitalOrderStatus.FAILED
    await goods.settle_failed()
    assert await goods.assert_delivered(order.order_id, items=1) == ["a late code"]


async def test_item_that_cannot_be_reserved_keeps_no_other_from_its_buyer(goods: DigitalGoods) -> None:
    await goods.control("/supplier-products/broken", is_broken=True)
    order = await failed(goods, "broken", "one")
    assert [item.status for item in order.items] == [DigitalItemStatus.PENDING, DigitalItemStatus.RESERVED]
    await goods.tell(order.items[1], "delivered")
    await goods.settle_failed()  # an admin may still retry it
    assert (await goods.find(order.order_id)).status is DigitalOrderStatus.FAILED
    await goods.settle_failed(keep=timedelta(0))
    assert len(await goods.assert_delivered(order.order_id, items=1)) == 1
    assert (await goods.job(order.order_id, "reserve")).failure is Failure.ACKNOWLEDGED


async def test_supplier_that_names_one_reservation_for_two_units_delivers_one(goods: DigitalGoods) -> None:
    await goods.control("/supplier-products/shared", is_shared=True)
    order = await failed(goods, "shared", "shared")
    assert [item.status for item in order.items] == [DigitalItemStatus.RESERVED, DigitalItemStatus.PENDING]
    await goods.tell(order.items[0], "delivered")
    await goods.settle_failed(keep=timedelta(0))
    assert len(await goods.assert_delivered(order.order_id, items=1)) == 1


async def test_before_the_deadline_what_came_is_delivered(goods: DigitalGoods) -> None:
    """The notice of the second item is lost, and the third one never comes."""
    order = await goods.waiting("one", "two", "three")
    await goods.tell(order.items[0], "delivered")
    await goods.say(order.items[1].reservation_id, "delivered", copies=0)
    await goods.poller(settles_after=timedelta(0)).ask_all()
    assert len(await goods.assert_delivered(order.order_id, items=2)) == 2


async def test_admin_refunds_what_has_not_come(goods: DigitalGoods) -> None:
    order = await goods.waiting("one", "two")
    await goods.tell(order.items[0], "delivered")
    admin = goods.container.resources.service(GoodsAdminService)
    for _ in range(2):
        moved = await admin.refund(order.order_id, admin_id=uuid.uuid4(), key=None)
        assert moved.status is not DigitalOrderStatus.REFUNDED
    assert len(await goods.assert_delivered(order.order_id, items=1)) == 1
    moved = await admin.refund(order.order_id, admin_id=uuid.uuid4(), key=None)
    assert moved.status is DigitalOrderStatus.FULFILLED

    whole = await goods.waiting("one")
    await goods.tell(whole.items[0], "delivered")
    with pytest.raises(OrderInvalidState):
        await admin.refund(whole.order_id, admin_id=uuid.uuid4(), key=None)
    await goods.assert_delivered_once(whole.order_id)


async def test_reservation_that_the_supplier_does_not_know_yet_has_not_failed(goods: DigitalGoods) -> None:
    """Its servers may be behind each other; a reservation that it has not known for long has failed."""
    order = await goods.waiting("one")
    path = f"{RESERVE}/{order.items[0].reservation_id}"
    await goods.break_supplier(path, status=404)
    sent = await goods.say(order.items[0].reservation_id, "failed")
    await goods.early_webhook(sent["webhook_id"])
    await goods.poller().ask_all()
    assert [item.status for item in (await goods.find(order.order_id)).items] == [DigitalItemStatus.RESERVED]
    await goods.databases.change("orders", AGE_ITEMS, order.order_id, timedelta(minutes=6))
    await goods.poller().ask_all()
    await goods.assert_refunded(order.order_id)


async def test_path_that_does_not_exist_fails_no_order_for_good(goods: DigitalGoods) -> None:
    """A proxy in front of the supplier answers so during a deployment."""
    await goods.break_supplier(RESERVE, status=404, times=1)
    order_id = await goods.order("one")
    await goods.fail_attempts(order_id, "reserve", times=1)
    order = await goods.reaches(order_id, DigitalOrderStatus.WAITING)
    await goods.tell(order.items[0], "delivered")
    await goods.assert_delivered_once(order_id)


async def test_notice_of_failure_with_codes_is_not_believed(goods: DigitalGoods) -> None:
    order = await goods.waiting("one")
    await goods.say(order.items[0].reservation_id, "delivered", copies=0)
    await goods.tell(order.items[0], "failed", moves=False, changes={"codes": ["a stale code"]})
    assert await goods.assert_delivered_once(order.order_id) != ["a stale code"]


async def test_codes_that_the_orders_service_cannot_take_are_refused(goods: DigitalGoods) -> None:
    order = await goods.waiting("one")
    too_much = {"codes": ["\N{LATIN SMALL LETTER E WITH ACUTE}" * 2_000] * 20}
    sent = await goods.say(order.items[0].reservation_id, "delivered", moves=False, changes=too_much)
    assert sent["statuses"] == [200]

    async def look() -> bool:
        [kept] = await goods.databases.read("orchestrator", UNREADABLE)
        return bool(kept["status"] == "failed")

    await eventually(look)
    assert [item.status for item in (await goods.find(order.order_id)).items] == [DigitalItemStatus.RESERVED]
    await goods.tell(order.items[0], "delivered")
    await goods.assert_delivered_once(order.order_id)
