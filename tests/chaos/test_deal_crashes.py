"""The orchestrator killed in the middle of what fans do with their tickets: they ask again, and the world ends in order.

The steps that a refusal or a second death could undo twice, or not at all, are those around the pivot and behind it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from functools import partial

import httpx
import pytest

from devstack import invariants
from devstack.stack import Stack
from orchestrator.saga_engine.observer import Moment
from tests.chaos.cancelled_event import LostConcert
from tests.chaos.crash_orchestrator import Doom
from tests.chaos.crashable_platform import mortal_platform, points_of
from tests.chaos.deals import (
    AMOUNT,
    Approval,
    Confirmation,
    DeclinedSale,
    Listing,
    Refund,
    RefusedTransfer,
    Resale,
    Reversal,
    Story,
    Transfer,
    Withdrawal,
    same_again,
)
from tests.chaos.fans import answered, is_pending
from tests.chaos.operators import House, open_house
from tests.chaos.services import Service
from tests.chaos.ticket_sales import Shop
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

ACTION, WRITE, UNDO = Moment.AFTER_ACTION, Moment.AFTER_WRITE, Moment.AFTER_UNDO
POINTS: dict[type[Story], list[tuple[Moment, str]]] = {
    Transfer: [
        *points_of(["open transfer", "send the other a code", "hold credits"], [ACTION]),
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
    Refund: [*points_of(["begin refund", "take seats back", "pay back"], [ACTION, WRITE]), (ACTION, "refund order")],
    Listing: points_of(["open listing", "list seat", "activate listing"], [ACTION]),
    Withdrawal: points_of(["begin withdrawal", "withdraw seat", "cancel listing"], [ACTION]),
    Resale: [
        *points_of(["claim listing", "hold credits"], [ACTION]),
        *points_of(["change owner", "pay seller"], [ACTION, WRITE]),
        (ACTION, "complete listing"),
    ],
    DeclinedSale: points_of(["hold credits", "claim listing"], [UNDO]),
}
# The last three are of sagas within the saga: a sale's, and a refund's, or stand between them.
POINTS_OF_CANCELLATION = [
    *points_of(["cancel event", "close hall"], [ACTION]),
    (UNDO, "hold credits"),
    *points_of(["pay back", "give everything back"], [ACTION]),
]
MORE_THAN_ONE_BIT = 100
TRIED_AGAIN = "SELECT FROM sagas WHERE saga_id = $1 AND attempts > 0"


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, doom: Doom) -> Iterator[Stack]:
    with mortal_platform(database_url=database_url, vhost=vhost, doom=doom) as running:
        yield running


@pytest.fixture(scope="module")
async def house(stack: Stack) -> AsyncIterator[House]:
    async with open_house(stack) as house:
        yield house


class TestOrchestratorDies:
    @pytest.mark.parametrize(
        ("kind", "moment", "step"),
        [
            pytest.param(kind, moment, step, id=f"{kind.__name__}-{moment}-{step}")
            for kind, points in POINTS.items()
            for moment, step in points
        ],
    )
    async def test_in_a_deal(
        self, *, shop: Shop, house: House, doom: Doom, kind: type[Story], moment: Moment, step: str
    ) -> None:
        story = await kind.prepare(shop, house)
        await played_to_the_death(shop, doom, story, at=(moment, step))
        await ends_well(shop, story)

    @pytest.mark.parametrize(
        ("kind", "step"), [(Withdrawal, "withdraw seat"), (Approval, "change owner"), (Refund, "take seats back")]
    )
    async def test_who_asks_before_its_lease_is_over_has_to_wait(
        self, *, shop: Shop, house: House, doom: Doom, kind: type[Story], step: str
    ) -> None:
        story = await kind.prepare(shop, house)
        doom.arm(Moment.AFTER_ACTION, step)
        await story.play()
        assert doom.has_struck
        await ends_well(shop, story)

    @pytest.mark.parametrize(("moment", "step"), POINTS_OF_CANCELLATION)
    async def test_while_an_event_is_called_off(
        self, *, shop: Shop, house: House, doom: Doom, moment: Moment, step: str
    ) -> None:
        lost = await LostConcert.prepare(shop, house)
        await played_to_the_death(shop, doom, lost, at=(moment, step))
        await ends_well(shop, lost)

    async def test_after_the_first_bit_of_a_cancellation(self, shop: Shop, house: House, doom: Doom) -> None:
        """What is done stays done, and can be seen; the rest is somebody else's work."""
        lost = await LostConcert.prepare(shop, house, others=MORE_THAN_ONE_BIT)
        doom.arm(Moment.AFTER_WRITE, "give everything back")
        with suppress(httpx.TransportError):
            await lost.cancel()
        assert doom.has_struck
        progress = await lost.progress()
        assert progress["state"] == "RUNNING"
        assert 0 < progress["orders_refunded"] < progress["orders_total"] == lost.orders
        await shop.end_leases()
        await lost.play()
        await ends_well(shop, lost)


