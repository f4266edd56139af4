"""Subscriptions: periods that are paid, cancelled, renewed, announced and ended."""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from common.auth.principal import Role
from common.db.engine import Database
from common.pages import Cursor
from tests.integration.orders.item_caller import Item, ItemCaller
from tests.integration.orders.orders_caller import OrdersCaller
from tests.support.callers import Caller
from tests.support.user_tokens import UserTokenMint

DAYS: Final = 30


@pytest.fixture
def orchestrator(orders_caller: OrdersCaller) -> Caller:
    return orders_caller.orchestrator


class Subscriptions:
    """Pays for subscriptions, and reads what the service stores of them."""

    def __init__(self, database: Database, orchestrator: Caller) -> None:
        self.database = database
        self.orchestrator = orchestrator
        self.user_id, self.performer_id = str(uuid.uuid4()), str(uuid.uuid4())
        self._items = ItemCaller(orchestrator)

    async def open(
        self, *, price: str = "15.00", kind: str = "subscription", renewed_periods: int | None = None
    ) -> Item:
        """Begin a purchase."""
        renewal = {"renewed_periods": renewed_periods}
        return await self._items.at("OPENING", **{**self.of_kind(kind), **renewal, "price": price})

    async def open_renewal(self, *, renewed_periods: int) -> httpx.Response:
        """Try to begin a renewal."""
        return await self._items.open(**self.of_kind("subscription"), renewed_periods=renewed_periods)

    def of_kind(self, kind: str) -> dict[str, str]:
        parties = {"buyer_user_id": self.user_id, "performer_id": self.performer_id, "offer_id": self.performer_id}
        return {"type": kind, "execution_mode": "IMMEDIATE", **parties}

    async def complete(self, item: Item) -> None:
        assert (await self._items.perform(item, "complete")).status_code == 200

    async def pay(self, **changes: Any) -> Item:
        item = await self.open(**changes)
        await self.complete(item)
        return item

    async def find(self) -> dict[str, Any]:
        answer = await self.orchestrator.get(
            "/internal/subscriptions", user_id=self.user_id, performer_id=self.performer_id
        )
        [found] = answer.json()["data"]
        return dict(found)

    async def messages(self) -> list[dict[str, Any]]:
        """Return the announcements, in the order of their writes."""
        rows = await self.database.fetch_all(text("SELECT routing_key, body FROM outbox ORDER BY created_at"))
        bodies = [json.loads(bytes(row["body"])) for row in rows if row["routing_key"].startswith("subscription.")]
        return [body for body in bodies if body["data"]["buyer_user_id"] == self.user_id]

    async def announced(self) -> list[str]:
        return [message["type"].removeprefix("subscription.") for message in await self.messages()]

    async def lapse(self, *, days: int = 0, minutes: int = 0) -> None:
        """Let the period end now, or some time ago, or in some time if negative."""
        change = """
            UPDATE subscriptions SET ends_at = now() - make_interval(days => :days, mins => :minutes)
            WHERE user_id = :user_id
        """
        parameters = {"days": days, "minutes": minutes, "user_id": uuid.UUID(self.user_id)}
        await self.database.execute(text(change), parameters)

    async def post(self, path: str, **body: Any) -> Any:
        subscription = await self.find()
        return await self.orchestrator.post(f"/internal/subscriptions/{subscription['subscription_id']}/{path}", body)


@pytest.fixture
def subscriptions(database: Database, orchestrator: Caller) -> Subscriptions:
    return Subscriptions(database, orchestrator)


def days_until(moment: str) -> int:
    return round((datetime.fromisoformat(moment) - datetime.now(UTC)) / timedelta(days=1))


def cursor_of(subscription: dict[str, Any]) -> Cursor:
    return Cursor(datetime.fromisoformat(subscription["ends_at"]), uuid.UUID(subscription["subscription_id"]))


