"""Digital orders: opening, moves, their repetition, and the messages that leave with them."""

import asyncio
import uuid
from collections import Counter
from typing import Any

import pytest

from common.db.engine import Database
from common.errors import InvalidRequest
from gateway.fulfillment_feed import DIGITAL_ORDERS
from orchestrator.clients.orders.digital_orders import PayGoodsWith
from orchestrator.features.notifications.models.notifications import GoodsDetails
from tests.integration.orders.commissions.commission_caller import at_once, outcome
from tests.integration.orders.digital_orders.digital_order_caller import PATHS, DigitalOrderCaller, Order, digital_order
from tests.integration.orders.item_caller import told_of

MOVES = {
    "await_payment": {"OPENING": "CREATED"},
    "accept": {"OPENING": "PAID", "CREATED": "PAID"},
    "make_ready": {"READY": "READY", "FULFILLED": "FULFILLED"},
    "fail": {"PAID": "FAILED", "FAILED": "FAILED"},
    "resume": {"PAID": "PAID", "WAITING": "WAITING", "READY": "READY", "FAILED": "PAID"},
    "fulfil": {"READY": "FULFILLED"},
    "delete_codes": {"READY": "READY", "FULFILLED": "FULFILLED", "REFUNDED": "REFUNDED"},
}
"""By the client's methods, for orders whose items are as `PATHS` leaves them."""
KINDS = {"CREATED": "created", "PAID": "paid", "FULFILLED": "fulfilled", "FAILED": "failed"}


class TestOpen:
    async def test_is_invisible_and_not_announced(self, goods: DigitalOrderCaller, database: Database) -> None:
        order = await goods.at("OPENING")

        assert await outcome(goods.perform(order, "open")) is None
        assert await outcome(goods.find(order)) == "ORDER_NOT_FOUND"
        assert await told_of(database, str(order.key)) == []

    async def test_id_of_another_request_is_refused(self, goods: DigitalOrderCaller) -> None:
        order = await goods.at("PAID")

        assert await outcome(goods.perform(order.renew("open"), "open")) == "ORDER_INVALID_STATE"

    async def test_facts_are_kept(self, goods: DigitalOrderCaller) -> None:
        ordered = digital_order(units=3)
        facts = (await goods.find(await goods.at("CREATED", ordered))).model_dump()

        given = ordered.model_dump()
        for item, kept in zip(given.pop("items"), facts["items"], strict=True):
            assert {name: kept[name] for name in item} == item
            assert (kept["status"], kept["reservation_id"], kept["failure"]) == ("PENDING", None, None)
        assert {name: facts[name] for name in given} == given

    async def test_buyer_has_three_unpaid_crypto_orders_at_most(self, goods: DigitalOrderCaller) -> None:
        buyer: dict[str, Any] = {"buyer_user_id": uuid.uuid4(), "pay_with": PayGoodsWith.CRYPTO}
        orders = [Order(digital_order(**buyer)) for _ in range(8)]

        outcomes = await asyncio.gather(*(outcome(goods.perform(order, "open")) for order in orders))

        assert Counter(outcomes) == {None: 3, "PURCHASE_LIMIT_REACHED": 5}
        [first, second, _] = [order for order, refusal in zip(orders, outcomes, strict=True) if refusal is None]
        assert await outcome(goods.perform(first, "open")) is None
        await goods.perform(first, "accept")
        await goods.perform(second, "end")
        refused = orders[outcomes.index("PURCHASE_LIMIT_REACHED")]
        assert await outcome(goods.perform(refused, "open")) == "PURCHASE_LIMIT_REACHED"
        more = [Order(digital_order(**buyer)) for _ in range(3)]
        assert [await outcome(goods.perform(order, "open")) for order in more] == [
            None,
            None,
            "PURCHASE_LIMIT_REACHED",
        ]
        await goods.at("PAID", digital_order(buyer_user_id=buyer["buyer_user_id"]))

    async def test_total_is_the_sum_of_its_items(self, goods: DigitalOrderCaller) -> None:
        with pytest.raises(InvalidRequest):
            await goods.at("CREATED", digital_order(total="20.01"))