class TestParticipantFails:
    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            *((Confirmation, name) for name in ("orders", "inventory")),
            *((Approval, name) for name in ("inventory", "users", "orders")),
            *((Refund, name) for name in ("inventory", "users", "orders")),
        ],
    )
    async def test_killed_while_it_works(
        self, *, stack: Stack, shop: Shop, house: House, kind: type[Story], name: str
    ) -> None:
        """Its work is done by the database after all, but there is nobody left to tell."""
        story = await kind.prepare(shop, house)
        async with shop.world.standstill(name) as is_waited_for:
            playing = asyncio.create_task(story.play())
            await eventually(is_waited_for)
            await Service(stack, name).kill()
        await playing
        await ends_well(shop, story)

    async def test_users_killed_before_the_pivot(self, stack: Stack, shop: Shop, house: House) -> None:
        """It sets the buyer's credits aside. Should it be away for too long, the transfer fails, and nothing else."""
        story = await Confirmation.prepare(shop, house)
        async with shop.world.standstill("users") as is_waited_for:
            playing = asyncio.create_task(answered(story.ask))
            await eventually(is_waited_for)
            await Service(stack, "users").kill()
        confirmed = await playing
        await invariants.settle(shop.urls)
        await (story.assert_done() if confirmed.is_success else story.assert_failed())

    async def test_users_away_behind_the_pivot(self, stack: Stack, shop: Shop, house: House) -> None:
        """The ticket is the buyer's, and the seller gets the credits in the end."""
        story = await Confirmation.prepare(shop, house)
        async with AsyncExitStack() as until_later:
            async with shop.world.standstill("inventory") as is_waited_for:
                playing = asyncio.create_task(story.play())
                await eventually(is_waited_for)
                await until_later.enter_async_context(Service(stack, "users").down())
            await eventually(lambda: shop.world.read("orchestrator", TRIED_AGAIN, story.deal_id))
            await story.assert_ticket(story.buyer, "SOLD", price=AMOUNT)
        await playing
        await ends_well(shop, story)


class TestDoor:
    """Without an answer nobody goes in, and the same nonce tells afterwards what came of the scan."""

    async def test_inventory_dies_while_two_scan_one_ticket(self, stack: Stack, shop: Shop, house: House) -> None:
        ticket = await Story.prepare(shop, house)
        code = await ticket.code()
        scans = [partial(ticket.scan, code, nonce=f"{ticket.seat_id}-{gate}") for gate in ("left", "right")]
        async with shop.world.standstill("inventory") as is_waited_for:
            scanning = [asyncio.create_task(scan()) for scan in scans]
            await eventually(is_waited_for)
            await Service(stack, "inventory").kill()
            assert {answer.status_code for answer in await asyncio.gather(*scanning)} == {503}
        results = [(await same_again(scan))["result"] for scan in scans]
        assert sorted(results) == await logged(shop, ticket) == ["DUPLICATE", "SUCCESS"]

    async def test_orchestrator_dies_while_a_ticket_is_scanned(self, stack: Stack, shop: Shop, house: House) -> None:
        ticket = await Story.prepare(shop, house)
        scan = partial(ticket.scan, await ticket.code(), nonce=f"{ticket.seat_id}")
        async with shop.world.standstill("inventory") as is_waited_for:
            scanning = asyncio.create_task(scan())
            await eventually(is_waited_for)
            await Service(stack, "orchestrator").kill()
            assert is_pending(await scanning)
        assert (await same_again(scan))["result"] == "SUCCESS"
        assert await logged(shop, ticket) == ["SUCCESS"]

    @pytest.mark.parametrize("name", ["inventory", "orders"])
    async def test_somebody_who_must_be_asked_is_away(
        self, *, stack: Stack, shop: Shop, house: House, name: str
    ) -> None:
        ticket = await Story.prepare(shop, house)
        scan = partial(ticket.scan, await ticket.code(), nonce=f"{ticket.seat_id}")
        async with Service(stack, name).down():
            refusal = await scan()
            assert (refusal.status_code, refusal.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")
        assert await logged(shop, ticket) == []
        assert (await same_again(scan))["result"] == "SUCCESS"
        assert await logged(shop, ticket) == ["SUCCESS"]


async def played_to_the_death(shop: Shop, doom: Doom, story: Story | LostConcert, *, at: tuple[Moment, str]) -> None:
    """Play a story whose orchestrator dies; whatever it had in hand is somebody else's at once."""
    doom.arm(*at)
    playing = asyncio.create_task(story.play())
    await eventually(lambda: doom.has_struck or playing.done())
    await shop.end_leases()
    await playing
    assert doom.has_struck


async def ends_well(shop: Shop, story: Story | LostConcert) -> None:
    """Check a story's end, when the last word of it is written: a repeated question may be answered before."""
    await invariants.settle(shop.urls)
    await story.assert_done()


async def logged(shop: Shop, ticket: Story) -> list[str]:
    """Return the results of the scans of a ticket, sorted."""
    rows = await shop.world.read("inventory", "SELECT result FROM entry_logs WHERE seat_id = $1", ticket.seat_id)
    return sorted(row["result"] for row in rows)
