"""The checker finds violations: a test violates each rule once, in databases that satisfy all of them."""

import uuid
from typing import Any, Final

import pytest

from invariants import InvariantChecker
from orchestrator.clients.inventory.check_in import Scan, ScanResult
from orchestrator.container import Container
from orchestrator.saga_engine.plan import SagaData
from orchestrator.saga_engine.record import SagaState
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.scenarios import PREPARE
from tests.contracts.ticket_fixtures import TicketFixtures
from tests.contracts.violation import Violation
from tests.contracts.violations import VIOLATIONS
from tests.support.waiting import eventually

ADMISSION: Final = "admission"
FACTS: Final = (
    "saga_id", "order_id", "transfer_id", "listing_id", "sale_id", "event_id", "seat_id", "user_id", "seller_user_id",
    "buyer_user_id", "performer_id", "performer_user_id", "payout_id",
)  # fmt: skip


@pytest.fixture(autouse=True)
async def invariants_hold(checker: InvariantChecker) -> None:
    """Settle instead of checking: a test's violation persists, and all else is consistent before it."""
    await checker.settle()


class SagaRunner:
    """Runs a saga without faults, or admits a ticket, and returns its ids."""

    def __init__(self, container: Container, databases: Databases, event: PublishedEvent) -> None:
        self._container, self._databases, self._event = container, databases, event

    async def run(self, kind: str, *, waits: bool) -> dict[str, Any]:
        if kind == ADMISSION:
            return await self._admission()
        scenario, engine = (
            await PREPARE[kind](self._container, self._databases, self._event),
            self._container.resources.engine,
        )
        kind = scenario.plan.kind  # it may have several scenarios
        saga = await engine.start(kind, scenario.data, requested_by=scenario.requested_by)
        if saga.state is SagaState.WAITING and not waits:
            signal = saga.step
            await scenario.before_signal(signal)
            woken = await engine.signal(saga.saga_id, signal, kind=kind, signalled_by=scenario.requested_by)
            assert woken is not None
            saga = woken
        assert saga.state is (SagaState.WAITING if waits else SagaState.COMPLETED), saga.error
        return facts_of(saga.data)

    async def _admission(self) -> dict[str, Any]:
        [owned] = await TicketFixtures(self._container, self._databases, self._event).buy()
        scan = Scan(
            staff_user_id=uuid.uuid4(),
            hall_presented=self._event.hall_id,
            hall_expected=self._event.hall_id,
            seat_id=owned.ticket.seat_id,
            event_id=owned.ticket.event_id,
            ticket_user_id=owned.owner_id,
        )
        outcome = await self._container.resources.clients.check_in.check_in(uuid.uuid4(), scan)
        assert outcome.result is ScanResult.SUCCESS
        return {"seat_id": owned.ticket.seat_id}


def facts_of(data: SagaData) -> dict[str, Any]:
    sources = (data, getattr(data, "ticket", None), getattr(data, "item", None))
    return {name: getattr(source, name) for name in FACTS for source in sources if hasattr(source, name)}


@pytest.fixture(scope="module")
def sagas(container: Container, databases: Databases, event: PublishedEvent) -> SagaRunner:
    return SagaRunner(container, databases, event)


@pytest.mark.parametrize("violation", VIOLATIONS.values(), ids=VIOLATIONS)
async def test_violation_is_reported(
    sagas: SagaRunner, databases: Databases, checker: InvariantChecker, violation: Violation
) -> None:
    known = set(await checker.check())
    facts = await sagas.run(violation.saga, waits=violation.waits)

    async def holds() -> bool:  # after the message that tells whose turn it is
        await checker.settle()
        return set(await checker.check()) <= known

    assert await eventually(holds), "the saga itself violates an invariant"
    await databases.corrupt(violation.database, violation.sql, *(str(facts[name]) for name in violation.parameters))
    reported = "\n".join(set(await checker.check()) - known)
    for expected in violation.expected:
        assert expected.format(**facts) in reported, reported


async def test_stuck_saga_is_reported(sagas: SagaRunner, databases: Databases, checker: InvariantChecker) -> None:
    facts = await sagas.run("purchase", waits=False)
    await databases.change("orchestrator", "UPDATE sagas SET state = 'STUCK' WHERE saga_id = $1", facts["order_id"])
    [reported] = [each for each in await checker.check() if str(facts["order_id"]) in each]
    assert reported.startswith(f"saga {facts['order_id']} (purchase) is STUCK")
    # Other tests wait until no saga is in progress.
    await databases.change("orchestrator", "UPDATE sagas SET state = 'COMPLETED' WHERE saga_id = $1", facts["order_id"])