class TestMoves:
    @pytest.mark.parametrize("name", MOVES)
    @pytest.mark.parametrize("status", PATHS)
    async def test_status_decides(self, goods: DigitalOrderCaller, database: Database, name: str, status: str) -> None:
        order, to_status = (await goods.at(status)).renew(name), MOVES[name].get(status)
        told = len(await told_of(database, str(order.key)))

        first = await outcome(goods.perform(order, name))
        again = await outcome(goods.perform(order, name))

        kinds = [kind for kind, _ in await told_of(database, str(order.key))][told:]
        if to_status is None:
            is_hidden = status == "OPENING" and name != "fulfil"
            refused = "ORDER_NOT_FOUND" if is_hidden else "ORDER_INVALID_STATE"
            assert (first, again, kinds) == (refused, refused, [])
        else:
            assert await goods.status(order) == to_status
            kind = "resumed" if name == "resume" else KINDS.get(to_status)
            assert kinds == ([f"fulfillment.{kind}"] if to_status != status else [])

    async def test_unknown_order_is_refused(self, goods: DigitalOrderCaller) -> None:
        refused = {await outcome(goods.perform(Order(digital_order()), name)) for name in MOVES}
        assert refused == {"ORDER_NOT_FOUND"}

    async def test_refusal_is_stored(self, goods: DigitalOrderCaller) -> None:
        order = await goods.at("WAITING")
        assert await outcome(goods.perform(order, "fulfil")) == "ORDER_INVALID_STATE"
        for name in ("deliver", "make_ready"):
            await goods.perform(order, name)

        assert await outcome(goods.perform(order, "fulfil")) == "ORDER_INVALID_STATE"
        assert await goods.status(order) == "READY"

    async def test_late_copy_changes_nothing(self, goods: DigitalOrderCaller, database: Database) -> None:
        order = await goods.at("FULFILLED")
        told = await told_of(database, str(order.key))

        for name in ("accept", "reserve", "deliver", "make_ready", "fulfil", "fail_items"):
            await goods.perform(order, name)

        assert (await goods.status(order), await goods.items(order)) == ("FULFILLED", ["DELIVERED"] * 2)
        assert await told_of(database, str(order.key)) == told

    async def test_messages_name_items_and_amounts(self, goods: DigitalOrderCaller, database: Database) -> None:
        order = await goods.at("PAID")
        await goods.reserve(order, order.item_ids[0])
        await goods.fail_item(order, order.item_ids[1])
        await goods.deliver(order, order.item_ids[0], b"a secret code")
        for name in ("make_ready", "fulfil"):
            await goods.perform(order, name)

        told = await told_of(database, str(order.key))

        kinds = [kind.removeprefix("fulfillment.") for kind, _ in told]
        assert kinds == ["paid", "reserved", "ready", "fulfilled"]
        assert [data["fulfillment_status"] for _, data in told] == [
            "reserving", "waiting", "ready", "partially_delivered",
        ]  # fmt: skip
        assert [[item["status"] for item in data["items"]] for _, data in told] == [
            ["pending", "pending"],
            ["reserved", "failed"],
            ["ready", "failed"],
            ["delivered", "failed"],
        ]
        last = told[-1][1]
        assert (last["amount"], last["refunded"], last["currency"]) == ("20.00", "10.00", "sgd")
        assert (last["user_id"], last["status"]) == (str(order.facts.buyer_user_id), "fulfilled")
        assert "secret" not in str(told)
        # Its readers know the statuses as the database says them.
        assert GoodsDetails.model_validate(last).undelivered == last["items"][1]["name"]
        for items, is_retryable in ((last["items"], True), (last["items"][1:], False)):
            entry = {"type": "fulfillment.failed", "data": last | {"items": items}, "sequence": 1}
            assert DIGITAL_ORDERS.unseen(entry, 0)[0]["retryable"] is is_retryable


