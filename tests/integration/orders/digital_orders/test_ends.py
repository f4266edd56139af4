"""The end of a digital order: the undo of its opening."""

from datetime import UTC, datetime

import pytest

from common.db.engine import Database
from tests.integration.orders.commissions.commission_caller import at_once, outcome
from tests.integration.orders.digital_orders.digital_order_caller import DigitalOrderCaller, Order, digital_order
from tests.integration.orders.item_caller import told_of


@pytest.mark.parametrize("status", ["CREATED", "PAID", "WAITING", "READY", "FAILED"])
async def test_status_follows_from_what_was_paid(goods: DigitalOrderCaller, database: Database, status: str) -> None:
    order, ended = await goods.at(status), "CANCELLED" if status == "CREATED" else "REFUNDED"

    for _ in range(2):
        await goods.perform(order, "end")

    facts = await goods.find(order)
    cause = {"FAILED": ("SUPPLIER_UNAVAILABLE", "The supplier does not respond.")}  # the first cause stays
    reason = cause.get(status, ("GOODS_REFUNDED", "The order was refunded."))
    assert (facts.status, facts.ended_at is not None) == (ended, True)
    assert (facts.failure_code, facts.failure_message) == reason
    [*_, (kind, data)] = await told_of(database, str(order.key))
    assert (kind, data["code"], data["reason"]) == (f"fulfillment.{ended.lower()}", *reason)
    assert data.get("refunded") == (None if status == "CREATED" else "20.00")


async def test_opening_order_is_discarded_with_its_items(goods: DigitalOrderCaller, database: Database) -> None:
    order = await goods.at("OPENING")

    for _ in range(2):
        await goods.perform(order, "end")

    assert await outcome(goods.perform(order, "accept")) == "ORDER_NOT_FOUND"
    assert await told_of(database, str(order.key)) == []
    again = Order(order.facts)
    await goods.perform(again, "open")  # no item of the first one is left


async def test_before_the_opening_refuses_it(goods: DigitalOrderCaller) -> None:
    order = Order(digital_order())

    await goods.perform(order, "end")

    assert await outcome(goods.perform(order, "open")) == "REQUEST_UNDONE"


async def test_while_the_opening_is_in_progress_leaves_nothing(goods: DigitalOrderCaller) -> None:
    for _ in range(10):
        order = Order(digital_order())

        opened, ended = await at_once(goods.perform(order, "open"), goods.perform(order, "end"))

        assert (opened in {None, "REQUEST_UNDONE"}, ended) == (True, None)
        assert await outcome(goods.perform(order, "accept")) == "ORDER_NOT_FOUND"


async def test_of_a_fulfilled_order_is_refused(goods: DigitalOrderCaller) -> None:
    order = await goods.at("FULFILLED")

    assert await outcome(goods.perform(order, "end")) == "ORDER_INVALID_STATE"
    assert await goods.status(order) == "FULFILLED"


async def test_of_an_opening_that_was_refused_leaves_the_first_alone(goods: DigitalOrderCaller) -> None:
    order = await goods.at("PAID")
    refused = order.renew("open", "end")
    await outcome(goods.perform(refused, "open"))

    await goods.perform(refused, "end")

    assert await goods.status(order) == "PAID"


async def test_no_code_of_a_refunded_order_stays(goods: DigitalOrderCaller) -> None:
    """Not even one that arrives at the same moment. Its object is due for deletion at once."""
    stored = await goods.at("READY")
    await goods.perform(stored, "end")
    orders = [stored]
    for _ in range(10):
        orders.append(order := await goods.at("WAITING"))
        await at_once(goods.perform(order, "deliver"), goods.perform(order, "end"))

    assert {await goods.status(order) for order in orders} == {"REFUNDED"}
    assert [await goods.client.codes(order.key) for order in orders] == [[]] * 11
    keys, long_ago = {order.key for order in orders}, datetime.fromtimestamp(0, UTC)
    due = await goods.client.downloaded_before(long_ago, limit=1000)
    await goods.perform(stored, "delete_codes")
    left = await goods.client.downloaded_before(long_ago, limit=1000)
    # Of each, because a process may have crashed between its object and its order.
    assert [{order.order_id for order in found} & keys for found in (due, left)] == [keys, keys - {stored.key}]


async def test_what_comes_late_changes_nothing(goods: DigitalOrderCaller) -> None:
    order = await goods.at("PAID")
    [first, second] = order.item_ids
    await goods.reserve(order, first)
    await goods.perform(order, "end")

    for name in ("resume", "make_ready", "fail"):
        assert await outcome(goods.perform(order, name)) == "ORDER_INVALID_STATE"
    assert await outcome(goods.reserve(order, second)) == "ORDER_INVALID_STATE"
    assert await outcome(goods.reserve(order, first)) is None  # a copy
    await goods.perform(order, "deliver")
    await goods.perform(order, "fail_items")

    assert (await goods.status(order), await goods.items(order)) == ("REFUNDED", ["RESERVED", "PENDING"])
    assert await goods.client.codes(order.key) == []