async def test_item_that_is_not_in_the_earnings_is_reported(
    sagas: SagaRunner, databases: Databases, checker: InvariantChecker
) -> None:
    item_id, other_id = (await sagas.run("item purchase with a device", waits=False))["saga_id"], uuid.uuid4()
    await checker.settle()
    await databases.corrupt("orders", "UPDATE earnings SET item_id = $2 WHERE item_id = $1", item_id, other_id)
    reported = "\n".join(await checker.check())
    # Other tests wait until all earnings are recorded.
    await databases.corrupt("orders", "UPDATE earnings SET item_id = $1 WHERE item_id = $2", item_id, other_id)
    assert f"purchased item {item_id} is not in the earnings of" in reported
    assert f"are recorded wrongly: {other_id}" in reported


@pytest.mark.parametrize("package", ["users", "orders", "inventory", "orchestrator"])
async def test_unsent_message_is_reported(databases: Databases, checker: InvariantChecker, package: str) -> None:
    message_id = uuid.uuid4()
    await databases.change(
        package,
        "INSERT INTO outbox (message_id, exchange, routing_key, body) VALUES ($1, '', 'no.such.queue', '')",
        message_id,
    )
    assert f"{package} has not sent no.such.queue {message_id}" in await checker.check()
    # Other tests wait until every message is sent.
    await databases.change(package, "DELETE FROM outbox WHERE message_id = $1", message_id)


async def test_seat_in_two_pending_transfers_is_reported(
    sagas: SagaRunner, databases: Databases, checker: InvariantChecker
) -> None:
    facts = await sagas.run("transfer", waits=True)
    await databases.change("orders", "DROP INDEX uq_transfers_ticket_pending")
    await databases.corrupt(
        "orders",
        """INSERT INTO transfers (transfer_id, seat_id, order_id, event_id, category, row_number, seat_number,
               seller_user_id, buyer_user_id, initiated_by_user_id, credits_amount, status, moved_by_request_id, expires_at)
           SELECT gen_random_uuid(), seat_id, order_id, event_id, category, row_number, seat_number,
               seller_user_id, buyer_user_id, initiated_by_user_id, credits_amount, status, moved_by_request_id, expires_at
           FROM transfers WHERE transfer_id = $1""",
        facts["transfer_id"],
    )
    assert f"seat {facts['seat_id']} is in 2 pending transfers" in await checker.check()


async def test_two_seats_of_one_label_are_reported(
    databases: Databases, checker: InvariantChecker, event: PublishedEvent
) -> None:
    [seat_id] = event.take(1)
    await databases.corrupt(
        "inventory", "UPDATE seats SET seat_number = seat_number % 20 + 1 WHERE seat_id = $1", seat_id
    )
    assert any(f"of event {event.event_id} has two seats" in each for each in await checker.check())


async def test_two_events_in_one_hall_are_reported(
    databases: Databases, checker: InvariantChecker, event: PublishedEvent
) -> None:
    await databases.change("events", "ALTER TABLE events DROP CONSTRAINT ex_events_hall")
    await databases.corrupt(
        "events",
        """INSERT INTO events (event_id, venue_id, name, status, hall_id, event_date, ends_at, total_seats, layout)
           SELECT gen_random_uuid(), venue_id, name, 'DRAFT', hall_id, event_date, ends_at, total_seats, layout
           FROM events WHERE event_id = $1""",
        event.event_id,
    )
    [reported] = [each for each in await checker.check() if f"{event.event_id}" in each and "same time" in each]
    assert reported.endswith(f"have {event.hall_id} at the same time")


async def test_negative_wallet_is_reported(sagas: SagaRunner, databases: Databases, checker: InvariantChecker) -> None:
    facts = await sagas.run("purchase", waits=False)
    await databases.change("users", "ALTER TABLE balances DROP CONSTRAINT ck_balances_not_negative")
    await databases.corrupt(
        "users",
        "UPDATE balances SET amount = -1 WHERE account_kind = 'wallet' AND account_owner = $1",
        str(facts["user_id"]),
    )
    assert f"wallet of {facts['user_id']} is negative" in await checker.check()
