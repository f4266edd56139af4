"""Workers start the payouts that are due, each once (Q6)."""

import asyncio
from decimal import Decimal
from typing import Final

from orchestrator.container import FEATURES, Container
from orchestrator.features.payouts.jobs import PayoutSchedule
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import LoggingObserver
from orchestrator.saga_engine.repository import SagaLog
from tests.contracts.databases import Databases
from tests.contracts.item_fixtures import EARLIER, PRICE
from tests.contracts.payout import sell_batched_tips
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

LONG_SECONDS: Final = 86_400.0
_PAYOUTS: Final = "SELECT number, amount FROM payouts WHERE performer_user_id = $1"
_SAGAS: Final = "SELECT state FROM sagas WHERE kind = 'payout' AND requested_by = $1"


def schedule(container: Container, *, amount: Decimal = 2 * PRICE) -> PayoutSchedule:
    """Return the schedule of a worker with an engine of its own.

    Args:
        amount: of pending earnings that are paid out at once.
    """
    resources = container.resources
    plans = [plan for feature in FEATURES for plan in feature.plans(resources)]
    log = SagaLog(resources.database, plans, wake_relay=resources.relay.wake)
    engine = SagaEngine(log, plans, LoggingObserver(), request_budget_seconds=ANSWER_SECONDS)
    return PayoutSchedule(engine, resources.clients, interval_seconds=LONG_SECONDS, amount=amount)


async def test_two_workers_at_once_make_one_payout(container: Container, databases: Databases) -> None:
    performer = await sell_batched_tips(container, databases, 2)

    async def second_has_decided() -> bool:
        return second.done() or len(await databases.read("orchestrator", _SAGAS, performer)) > 1

    async with databases.writes_blocked("users") as is_blocked:
        first = asyncio.ensure_future(schedule(container).start_due())
        await eventually(is_blocked)
        second = asyncio.ensure_future(schedule(container).start_due())  # the payout is due still
        await eventually(second_has_decided)
    await asyncio.gather(first, second)

    assert await databases.read("users", _PAYOUTS, performer) == [{"number": 1, "amount": 2 * PRICE}]
    assert await databases.read("orchestrator", _SAGAS, performer) == [{"state": "COMPLETED"}]
    assert await databases.balance_of(performer) == EARLIER + 2 * PRICE


async def test_next_earnings_are_paid_by_the_next_payout(container: Container, databases: Databases) -> None:
    performer = await sell_batched_tips(container, databases, 1)
    workers = schedule(container), schedule(container, amount=PRICE)
    for worker in workers:  # for the first one, the earnings are neither old nor large enough
        await worker.start_due()
        await worker.start_due()

    assert await databases.read("users", _PAYOUTS, performer) == [{"number": 1, "amount": PRICE}]


async def test_old_earnings_are_paid_whatever_their_sum(container: Container, databases: Databases) -> None:
    performer = await sell_batched_tips(container, databases, 1)
    aged = "UPDATE pending_earnings SET created_at = now() - interval '2 days' WHERE performer_user_id = $1"
    await databases.change("users", aged, performer)

    await schedule(container, amount=Decimal("1000000.00")).start_due()

    assert await databases.read("users", _PAYOUTS, performer) == [{"number": 1, "amount": PRICE}]


async def test_refused_payout_is_started_again(container: Container, databases: Databases) -> None:
    performer = await sell_batched_tips(container, databases, 2)
    await databases.change("users", "UPDATE users SET deleted_at = now() WHERE user_id = $1", performer)
    await schedule(container).start_due()
    await databases.change("users", "UPDATE users SET deleted_at = NULL WHERE user_id = $1", performer)

    await schedule(container).start_due()

    assert await databases.read("users", _PAYOUTS, performer) == [{"number": 1, "amount": 2 * PRICE}]
    states = [saga["state"] for saga in await databases.read("orchestrator", _SAGAS, performer)]
    assert sorted(states) == ["COMPLETED", "UNWOUND"]
