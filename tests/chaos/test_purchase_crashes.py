"""Processes killed and frozen in the middle of purchases: the fan asks again, and the world ends in order.

A purchase is driven by the orchestrator, so that is killed at every single point. The others are killed and frozen
where a step calls them.
"""

import asyncio
from collections.abc import Iterator

import pytest

from devstack.stack import Stack
from orchestrator.saga_engine.observer import Moment
from tests.chaos.crash_orchestrator import Doom
from tests.chaos.crashable_platform import mortal_platform, points_of
from tests.chaos.fans import Fan, answered
from tests.chaos.services import Service
from tests.chaos.ticket_sales import Shop
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

ACTION_MOMENTS = (Moment.BEFORE_ACTION, Moment.AFTER_ACTION, Moment.AFTER_WRITE)
UNDO_MOMENTS = (Moment.BEFORE_UNDO, Moment.AFTER_UNDO, Moment.AFTER_WRITE)
# What a payment's steps call, and how the saga ends when that is away for longer than the step's patience.
STEPS_OF_PAYMENT = {
    "charge wallet": ("users", "UNWOUND"),
    "sell seats": ("inventory", "COMPLETED"),
    "confirm order": ("orders", "COMPLETED"),
}
REFUSE_SALE = "UPDATE seats SET held_by_user_id = gen_random_uuid() WHERE hold_id = $1"


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, doom: Doom) -> Iterator[Stack]:
    with mortal_platform(database_url=database_url, vhost=vhost, doom=doom) as running:
        yield running


class TestOrchestratorDies:
    @pytest.mark.parametrize(
        ("moment", "step"),
        points_of(["hold seats", "open order", "charge wallet", "sell seats", "confirm order"], ACTION_MOMENTS),
    )
    async def test_on_the_way_to_the_ticket(self, shop: Shop, doom: Doom, moment: Moment, step: str) -> None:
        fan = await shop.new_fan()
        doom.arm(moment, step)
        order = await shop.reserved(fan)
        await shop.assert_bought(fan, order)
        assert doom.has_struck

    @pytest.mark.parametrize(
        ("moment", "step"),
        [(Moment.AFTER_WRITE, "sell seats"), *points_of(["charge wallet", "open order", "hold seats"], UNDO_MOMENTS)],
    )
    async def test_while_a_payment_is_taken_back(self, shop: Shop, doom: Doom, moment: Moment, step: str) -> None:
        fan = await shop.new_fan()
        order = await shop.reserved(fan)
        await shop.world.change("inventory", REFUSE_SALE, order.order_id)
        doom.arm(moment, step)
        refusal = await answered(lambda: fan.pay(order.order_id))
        assert (refusal.status_code, refusal.json()["error_code"]) == (409, "SEAT_NOT_HELD")
        assert doom.has_struck
        await shop.saga_ends(fan, "UNWOUND")
        await shop.assert_given_back(fan, order)
        assert (await fan.pay(order.order_id)).json()["error_code"] == "SEAT_NOT_HELD"

    @pytest.mark.parametrize(
        ("moment", "step"), [(Moment.AFTER_WRITE, "pay"), *points_of(["open order", "hold seats"], UNDO_MOMENTS)]
    )
    async def test_while_an_order_is_cancelled(self, shop: Shop, doom: Doom, moment: Moment, step: str) -> None:
        fan = await shop.new_fan()
        order = await shop.reserved(fan)
        doom.arm(moment, step)
        cancelled = await answered(lambda: fan.cancel(order.order_id))
        assert cancelled.json()["data"]["status"] == "CANCELLED"
        assert doom.has_struck
        await shop.assert_given_back(fan, order, status="CANCELLED")


class TestParticipantFails:
    @pytest.mark.parametrize("step", STEPS_OF_PAYMENT)
    async def test_killed_while_it_works(self, stack: Stack, shop: Shop, step: str) -> None:
        """Its work is done by the database after all, but there is nobody left to tell."""
        name, when_given_up = STEPS_OF_PAYMENT[step]
        fan, order = await shop.fan_with_order()
        async with shop.world.standstill(name) as is_waited_for:
            payment = asyncio.create_task(fan.pay(order.order_id))
            await eventually(is_waited_for)
            await Service(stack, name).kill()
        await payment
        # It is back in a moment; on a slow machine that may be too late for the patience of a step before the pivot.
        assert await shop.clean_end(fan, order) in {"COMPLETED", when_given_up}

    @pytest.mark.parametrize("step", STEPS_OF_PAYMENT)
    async def test_away_for_longer_than_its_step_has_patience(self, stack: Stack, shop: Shop, step: str) -> None:
        name, expected = STEPS_OF_PAYMENT[step]
        fan, order = await shop.fan_with_order()
        async with Service(stack, name).down():
            payment = asyncio.create_task(fan.pay(order.order_id))
            await given_up(shop, fan)
        await payment
        assert await shop.clean_end(fan, order) == expected

    @pytest.mark.parametrize("step", STEPS_OF_PAYMENT)
    async def test_answers_late(self, stack: Stack, shop: Shop, step: str) -> None:
        """The action and the undo reach it together, long after it was given up."""
        name, expected = STEPS_OF_PAYMENT[step]
        fan, order = await shop.fan_with_order()
        async with Service(stack, name).frozen():
            payment = asyncio.create_task(fan.pay(order.order_id))
            await given_up(shop, fan)
        await payment
        assert await shop.clean_end(fan, order) == expected

    @pytest.mark.parametrize("name", ["inventory", "orders"])
    async def test_answers_a_reservation_late(self, stack: Stack, shop: Shop, name: str) -> None:
        """A hold that came late is found by who asks again; an order that came late is ended."""
        fan, seat_ids = await shop.new_fan(), shop.some_seats()
        async with Service(stack, name).frozen():
            late = await fan.reserve(shop.event_id, seat_ids)
        assert late.status_code in {202, 503, 504}
        if name == "orders":
            await shop.saga_ends(fan, "UNWOUND")
            assert await shop.seat_statuses(seat_ids) == {"AVAILABLE"}
        order = await shop.reserved(fan, seat_ids, key="reserve" if name == "inventory" else "again")
        await shop.assert_bought(fan, order)

    async def test_events_is_not_needed_to_pay(self, stack: Stack, shop: Shop) -> None:
        fan, order = await shop.fan_with_order()
        async with Service(stack, "events").down():
            await shop.assert_bought(fan, order)


async def given_up(shop: Shop, fan: Fan) -> None:
    """Wait until the orchestrator has lost its patience with the step it is at."""

    async def look() -> bool:
        saga = await shop.world.saga_of(fan.user_id)
        return bool(saga["state"] == "UNWINDING" or saga["attempts"])

    await eventually(look)
