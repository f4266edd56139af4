"""The orchestrator is killed during what fans do with tickets: they retry, and the platform ends in a consistent state.

The tested steps are those around the pivot and after it, which a refusal or a second crash could undo twice or not at all.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from functools import partial

import httpx
import pytest

import invariants
from devstack.stack import Stack
from orchestrator.saga_engine.observer import StepMoment
from tests.chaos.cancelled_event import CancelledEvent
from tests.chaos.crash_orchestrator import CrashPoint
from tests.chaos.crashable_platform import crashable_platform, points_of
from tests.chaos.deals import (
    AMOUNT,
    Approval,
    Confirmation,
    Deal,
    DeclinedSale,
    Listing,
    Refund,
    RefusedTransfer,
    Resale,
    Reversal,
    SoldTicket,
    Transfer,
    Withdrawal,
    answered_twice,
)
from tests.chaos.fans import answered, is_pending
from tests.chaos.operators import Operators, log_in_operators
from tests.chaos.services import Service
from tests.chaos.ticket_sales import TicketSales
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

ACTION, WRITE, UNDO = StepMoment.AFTER_ACTION, StepMoment.AFTER_WRITE, StepMoment.AFTER_UNDO
POINTS: dict[type[Deal], list[tuple[StepMoment, str]]] = {
    Transfer: [
        *points_of(["open transfer", "send the other a code", "hold credits", "begin owner change"], [ACTION]),
        *points_of(["change owner", "pay seller", "complete transfer"], [ACTION, WRITE]),
    ],
    RefusedTransfer: [
        (WRITE, "change owner"),
        *points_of(["hold credits", "open transfer"], [UNDO]),
    ],
    Reversal: [
        (ACTION, "begin reversal"),
        *points_of(["give ticket back", "return credits"], [ACTION, WRITE]),
        (ACTION, "close dispute"),
    ],
    Refund: [
        *points_of(["begin refund", "take seats back", "pay back"], [ACTION, WRITE]),
        *points_of(["return premiums", "refund order"], [ACTION]),
    ],
    Listing: points_of(["open listing", "list seat", "activate listing"], [ACTION]),
    Withdrawal: points_of(["begin withdrawal", "withdraw seat", "cancel listing"], [ACTION]),
    Resale: [
        *points_of(["claim listing", "hold credits"], [ACTION]),
        *points_of(["change owner", "pay seller"], [ACTION, WRITE]),
        (ACTION, "complete listing"),
    ],
    DeclinedSale: points_of(["hold credits", "claim listing"], [UNDO]),
}
# The last three belong to sagas within the saga (a sale's, a refund's), or lie between them.
POINTS_OF_CANCELLATION = [
    *points_of(["cancel event", "close hall"], [ACTION]),
    (UNDO, "hold credits"),
    *points_of(["pay back", "give everything back"], [ACTION]),
]
MORE_THAN_ONE_BIT = 100
OWNERS_OF_PAYOUT = "SELECT epoch FROM sagas WHERE saga_id = $1 AND step_name = 'pay seller' AND epoch > $2"


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, crash_point: CrashPoint) -> Iterator[Stack]:
    with crashable_platform(database_url=database_url, vhost=vhost, crash_point=crash_point) as running:
        yield running


@pytest.fixture(scope="module")
async def operators(stack: Stack) -> AsyncIterator[Operators]:
    async with log_in_operators(stack) as operators:
        yield operators


class TestOrchestratorCrash:
    @pytest.mark.parametrize(
        ("kind", "moment", "step"),
        [
            pytest.param(kind, moment, step, id=f"{kind.__name__}-{moment}-{step}")
            for kind, points in POINTS.items()
            for moment, step in points
        ],
    )
    async def test_deal_completes(
        self,
        *,
        sales: TicketSales,
        operators: Operators,
        crash_point: CrashPoint,
        kind: type[Deal],
        moment: StepMoment,
        step: str,
    ) -> None:
        deal = await kind.prepare(sales, operators)
        await run_through_crash(sales, crash_point, deal, at=(moment, step))
        await assert_ends_done(sales, deal)

    @pytest.mark.parametrize(
        ("kind", "step"), [(Withdrawal, "withdraw seat"), (Approval, "change owner"), (Refund, "take seats back")]
    )
    async def test_repeated_request_waits_for_the_lease(
        self, *, sales: TicketSales, operators: Operators, crash_point: CrashPoint, kind: type[Deal], step: str
    ) -> None:
        deal = await kind.prepare(sales, operators)
        crash_point.arm(StepMoment.AFTER_ACTION, step)
        await deal.run()
        assert crash_point.has_crashed
        await assert_ends_done(sales, deal)

    @pytest.mark.parametrize(("moment", "step"), POINTS_OF_CANCELLATION)
    async def test_event_cancellation_completes(
        self, *, sales: TicketSales, operators: Operators, crash_point: CrashPoint, moment: StepMoment, step: str
    ) -> None:
        cancelled_event = await CancelledEvent.prepare(sales, operators)
        await run_through_crash(sales, crash_point, cancelled_event, at=(moment, step))
        await assert_ends_done(sales, cancelled_event)

    async def test_cancellation_resumes_after_the_first_batch(
        self, sales: TicketSales, operators: Operators, crash_point: CrashPoint
    ) -> None:
        """What is done stays done and is visible; another attempt does the rest."""
        cancelled_event = await CancelledEvent.prepare(sales, operators, others=MORE_THAN_ONE_BIT)
        crash_point.arm(StepMoment.AFTER_WRITE, "give everything back")
        with suppress(httpx.TransportError):
            await cancelled_event.cancel()  # it may be answered 202 before the batch is done
        await eventually(lambda: crash_point.has_crashed)
        progress = await cancelled_event.progress()
        assert progress["state"] == "RUNNING"
        assert 0 < progress["orders_refunded"] < progress["orders_total"] == cancelled_event.orders
        await sales.end_leases()
        await cancelled_event.run()
        await assert_ends_done(sales, cancelled_event)


class TestParticipantFails:
    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            *((Confirmation, name) for name in ("orders", "inventory")),
            *((Approval, name) for name in ("inventory", "users")),
            *((Refund, name) for name in ("inventory", "users", "orders")),
        ],
    )
    async def test_killed_during_a_call(
        self, *, stack: Stack, sales: TicketSales, operators: Operators, kind: type[Deal], name: str
    ) -> None:
        """The database does the work in the end, but the process that would respond is gone."""
        deal = await kind.prepare(sales, operators)
        async with sales.databases.writes_blocked(name) as is_blocked:
            running = asyncio.create_task(deal.run())
            await eventually(is_blocked)
            await Service(stack, name).kill()
        await running
        await assert_ends_done(sales, deal)

    async def test_users_killed_before_the_pivot(self, stack: Stack, sales: TicketSales, operators: Operators) -> None:
        """It holds the buyer's credits. If it is down for too long, the transfer fails and changes nothing."""
        deal = await Confirmation.prepare(sales, operators)
        async with sales.databases.writes_blocked("users") as is_blocked:
            running = asyncio.create_task(answered(deal.confirm))
            await eventually(is_blocked)
            await Service(stack, "users").kill()
        confirmed = await running
        await invariants.settle(sales.urls)
        await (deal.assert_done() if confirmed.is_success else deal.assert_failed())

    async def test_orders_killed_before_the_pivot(self, stack: Stack, sales: TicketSales, operators: Operators) -> None:
        """It excludes disputes. If it is down for too long, the sale fails and the ticket is for sale again."""
        deal = await Approval.prepare(sales, operators)
        async with sales.databases.writes_blocked("orders") as is_blocked:
            running = asyncio.create_task(answered(partial(deal.seller.approve, deal.deal_id)))
            await eventually(is_blocked)
            await Service(stack, "orders").kill()
        approved = await running
        await invariants.settle(sales.urls)
        await (deal.assert_done() if approved.is_success else deal.assert_failed())

    async def test_users_down_after_the_pivot(self, stack: Stack, sales: TicketSales, operators: Operators) -> None:
        """The ticket belongs to the buyer, and the seller gets the credits in the end."""
        deal = await Confirmation.prepare(sales, operators)
        async with AsyncExitStack() as later:
            async with sales.databases.writes_blocked("inventory") as is_blocked:
                running = asyncio.create_task(deal.run())
                await eventually(is_blocked)
                await later.enter_async_context(Service(stack, "users").down())
            owned = partial(sales.databases.read, "orchestrator", OWNERS_OF_PAYOUT, deal.deal_id)
            first = (await eventually(lambda: owned(0)))[0]["epoch"]
            await eventually(lambda: owned(first))  # tried again
            await deal.assert_ticket(deal.buyer, "SOLD", price=AMOUNT)
        await running
        await assert_ends_done(sales, deal)


