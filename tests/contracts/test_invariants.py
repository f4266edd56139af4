"""The checker sees what it is for: each rule is broken once, by hand, in a world that was in order."""

import uuid
from typing import Any, Final

import pytest

from devstack.invariants import InvariantChecker
from orchestrator.clients.inventory.check_in import Scan, ScanResult
from orchestrator.container import Container
from orchestrator.saga_engine.plan import SagaData
from orchestrator.saga_engine.record import SagaState
from tests.contracts.breaches import BREACHES, Breach
from tests.contracts.deals import Deals
from tests.contracts.halls import Hall
from tests.contracts.scenarios import PREPARE
from tests.contracts.world import World

ADMISSION: Final = "admission"
FACTS: Final = (
    "order_id", "transfer_id", "listing_id", "sale_id", "event_id", "seat_id", "user_id", "seller_user_id",
    "buyer_user_id",
)  # fmt: skip


@pytest.fixture(autouse=True)
async def invariants_hold(inspector: InvariantChecker) -> None:
    """Here they do not: what a test broke stays broken. Before it the rest of the world is in order."""
    await inspector.settle()


class Story:
    """Plays a saga without faults, or admits somebody, and tells the facts of it."""

    def __init__(self, container: Container, world: World, hall: Hall) -> None:
        self._container, self._world, self._hall = container, world, hall

    async def tell(self, kind: str, *, waits: bool) -> dict[str, Any]:
        if kind == ADMISSION:
            return await self._admission()
        scenario, engine = (
            await PREPARE[kind](self._container, self._world, self._hall),
            self._container.resources.engine,
        )
        saga = await engine.start(kind, scenario.data, requested_by=scenario.requested_by)
        if saga.state is SagaState.WAITING and not waits:
            signal = engine.step_name(saga)
            woken = await engine.signal(saga.saga_id, signal, kind=kind, signalled_by=scenario.requested_by)
            assert woken is not None
            saga = woken
        assert saga.state is (SagaState.WAITING if waits else SagaState.COMPLETED), saga.error
        return facts_of(saga.data)

    async def _admission(self) -> dict[str, Any]:
        [owned] = await Deals(self._container, self._world, self._hall).buy()
        scan = Scan(
            staff_user_id=uuid.uuid4(),
            hall_presented=self._hall.hall_id,
            hall_expected=self._hall.hall_id,
            seat_id=owned.ticket.seat_id,
            event_id=owned.ticket.event_id,
            ticket_user_id=owned.owner_id,
        )
        outcome = await self._container.resources.clients.check_in.check_in(uuid.uuid4(), scan)
        assert outcome.result is ScanResult.SUCCESS
        return {"seat_id": owned.ticket.seat_id}


def facts_of(data: SagaData) -> dict[str, Any]:
    sources = (data, getattr(data, "ticket", None))
    return {name: getattr(source, name) for name in FACTS for source in sources if hasattr(source, name)}


@pytest.fixture(scope="module")
def story(container: Container, world: World, hall: Hall) -> Story:
    return Story(container, world, hall)


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
async def test_a_breach_is_seen(story: Story, world: World, inspector: InvariantChecker, breach: Breach) -> None:
    known = set(await inspector.check())
    facts = await story.tell(breach.saga, waits=breach.waits)
    await inspector.settle()
    assert set(await inspector.check()) <= known, "the story itself broke something"
    await world.forge(breach.where, breach.sql, *(facts[name] for name in breach.by))
    told = "\n".join(set(await inspector.check()) - known)
    for expected in breach.tells:
        assert expected.format(**facts) in told, told


async def test_a_saga_that_is_left_to_people_is_seen(story: Story, world: World, inspector: InvariantChecker) -> None:
    facts = await story.tell("purchase", waits=False)
    await world.change("orchestrator", "UPDATE sagas SET state = 'STUCK' WHERE saga_id = $1", facts["order_id"])
    [told] = [violation for violation in await inspector.check() if str(facts["order_id"]) in violation]
    assert told.startswith(f"saga {facts['order_id']} (purchase) is STUCK")
    # Others wait until nothing is in hand.
    await world.change("orchestrator", "UPDATE sagas SET state = 'COMPLETED' WHERE saga_id = $1", facts["order_id"])


async def test_a_seat_in_two_pending_transfers_is_seen(story: Story, world: World, inspector: InvariantChecker) -> None:
    facts = await story.tell("transfer", waits=True)
    await world.change("orders", "DROP INDEX uq_transfers_ticket_pending")
    await world.forge(
        "orders",
        """INSERT INTO transfers (transfer_id, seat_id, order_id, event_id, category, row_number, seat_number,
               seller_user_id, buyer_user_id, initiated_by_user_id, credits_amount, status, moved_by_request_id, expires_at)
           SELECT gen_random_uuid(), seat_id, order_id, event_id, category, row_number, seat_number,
               seller_user_id, buyer_user_id, initiated_by_user_id, credits_amount, status, moved_by_request_id, expires_at
           FROM transfers WHERE transfer_id = $1""",
        facts["transfer_id"],
    )
    assert f"seat {facts['seat_id']} is in 2 pending transfers" in await inspector.check()


async def test_a_negative_wallet_is_seen(story: Story, world: World, inspector: InvariantChecker) -> None:
    facts = await story.tell("purchase", waits=False)
    await world.change("users", "ALTER TABLE balances DROP CONSTRAINT ck_balances_not_negative")
    await world.forge(
        "users",
        "UPDATE balances SET amount = -1 WHERE account_kind = 'wallet' AND account_owner = $1",
        str(facts["user_id"]),
    )
    assert f"wallet of {facts['user_id']} is negative" in await inspector.check()