class TestItems:
    """Items change in any order, each call may come twice, and the order follows."""

    async def test_order_waits_once_no_item_is_pending(self, goods: DigitalOrderCaller) -> None:
        order = await goods.at("PAID")

        await goods.reserve(order, order.item_ids[0])
        assert await goods.status(order) == "PAID"
        await goods.reserve(order, order.item_ids[1])
        assert (await goods.status(order), await goods.items(order)) == ("WAITING", ["RESERVED"] * 2)

    async def test_items_that_are_reserved_at_once_let_the_order_wait(
        self, goods: DigitalOrderCaller, database: Database
    ) -> None:
        """Each sees the others' reservation, or waits for it."""
        for _ in range(5):
            order = await goods.at("PAID", digital_order(units=6))

            await at_once(*(goods.reserve(order, item_id) for item_id in order.item_ids))

            assert await goods.status(order) == "WAITING"
            kinds = [kind for kind, _ in await told_of(database, str(order.key))]
            assert kinds == ["fulfillment.paid", "fulfillment.reserved"]

    async def test_first_reservation_stays_and_is_of_one_item(self, goods: DigitalOrderCaller) -> None:
        order, other = await goods.at("PAID"), await goods.at("PAID")
        item_id = order.item_ids[0]
        await goods.reserve(order, item_id)

        assert await outcome(goods.reserve(order, item_id)) is None
        assert await outcome(goods.reserve(order, item_id, reservation_id="another")) == "ORDER_INVALID_STATE"
        taken = goods.reserve(other, other.item_ids[0], reservation_id=f"res-{item_id}")
        assert await outcome(taken) == "ORDER_INVALID_STATE"
        assert (await goods.item(order, item_id)).reservation_id == f"res-{item_id}"
        found = await goods.client.find_by_reservation(f"res-{item_id}")
        assert found is not None
        assert (found[0].order_id, found[1].item_id) == (order.key, item_id)
        assert await goods.client.find_by_reservation("unknown") is None

    async def test_codes_come_before_the_reservation(self, goods: DigitalOrderCaller) -> None:
        order = await goods.at("PAID")

        await goods.perform(order, "deliver")
        await goods.perform(order, "reserve")

        assert (await goods.status(order), await goods.items(order)) == ("WAITING", ["READY"] * 2)
        assert (await goods.item(order, order.item_ids[0])).reservation_id == f"res-{order.item_ids[0]}"

    async def test_first_codes_stay_and_are_stored_as_they_came(self, goods: DigitalOrderCaller) -> None:
        order, sealed = await goods.at("WAITING"), bytes(range(256))
        [first, second] = order.item_ids

        await goods.deliver(order, first, sealed)
        again = await goods.deliver(order, first, b"other codes")

        assert [item.status for item in again.items] == ["READY", "RESERVED"]
        assert [(codes.item_id, codes.sealed) for codes in await goods.client.codes(order.key)] == [(first, sealed)]
        assert (await goods.item(order, second)).status == "RESERVED"

    async def test_item_that_has_its_codes_does_not_fail(self, goods: DigitalOrderCaller) -> None:
        order = await goods.at("WAITING")
        await goods.perform(order, "deliver")

        await goods.perform(order, "fail_items")

        assert await goods.items(order) == ["READY"] * 2

    async def test_item_that_had_failed_is_delivered_late(self, goods: DigitalOrderCaller) -> None:
        order = await goods.at("WAITING")
        [first, _] = order.item_ids
        failed = await goods.fail_item(order, first)
        assert (failed.items[0].status, failed.items[0].failure) == ("FAILED", "The key is out of stock.")

        delivered = await goods.deliver(order, first)

        assert (delivered.items[0].status, delivered.items[0].failure) == ("READY", None)

    async def test_code_that_the_stored_object_may_lack_is_refunded(self, goods: DigitalOrderCaller) -> None:
        """Once no item is open the other codes may be stored already."""
        order = await goods.at("WAITING")
        [first, second] = order.item_ids
        await goods.fail_item(order, first)
        await goods.deliver(order, second)

        late = await goods.deliver(order, first)

        assert [item.status for item in late.items] == ["FAILED", "READY"]
        assert len(await goods.client.codes(order.key)) == 1

    async def test_order_whose_items_have_all_failed_does_not_wait(self, goods: DigitalOrderCaller) -> None:
        order = await goods.at("PAID")

        await goods.perform(order, "fail_items")
        assert await goods.status(order) == "PAID"
        await goods.perform(order, "fail")
        resumed = await goods.perform(order, "resume")  # nothing may come any more

        assert resumed.status == "FAILED"
        assert resumed.failure_code == "SUPPLIER_UNAVAILABLE"

    async def test_waiting_order_fails_only_with_its_last_item(self, goods: DigitalOrderCaller) -> None:
        order = await goods.at("WAITING")

        assert await outcome(goods.perform(order, "fail")) == "ORDER_INVALID_STATE"
        await goods.perform(order, "fail_items")
        await goods.perform(order, "fail")

        assert await goods.status(order) == "FAILED"

    async def test_failed_order_that_is_tried_again_forgets_the_failure(
        self, goods: DigitalOrderCaller, database: Database
    ) -> None:
        order = await goods.at("FAILED")
        await goods.deliver(order, order.item_ids[0])  # while no job runs
        assert await goods.status(order) == "FAILED"

        resumed = await goods.perform(order, "resume")
        await goods.reserve(order, order.item_ids[1])

        assert (resumed.status, resumed.failure_code, resumed.failure_message) == ("PAID", None, None)
        assert await goods.status(order) == "WAITING"
        kinds = [kind for kind, _ in await told_of(database, str(order.key))]
        assert kinds == ["fulfillment.paid", "fulfillment.failed", "fulfillment.resumed", "fulfillment.reserved"]

    async def test_ready_once_no_item_is_open_and_one_has_codes(self, goods: DigitalOrderCaller) -> None:
        order, failed = await goods.at("WAITING"), await goods.at("WAITING")
        await goods.deliver(order, order.item_ids[0])
        assert await outcome(goods.perform(order, "make_ready")) == "ORDER_INVALID_STATE"
        await goods.fail_item(order, order.item_ids[1])
        await goods.perform(failed, "fail_items")

        await goods.perform(order, "make_ready")

        ready = await goods.find(order)
        assert (ready.status, ready.storage_ref) == ("READY", f"orders/{order.key}/keys.json")
        assert ready.ready_at is not None
        assert await outcome(goods.perform(failed, "make_ready")) == "ORDER_INVALID_STATE"

    @pytest.mark.parametrize("name", ["reserve", "deliver", "fail_items"])
    async def test_item_of_another_order_is_unknown(self, goods: DigitalOrderCaller, name: str) -> None:
        order, other = await goods.at("PAID"), await goods.at("PAID")
        mixed = Order(order.facts.model_copy(update={"items": other.facts.items}))

        assert await outcome(goods.perform(mixed, name)) == "ORDER_NOT_FOUND"
        assert await goods.items(other) == ["PENDING"] * 2


