"""Processes are killed and frozen during purchases: the fan retries, and the platform ends in a consistent state.

The orchestrator drives a purchase, so it is killed at every point. The other services are killed and frozen where a step
calls them.
"""

import asyncio
from collections.abc import Iterator

import pytest

from devstack.stack import Stack
from orchestrator.saga_engine.observer import StepMoment
from tests.chaos.crash_orchestrator import CrashPoint
from tests.chaos.crashable_platform import crashable_platform, points_of
from tests.chaos.fans import Fan, answered
from tests.chaos.services import Service
from tests.chaos.ticket_sales import TicketSales
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

ACTION_MOMENTS = (StepMoment.BEFORE_ACTION, StepMoment.AFTER_ACTION, StepMoment.AFTER_WRITE)
UNDO_MOMENTS = (StepMoment.BEFORE_UNDO, StepMoment.AFTER_UNDO, StepMoment.AFTER_WRITE)
# What a payment's steps call, and the saga's final state if that service is down longer than the step timeout.
STEPS_OF_PAYMENT = {
    "charge wallet": ("users", "UNWOUND"),
    "sell seats": ("inventory", "COMPLETED"),
    "confirm order": ("orders", "COMPLETED"),
}
# The reservation's owner is the first, the payment's the second; the third tries a step again.
EPOCH_OF_PAYMENT = 2
REFUSE_SALE = "UPDATE seats SET held_by_user_id = gen_random_uuid() WHERE hold_id = $1"


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, crash_point: CrashPoint) -> Iterator[Stack]:
    with crashable_platform(database_url=database_url, vhost=vhost, crash_point=crash_point) as running:
        yield running


class TestOrchestratorCrash:
    @pytest.mark.parametrize(
        ("moment", "step"),
        points_of(["hold seats", "open order", "charge wallet", "sell seats", "confirm order"], ACTION_MOMENTS),
    )
    async def test_purchase_completes(
        self, sales: TicketSales, crash_point: CrashPoint, moment: StepMoment, step: str
    ) -> None:
        fan = await sales.new_fan()
        crash_point.arm(moment, step)
        order = await sales.reserved(fan)
        await sales.assert_bought(fan, order)
        assert crash_point.has_crashed

    @pytest.mark.parametrize(
        ("moment", "step"),
        [
            (StepMoment.AFTER_WRITE, "sell seats"),
            *points_of(["charge wallet", "open order", "hold seats"], UNDO_MOMENTS),
        ],
    )
    async def test_payment_is_undone(
        self, sales: TicketSales, crash_point: CrashPoint, moment: StepMoment, step: str
    ) -> None:
        fan = await sales.new_fan()
        order = await sales.reserved(fan)
        await sales.databases.change("inventory", REFUSE_SALE, order.order_id)
        crash_point.arm(moment, step)
        refusal = await answered(lambda: fan.pay(order.order_id))
        assert (refusal.status_code, refusal.json()["error_code"]) == (409, "SEAT_NOT_HELD")
        assert crash_point.has_crashed
        await sales.saga_ends(fan, "UNWOUND")
        await sales.assert_given_back(fan, order)
        assert (await fan.pay(order.order_id)).json()["error_code"] == "SEAT_NOT_HELD"

    @pytest.mark.parametrize(
        ("moment", "step"), [(StepMoment.AFTER_WRITE, "pay"), *points_of(["open order", "hold seats"], UNDO_MOMENTS)]
    )
    async def test_order_cancellation_completes(
        self, sales: TicketSales, crash_point: CrashPoint, moment: StepMoment, step: str
    ) -> None:
        fan = await sales.new_fan()
        order = await sales.reserved(fan)
        crash_point.arm(moment, step)
        cancelled = await answered(lambda: fan.cancel(order.order_id))
        assert cancelled.json()["data"]["status"] == "CANCELLED"
        assert crash_point.has_crashed
        await sales.assert_given_back(fan, order, status="CANCELLED")


class TestParticipantFails:
    @pytest.mark.parametrize("step", STEPS_OF_PAYMENT)
    async def test_killed_during_a_call(self, stack: Stack, sales: TicketSales, step: str) -> None:
        """The database does the work in the end, but the process that would respond is gone."""
        name, after_timeout = STEPS_OF_PAYMENT[step]
        fan, order = await sales.fan_with_order()
        async with sales.databases.writes_blocked(name) as is_blocked:
            payment = asyncio.create_task(fan.pay(order.order_id))
            await eventually(is_blocked)
            await Service(stack, name).kill()
        await payment
        # The service is back in a moment; on a slow machine that may exceed the timeout of a step before the pivot.
        assert await sales.assert_clean_end(fan, order) in {"COMPLETED", after_timeout}

    @pytest.mark.parametrize("step", STEPS_OF_PAYMENT)
    async def test_down_longer_than_the_step_timeout(self, stack: Stack, sales: TicketSales, step: str) -> None:
        name, expected = STEPS_OF_PAYMENT[step]
        fan, order = await sales.fan_with_order()
        async with Service(stack, name).down():
            payment = asyncio.create_task(fan.pay(order.order_id))
            await timed_out(sales, fan)
        await payment
        assert await sales.assert_clean_end(fan, order) == expected

    @pytest.mark.parametrize("step", STEPS_OF_PAYMENT)
    async def test_late_response(self, stack: Stack, sales: TicketSales, step: str) -> None:
        """The action and the undo reach the service together, long after the step timed out."""
        name, expected = STEPS_OF_PAYMENT[step]
        fan, order = await sales.fan_with_order()
        async with Service(stack, name).frozen():
            payment = asyncio.create_task(fan.pay(order.order_id))
            await timed_out(sales, fan)
        await payment
        assert await sales.assert_clean_end(fan, order) == expected

    @pytest.mark.parametrize("name", ["inventory", "orders"])
    async def test_late_response_to_a_reservation(self, stack: Stack, sales: TicketSales, name: str) -> None:
        """A late hold is found by a repeated request; a late order is ended."""
        fan, seat_ids = await sales.new_fan(), sales.some_seats()
        async with Service(stack, name).frozen():
            late = await fan.reserve(sales.event_id, seat_ids)
        assert late.status_code in {202, 503, 504}
        if name == "orders":
            await sales.saga_ends(fan, "UNWOUND")
            assert await sales.seat_statuses(seat_ids) == {"AVAILABLE"}
        order = await sales.reserved(fan, seat_ids, key="reserve" if name == "inventory" else "again")
        await sales.assert_bought(fan, order)

    async def test_events_is_not_needed_to_pay(self, stack: Stack, sales: TicketSales) -> None:
        fan, order = await sales.fan_with_order()
        async with Service(stack, "events").down():
            await sales.assert_bought(fan, order)


async def timed_out(sales: TicketSales, fan: Fan) -> None:
    """Wait until the orchestrator's current step has timed out."""

    async def look() -> bool:
        saga = await sales.databases.saga_of(fan.user_id)
        return bool(saga["state"] == "UNWINDING" or saga["epoch"] > EPOCH_OF_PAYMENT)

    await eventually(look)