class TestCheckIn:
    """Without a response no ticket is admitted, and the same nonce later returns the result."""

    async def test_inventory_killed_during_two_scans_of_a_ticket(
        self, stack: Stack, sales: TicketSales, operators: Operators
    ) -> None:
        ticket = await SoldTicket.prepare(sales, operators)
        code = await ticket.code()
        scans = [partial(ticket.scan, code, nonce=f"{ticket.seat_id}-{gate}") for gate in ("left", "right")]
        async with sales.databases.writes_blocked("inventory") as is_blocked:
            scanning = [asyncio.create_task(scan()) for scan in scans]
            await eventually(is_blocked)
            await Service(stack, "inventory").kill()
            assert {answer.status_code for answer in await asyncio.gather(*scanning)} == {503}
        results = [(await answered_twice(scan))["result"] for scan in scans]
        assert sorted(results) == await logged(sales, ticket) == ["DUPLICATE", "SUCCESS"]

    async def test_orchestrator_killed_during_a_scan(
        self, stack: Stack, sales: TicketSales, operators: Operators
    ) -> None:
        ticket = await SoldTicket.prepare(sales, operators)
        scan = partial(ticket.scan, await ticket.code(), nonce=f"{ticket.seat_id}")
        async with sales.databases.writes_blocked("inventory") as is_blocked:
            scanning = asyncio.create_task(scan())
            await eventually(is_blocked)
            await Service(stack, "orchestrator").kill()
            assert is_pending(await scanning)
        assert (await answered_twice(scan))["result"] == "SUCCESS"
        assert await logged(sales, ticket) == ["SUCCESS"]

    @pytest.mark.parametrize("name", ["inventory", "orders"])
    async def test_required_service_is_down(
        self, *, stack: Stack, sales: TicketSales, operators: Operators, name: str
    ) -> None:
        ticket = await SoldTicket.prepare(sales, operators)
        scan = partial(ticket.scan, await ticket.code(), nonce=f"{ticket.seat_id}")
        async with Service(stack, name).down():
            refusal = await scan()
            assert (refusal.status_code, refusal.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")
        assert await logged(sales, ticket) == []
        assert (await answered_twice(scan))["result"] == "SUCCESS"
        assert await logged(sales, ticket) == ["SUCCESS"]


async def run_through_crash(
    sales: TicketSales, crash_point: CrashPoint, deal: Deal | CancelledEvent, *, at: tuple[StepMoment, str]
) -> None:
    """Run a deal whose orchestrator crashes; its sagas can be taken over at once."""
    crash_point.arm(*at)
    running = asyncio.create_task(deal.run())
    await eventually(lambda: crash_point.has_crashed or running.done())
    await sales.end_leases()
    await running
    assert crash_point.has_crashed


async def assert_ends_done(sales: TicketSales, deal: Deal | CancelledEvent) -> None:
    """Check the final state, once all sagas have ended: a repeated request may be answered before."""
    await invariants.settle(sales.urls)
    await deal.assert_done()


async def logged(sales: TicketSales, ticket: SoldTicket) -> list[str]:
    """Return the results of a ticket's scans, sorted."""
    rows = await sales.databases.read("inventory", "SELECT result FROM entry_logs WHERE seat_id = $1", ticket.seat_id)
    return sorted(row["result"] for row in rows)