class TestRaces:
    """Two actions that exclude each other, at once: one of them wins."""

    async def test_codes_against_a_failure(self, goods: DigitalOrderCaller) -> None:
        for _ in range(10):
            order = await goods.at("WAITING", digital_order(units=1))
            [item_id] = order.item_ids

            await at_once(goods.deliver(order, item_id), goods.fail_item(order, item_id))

            assert await goods.items(order) == ["READY"]  # codes that come after the failure count, too
            assert len(await goods.client.codes(order.key)) == 1

    @pytest.mark.parametrize(
        ("status", "names", "ends"),
        [
            ("PAID", ("reserve", "end"), {"REFUNDED"}),
            ("PAID", ("fail", "end"), {"REFUNDED"}),
            ("CREATED", ("accept", "end"), {"CANCELLED", "REFUNDED"}),
            ("READY", ("fulfil", "end"), {"FULFILLED", "REFUNDED"}),
        ],
        ids=str,
    )
    async def test_against_the_end(
        self, goods: DigitalOrderCaller, status: str, names: tuple[str, str], ends: set[str]
    ) -> None:
        for _ in range(5):
            order = await goods.at(status)

            await at_once(*(goods.perform(order, name) for name in names))

            assert await goods.status(order) in ends

    async def test_ready_against_the_end(self, goods: DigitalOrderCaller) -> None:
        for _ in range(10):
            order = await goods.at("WAITING")
            await goods.perform(order, "deliver")

            outcomes: list[Any] = await at_once(goods.perform(order, "make_ready"), goods.perform(order, "end"))

            assert outcomes in ([None, None], ["ORDER_INVALID_STATE", None])
            ended = await goods.find(order)
            assert (ended.status, ended.storage_ref is None) == ("REFUNDED", outcomes[0] is not None)
