"""Subscriptions are paid once for each period, by whichever worker or request comes first."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from common.errors import Internal, InvalidRequest, NotFound, PaymentRequired, ServiceError
from orchestrator.container import Container
from orchestrator.features.purchased_items.saga.purchase import item_purchase_plan
from orchestrator.features.purchased_items.service import ItemPurchaseService
from orchestrator.features.subscriptions import jobs
from orchestrator.features.subscriptions.jobs import SubscriptionRenewal
from orchestrator.features.subscriptions.schemas import Subscribed
from orchestrator.features.subscriptions.service import SubscriptionService
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import LoggingObserver
from orchestrator.saga_engine.repository import SagaLog
from tests.contracts.databases import Databases
from tests.contracts.faults import (
    FOREVER,
    Faults,
    RemoteCall,
    done_and_refused_by_another_release,
    faulty,
    refused_by_another_release,
    request_lost,
    response_lost,
)

CREDITS: Final = Decimal("100.00")
PRICE: Final = Decimal("15.00")
BUDGET_SECONDS: Final = 30.0

NewEngine = Callable[..., SagaEngine]


@pytest.fixture
def new_engine(container: Container) -> NewEngine:
    """The engine of another process, with faults in its calls."""
    resources = container.resources

    def make(faults: Faults | None = None) -> SagaEngine:
        plans = [faulty(item_purchase_plan(resources.clients, resources.jobs), faults or Faults())]
        log = SagaLog(resources.database, plans, wake_relay=resources.relay.wake)
        return SagaEngine(log, plans, LoggingObserver(), request_budget_seconds=BUDGET_SECONDS)

    return make


@dataclass(frozen=True)
class Fan:
    """A fan who may subscribe to a performer, and what became of it."""

    user_id: uuid.UUID
    performer_id: uuid.UUID
    container: Container
    databases: Databases

    async def subscribe(self, *, engine: SagaEngine | None = None, key: str | None = None) -> Subscribed:
        clients = self.container.resources.clients
        purchases = ItemPurchaseService(engine or self.container.resources.engine, clients)
        subscriptions = SubscriptionService(clients, purchases)
        return await subscriptions.subscribe(self.performer_id, fan_id=self.user_id, key=key, address="")

    async def end_period(self, *, in_minutes: int = 0) -> None:
        await self._change(f"ends_at = now() + interval '{in_minutes} minutes'")

    async def cancel(self) -> None:
        await self._change("renews = false, cancelled_at = now()")

    async def set_price(self, price: Decimal | None) -> None:
        await self.set_performer("subscription_price", price)

    async def set_performer(self, column: str, value: Any) -> None:
        statement = f"UPDATE performers SET {column} = $1 WHERE performer_id = $2"  # noqa: S608 - a constant
        await self.databases.change("events", statement, value, self.performer_id)

    async def change_performers_account(self, changes: str) -> None:
        statement = f"UPDATE users SET {changes} WHERE user_id = $1"  # noqa: S608 - constants
        await self.databases.change("users", statement, self.performer_id)

    async def subscription(self) -> dict[str, Any]:
        statement = "SELECT * FROM subscriptions WHERE user_id = $1"
        rows = await self.databases.read("orders", statement, self.user_id)
        return rows[0] if rows else {}

    async def is_renewed(self) -> bool:
        """Return whether a second period was paid, and check that it was paid once."""
        subscription = await self.subscription()
        is_renewed: bool = subscription["periods"] == 2
        assert is_renewed or subscription["periods"] == 1
        return is_renewed

    async def balance(self) -> Decimal:
        return await self.databases.balance_of(self.user_id)

    async def messages(self) -> list[str]:
        statement = """
            SELECT routing_key FROM outbox WHERE routing_key LIKE 'subscription.%'
            AND convert_from(body, 'UTF8')::jsonb #>> '{data,buyer_user_id}' = $1 ORDER BY created_at
        """
        return [row["routing_key"] for row in await self.databases.read("orders", statement, str(self.user_id))]

    async def _change(self, changes: str) -> None:
        statement = f"UPDATE subscriptions SET {changes} WHERE user_id = $1"  # noqa: S608 - constants
        await self.databases.change("orders", statement, self.user_id)


SELLS_NOTHING = ["suspended_at = now()", "roles = '{customer}'"]

NewFan = Callable[..., Awaitable[Fan]]


@pytest.fixture
def new_fan(container: Container, databases: Databases) -> NewFan:
    async def make(*, credits_: Decimal = CREDITS) -> Fan:
        performer_id = await databases.new_performer("1.00")
        statement = "INSERT INTO performers (performer_id, display_name, subscription_price) VALUES ($1, 'Nova', $2)"
        await databases.change("events", statement, performer_id, PRICE)
        return Fan(await databases.new_fan(f"{credits_}"), performer_id, container, databases)

    return make


@pytest.fixture
async def fan(new_fan: NewFan) -> Fan:
    return await new_fan()


@pytest.fixture
async def due(fan: Fan) -> Fan:
    """A fan whose first period has ended."""
    await fan.subscribe()
    await fan.end_period()
    return fan


@pytest.fixture
def renewal(container: Container) -> SubscriptionRenewal:
    return SubscriptionRenewal(container.resources.engine, container.resources.clients)


class TestSubscribe:
    async def test_period_is_paid_to_the_performer(self, fan: Fan) -> None:
        subscribed = await fan.subscribe()
        assert (subscribed.credits_charged, subscribed.price, subscribed.periods) == (PRICE, PRICE, 1)
        assert subscribed.renews
        assert subscribed.is_active
        assert await fan.balance() == CREDITS - PRICE
        assert await fan.databases.balance_of(fan.performer_id) == PRICE + Decimal("1.00")
        assert await fan.messages() == ["subscription.started"]

    async def test_active_subscription_costs_nothing(self, fan: Fan) -> None:
        first, again = await fan.subscribe(), await fan.subscribe()
        assert again == first.model_copy(update={"credits_charged": Decimal(0)})
        assert await fan.balance() == CREDITS - PRICE

    async def test_cancelled_subscription_renews_again(self, fan: Fan) -> None:
        await fan.subscribe()
        await fan.cancel()
        again = await fan.subscribe()
        assert (again.renews, again.periods, again.credits_charged) == (True, 1, Decimal(0))
        assert await fan.balance() == CREDITS - PRICE

    async def test_request_repeated_after_the_cancellation_does_not_undo_it(self, fan: Fan) -> None:
        first = await fan.subscribe(key="the key")
        await fan.cancel()
        again = await fan.subscribe(key="the key")
        assert (first.credits_charged, again.credits_charged, again.renews) == (PRICE, PRICE, False)
        assert await fan.balance() == CREDITS - PRICE

    @pytest.mark.parametrize("keys", [(None, None), ("one", "two"), ("one", "one")])
    async def test_concurrent_requests_pay_one_period(
        self, fan: Fan, new_engine: NewEngine, keys: tuple[str | None, str | None]
    ) -> None:
        requests = (fan.subscribe(engine=new_engine(), key=key) for key in keys * 4)
        answers = await asyncio.gather(*requests, return_exceptions=True)
        assert {answer.code for answer in answers if isinstance(answer, ServiceError)} <= {"REQUEST_IN_PROGRESS"}
        assert any(isinstance(answer, Subscribed) for answer in answers)
        assert (await fan.subscription())["periods"] == 1
        assert await fan.balance() == CREDITS - PRICE

    async def test_refused_request_can_be_repeated(self, new_fan: NewFan) -> None:
        fan = await new_fan(credits_=PRICE - Decimal("0.01"))
        for _ in range(2):
            with pytest.raises(PaymentRequired):
                await fan.subscribe()
        assert await fan.subscription() == {}
        await fan.set_price(PRICE - Decimal("0.01"))
        assert (await fan.subscribe()).credits_charged == PRICE - Decimal("0.01")

    @pytest.mark.parametrize(
        ("column", "value", "code"),
        [("subscription_price", None, "ITEM_INACTIVE"), ("is_active", False, "PERFORMER_NOT_FOUND")],
    )
    async def test_performer_without_subscriptions_is_refused(
        self, fan: Fan, column: str, value: object, code: str
    ) -> None:
        await fan.set_performer(column, value)
        with pytest.raises(ServiceError) as refused:
            await fan.subscribe()
        assert refused.value.code == code

    @pytest.mark.parametrize("changes", SELLS_NOTHING)
    async def test_user_who_is_no_performer_any_more_is_not_paid(self, fan: Fan, changes: str) -> None:
        await fan.change_performers_account(changes)
        with pytest.raises(ServiceError) as refused:
            await fan.subscribe()
        assert refused.value.code == "PERFORMER_NOT_FOUND"
        assert (await fan.balance(), await fan.subscription()) == (CREDITS, {})

    async def test_lapsed_subscription_begins_again(self, fan: Fan) -> None:
        await fan.subscribe()
        await fan.cancel()
        await fan.end_period()
        again = await fan.subscribe()
        assert (again.periods, again.credits_charged, again.renews) == (2, PRICE, True)


class TestRenewal:
    async def test_workers_at_once_pay_one_period(self, due: Fan, container: Container, new_engine: NewEngine) -> None:
        clients = container.resources.clients
        workers = [SubscriptionRenewal(new_engine(), clients) for _ in range(4)]
        await asyncio.gather(*(worker.renew_due() for worker in workers))
        assert await due.is_renewed()
        assert await due.balance() == CREDITS - 2 * PRICE
        assert await due.messages() == ["subscription.started", "subscription.renewed"]
        assert (await due.subscribe()).is_active

    async def test_request_and_worker_at_once_pay_one_period(self, due: Fan, renewal: SubscriptionRenewal) -> None:
        answers = await asyncio.gather(due.subscribe(), renewal.renew_due(), return_exceptions=True)
        assert {answer.code for answer in answers if isinstance(answer, ServiceError)} <= {"REQUEST_IN_PROGRESS"}
        await renewal.renew_due()
        assert await due.is_renewed()
        assert await due.balance() == CREDITS - 2 * PRICE

    async def test_access_has_no_gap(self, fan: Fan, renewal: SubscriptionRenewal) -> None:
        await fan.subscribe()
        await fan.end_period(in_minutes=59)
        before = (await fan.subscription())["ends_at"]
        await renewal.renew_due()
        assert await fan.is_renewed()
        assert (await fan.subscription())["ends_at"] == before + timedelta(days=30)
        assert await fan.balance() == CREDITS - 2 * PRICE

    async def test_period_that_ends_later_is_not_renewed(self, fan: Fan, renewal: SubscriptionRenewal) -> None:
        await fan.subscribe()
        await renewal.renew_due()
        assert not await fan.is_renewed()

    @pytest.mark.parametrize("present", [PRICE - 1, PRICE + 1])
    async def test_smaller_one_of_agreed_and_present_price_counts(
        self, due: Fan, renewal: SubscriptionRenewal, present: Decimal
    ) -> None:
        await due.set_price(present)
        await renewal.renew_due()
        assert await due.is_renewed()
        assert await due.balance() == CREDITS - PRICE - min(PRICE, present)

    @pytest.mark.parametrize(
        ("column", "value", "reason"),
        [
            ("is_active", False, "PERFORMER_NOT_FOUND"),
            ("subscription_price", None, "ITEM_INACTIVE"),
        ],
    )
    async def test_ends_with_its_performer(
        self, *, due: Fan, renewal: SubscriptionRenewal, column: str, value: object, reason: str
    ) -> None:
        await due.set_performer(column, value)
        await self._ends(due, renewal, reason=reason)

    @pytest.mark.parametrize("changes", SELLS_NOTHING)
    async def test_ends_if_the_user_is_no_performer_any_more(
        self, due: Fan, renewal: SubscriptionRenewal, changes: str
    ) -> None:
        await due.change_performers_account(changes)
        await self._ends(due, renewal, reason="PERFORMER_NOT_FOUND")

    @pytest.mark.parametrize(
        ("changes", "reason"), [("is_flagged = true", "OTP_REQUIRED"), ("suspended_at = now()", "ACCOUNT_SUSPENDED")]
    )
    async def test_ends_if_the_fan_may_not_pay(
        self, due: Fan, renewal: SubscriptionRenewal, changes: str, reason: str
    ) -> None:
        statement = f"UPDATE users SET {changes} WHERE user_id = $1"  # noqa: S608 - constants
        await due.databases.change("users", statement, due.user_id)
        await self._ends(due, renewal, reason=reason)

    async def test_ends_without_credits(self, due: Fan, renewal: SubscriptionRenewal) -> None:
        await due.databases.spend(due.user_id, f"{CREDITS - 2 * PRICE + 1}")
        await self._ends(due, renewal, reason="INSUFFICIENT_CREDITS")

    async def _ends(self, due: Fan, renewal: SubscriptionRenewal, *, reason: str) -> None:
        before = await due.balance()
        for _ in range(2):
            await renewal.renew_due()
        subscription = await due.subscription()
        assert (subscription["renews"], subscription["periods"], subscription["end_reason"]) == (False, 1, reason)
        assert await due.messages() == ["subscription.started", "subscription.ended"]
        assert await due.balance() == before

    @pytest.mark.parametrize("step", ["open item", "hold credits"])
    @pytest.mark.parametrize(
        "fault",
        [
            request_lost(FOREVER),
            response_lost(FOREVER),
            refused_by_another_release(Internal()),
            refused_by_another_release(InvalidRequest()),
            refused_by_another_release(NotFound()),
            done_and_refused_by_another_release(Internal()),
        ],
    )
    async def test_outage_ends_nothing_and_is_tried_again(
        self,
        *,
        due: Fan,
        container: Container,
        renewal: SubscriptionRenewal,
        new_engine: NewEngine,
        step: str,
        fault: Any,
    ) -> None:
        faults = Faults().inject(step, "action", fault, retries_forever=False)
        await SubscriptionRenewal(new_engine(faults), container.resources.clients).renew_due()
        assert (step, "action") in faults.triggered
        assert (await due.subscription())["renews"]
        assert not await due.is_renewed()
        await renewal.renew_due()
        assert await due.is_renewed()
        assert await due.balance() == CREDITS - 2 * PRICE

    async def test_one_that_stays_stops_no_other(
        self, *, due: Fan, new_fan: NewFan, renewal: SubscriptionRenewal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jobs, "BATCH", 1)
        later = await new_fan()
        await later.subscribe()
        await later.end_period()
        await due.set_price(Decimal("NaN"))
        await renewal.renew_due()
        assert (await due.is_renewed(), await later.is_renewed()) == (False, True)

    async def test_performer_who_cannot_be_read_ends_nothing(self, due: Fan, renewal: SubscriptionRenewal) -> None:
        await due.set_price(Decimal("NaN"))
        await renewal.renew_due()
        assert (await due.subscription())["renews"]
        await due.set_price(PRICE)
        await renewal.renew_due()
        assert await due.is_renewed()

    @pytest.mark.parametrize(("step", "is_renewed"), [("open item", False), ("hold credits", True)])
    async def test_subscription_cancelled_meanwhile_renews_no_more(
        self, *, due: Fan, container: Container, new_engine: NewEngine, step: str, is_renewed: bool
    ) -> None:
        async def after_the_cancellation(call: RemoteCall) -> Any:
            await due.cancel()
            return await call()

        faults = Faults().inject(step, "action", after_the_cancellation)
        await SubscriptionRenewal(new_engine(faults), container.resources.clients).renew_due()
        assert await due.is_renewed() == is_renewed
        assert await due.balance() == CREDITS - PRICE * (1 + is_renewed)
        assert not (await due.subscription())["renews"]

    async def test_renewal_is_announced_once(self, fan: Fan, renewal: SubscriptionRenewal) -> None:
        await fan.subscribe()
        await renewal.remind()
        assert await fan.messages() == ["subscription.started"]
        await fan._change("ends_at = now() + interval '2 days'")  # noqa: SLF001 - of this module
        for _ in range(2):
            await renewal.remind()
        assert await fan.messages() == ["subscription.started", "subscription.ending_soon"]