class TestPeriod:
    async def test_first_one_starts_the_subscription(self, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()

        found = await subscriptions.find()
        [message] = await subscriptions.messages()

        assert (found["is_active"], found["renews"], found["periods"], found["price"]) == (True, True, 1, "15.00")
        assert days_until(found["ends_at"]) == DAYS
        assert (message["type"], message["source"], message["version"]) == ("subscription.started", "orders", 1)
        assert message["subject"] == found["subscription_id"]
        assert message["correlation_id"]
        assert datetime.fromisoformat(message["data"].pop("ends_at")) == datetime.fromisoformat(found["ends_at"])
        assert message["data"] == {
            "subscription_id": found["subscription_id"],
            "buyer_user_id": subscriptions.user_id,
            "seller_user_id": subscriptions.performer_id,
            "performer_id": subscriptions.performer_id,
            "price": "15.00",
            "renews": True,
        }

    async def test_next_one_extends_it_at_the_price_that_was_paid(self, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        await subscriptions.pay(price="12.00")

        found = await subscriptions.find()

        assert (found["periods"], found["price"], days_until(found["ends_at"])) == (2, "12.00", 2 * DAYS)
        assert await subscriptions.announced() == ["started", "renewed"]

    async def test_concurrent_ones_extend_it_as_often_as_they_were_paid(self, subscriptions: Subscriptions) -> None:
        await asyncio.gather(*(subscriptions.pay() for _ in range(5)))

        found = await subscriptions.find()

        assert (found["periods"], days_until(found["ends_at"])) == (5, 5 * DAYS)
        assert sorted(await subscriptions.announced()) == ["renewed"] * 4 + ["started"]

    async def test_late_renewal_begins_now(self, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        await subscriptions.lapse(days=2)
        await subscriptions.pay()

        assert days_until((await subscriptions.find())["ends_at"]) == DAYS
        assert await subscriptions.announced() == ["started", "renewed"]

    async def test_repeated_completion_begins_one(self, subscriptions: Subscriptions) -> None:
        item = await subscriptions.pay()
        await asyncio.gather(*(subscriptions.complete(item) for _ in range(3)))

        assert (await subscriptions.find())["periods"] == 1
        assert await subscriptions.announced() == ["started"]

    async def test_other_items_begin_none(self, subscriptions: Subscriptions) -> None:
        await subscriptions.pay(kind="menu_item")

        assert await subscriptions.messages() == []


class TestCancellation:
    @pytest.fixture
    async def fan(self, app: FastAPI, mint: UserTokenMint, subscriptions: Subscriptions) -> Any:
        async with Caller(app, mint.token(uuid.UUID(subscriptions.user_id))) as caller:
            yield caller

    async def test_stops_the_renewal_and_keeps_the_access(self, fan: Caller, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        path = f"/api/performers/{subscriptions.performer_id}/subscription"

        answers = [await fan.request("DELETE", path) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        cancelled = answers[0].json()["data"]
        assert (cancelled["renews"], cancelled["is_active"]) == (False, True)
        assert await subscriptions.announced() == ["started", "cancelled"]
        listed = (await fan.get("/api/subscriptions")).json()
        assert (listed["data"], listed["pagination"]["total"]) == ([cancelled], 1)

    async def test_without_a_subscription_finds_none(self, fan: Caller, subscriptions: Subscriptions) -> None:
        answer = await fan.request("DELETE", f"/api/performers/{subscriptions.performer_id}/subscription")

        assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")

    async def test_outlives_a_renewal_in_progress(self, fan: Caller, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        await subscriptions.lapse()
        renewal = await subscriptions.open(renewed_periods=1)
        await fan.request("DELETE", f"/api/performers/{subscriptions.performer_id}/subscription")

        await subscriptions.complete(renewal)

        found = await subscriptions.find()
        assert (found["renews"], found["is_active"], found["periods"]) == (False, True, 2)
        assert await subscriptions.announced() == ["started", "cancelled", "renewed"]

    async def test_outlives_a_purchase_in_progress(self, fan: Caller, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        await subscriptions.lapse()
        purchase = await subscriptions.open()
        await fan.request("DELETE", f"/api/performers/{subscriptions.performer_id}/subscription")

        await subscriptions.complete(purchase)

        assert not (await subscriptions.find())["renews"]

    async def test_comes_before_a_renewal_that_has_not_begun(self, fan: Caller, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        await subscriptions.lapse()
        await fan.request("DELETE", f"/api/performers/{subscriptions.performer_id}/subscription")

        answer = await subscriptions.open_renewal(renewed_periods=1)

        assert (answer.status_code, answer.json()["error_code"]) == (409, "SUBSCRIPTION_INVALID_STATE")

    async def test_is_undone_by_a_later_purchase(self, fan: Caller, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        await fan.request("DELETE", f"/api/performers/{subscriptions.performer_id}/subscription")
        await subscriptions.lapse()

        await subscriptions.pay()

        found = await subscriptions.find()
        assert (found["renews"], found["is_active"]) == (True, True)
        assert await subscriptions.announced() == ["started", "cancelled", "started"]

    async def test_is_resumed_before_the_end(self, fan: Caller, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        await fan.request("DELETE", f"/api/performers/{subscriptions.performer_id}/subscription")

        answers = [await subscriptions.post("resume") for _ in range(2)]

        assert [answer.json()["data"]["renews"] for answer in answers] == [True, True]

    async def test_is_not_resumed_after_the_end(self, fan: Caller, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        await fan.request("DELETE", f"/api/performers/{subscriptions.performer_id}/subscription")
        await subscriptions.lapse()

        answer = await subscriptions.post("resume")

        assert (answer.status_code, answer.json()["error_code"]) == (409, "SUBSCRIPTION_INVALID_STATE")
        assert not (await subscriptions.find())["renews"]

    async def test_resuming_an_unknown_one_finds_none(self, orchestrator: Caller) -> None:
        answer = await orchestrator.post(f"/internal/subscriptions/{uuid.uuid4()}/resume", {})

        assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")


class TestRenewal:
    async def due(self, orchestrator: Caller, subscriptions: Subscriptions) -> list[Any]:
        answer = await orchestrator.get("/internal/subscriptions/due", limit=1000)
        return [row for row in answer.json()["data"] if row["user_id"] == subscriptions.user_id]

    async def test_is_due_shortly_before_the_end_of_the_period(
        self, orchestrator: Caller, subscriptions: Subscriptions
    ) -> None:
        await subscriptions.pay()
        await subscriptions.lapse(minutes=-61)
        assert await self.due(orchestrator, subscriptions) == []
        await subscriptions.lapse(minutes=-59)

        [due] = await self.due(orchestrator, subscriptions)

        assert (due["periods"], due["renews"], due["is_active"]) == (1, True, True)
        await subscriptions.pay()
        found = await subscriptions.find()
        assert datetime.fromisoformat(found["ends_at"]) - datetime.fromisoformat(due["ends_at"]) == timedelta(days=DAYS)
        assert await self.due(orchestrator, subscriptions) == []

    async def test_stays_due_after_the_end_of_the_period(
        self, orchestrator: Caller, subscriptions: Subscriptions
    ) -> None:
        await subscriptions.pay()
        await subscriptions.lapse(days=1)

        [due] = await self.due(orchestrator, subscriptions)

        assert (due["renews"], due["is_active"]) == (True, False)

    @pytest.mark.parametrize("renewed_periods", [1, 3])
    async def test_one_of_another_period_is_refused(self, subscriptions: Subscriptions, renewed_periods: int) -> None:
        await subscriptions.pay()
        await subscriptions.pay()

        answer = await subscriptions.open_renewal(renewed_periods=renewed_periods)

        assert (answer.status_code, answer.json()["error_code"]) == (409, "SUBSCRIPTION_INVALID_STATE")
        assert (await subscriptions.open_renewal(renewed_periods=2)).status_code == 200

    async def test_one_in_progress_leaves_a_subscription_ended(self, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        renewal = await subscriptions.open(renewed_periods=1)
        await subscriptions.post("end", periods=1, reason="PERFORMER_NOT_FOUND")

        await subscriptions.complete(renewal)

        found = await subscriptions.find()
        assert (found["renews"], found["periods"]) == (False, 2)

    async def test_due_ones_are_read_page_by_page(self, orchestrator: Caller, subscriptions: Subscriptions) -> None:
        fans = [Subscriptions(subscriptions.database, orchestrator) for _ in range(5)]
        for fan in fans:
            await fan.pay()
        change = "UPDATE subscriptions SET ends_at = '2001-01-01 12:00:00.000001Z' WHERE user_id = ANY(:user_ids)"
        await subscriptions.database.execute(text(change), {"user_ids": [uuid.UUID(fan.user_id) for fan in fans]})

        found: list[Any] = []
        for _ in range(3):
            after = {"after": str(cursor_of(found[-1]))} if found else {}
            found += (await orchestrator.get("/internal/subscriptions/due", limit=2, **after)).json()["data"]

        assert {row["user_id"] for row in found[:5]} == {fan.user_id for fan in fans}

    async def test_unreadable_place_is_refused(self, orchestrator: Caller) -> None:
        assert (await orchestrator.get("/internal/subscriptions/due", after="x")).status_code == 400

    async def test_refused_one_ends_the_subscription_once(
        self, orchestrator: Caller, subscriptions: Subscriptions
    ) -> None:
        await subscriptions.pay()
        await subscriptions.lapse()

        for _ in range(2):
            answer = await subscriptions.post("end", periods=1, reason="INSUFFICIENT_CREDITS")
            assert answer.json() == {"success": True, "data": None}

        assert await self.due(orchestrator, subscriptions) == []
        assert await subscriptions.announced() == ["started", "ended"]
        assert (await subscriptions.messages())[-1]["data"]["reason"] == "INSUFFICIENT_CREDITS"

    async def test_late_refusal_ends_nothing_that_was_paid_since(self, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        await subscriptions.lapse()
        await subscriptions.pay()

        await subscriptions.post("end", periods=1, reason="INSUFFICIENT_CREDITS")

        assert (await subscriptions.find())["renews"]
        assert await subscriptions.announced() == ["started", "renewed"]

    async def test_is_announced_once_for_each_period(self, orchestrator: Caller, subscriptions: Subscriptions) -> None:
        await subscriptions.pay()
        reminder = {"days_before": 3, "limit": 100}
        await orchestrator.post("/internal/subscriptions/remind", reminder)
        assert await subscriptions.announced() == ["started"]
        await subscriptions.lapse(days=-2)

        answers = await asyncio.gather(
            *(orchestrator.post("/internal/subscriptions/remind", reminder) for _ in range(3))
        )

        assert sorted(answer.json()["data"]["reminded"] for answer in answers) == [0, 0, 1]
        assert await subscriptions.announced() == ["started", "ending_soon"]
        await subscriptions.pay()
        await subscriptions.lapse(days=-2)
        await orchestrator.post("/internal/subscriptions/remind", reminder)
        assert await subscriptions.announced() == ["started", "ending_soon", "renewed", "ending_soon"]


class TestSubscribers:
    async def test_are_listed_while_they_are_active(
        self, app: FastAPI, mint: UserTokenMint, *, admin: Caller, subscriptions: Subscriptions
    ) -> None:
        fans = [Subscriptions(subscriptions.database, subscriptions.orchestrator) for _ in range(3)]
        performer_id = fans[0].performer_id
        for fan in fans:
            fan.performer_id = performer_id
            await fan.pay()
        await fans[1].lapse()

        token = mint.token(uuid.UUID(performer_id), Role.PERFORMER)
        async with Caller(app, token) as performer:
            first = (await performer.get("/api/performer/subscribers", per_page=1)).json()
            second = (
                await performer.get("/api/performer/subscribers", per_page=1, after=first["pagination"]["next"])
            ).json()
        by_admin = (await admin.get(f"/api/admin/performers/{performer_id}/subscribers")).json()

        assert [row["user_id"] for row in first["data"] + second["data"]] == [fans[2].user_id, fans[0].user_id]
        assert first["pagination"]["total"] == 2
        assert by_admin["data"] == first["data"] + second["data"]
