"""Earnings, recorded from the messages that announce completed items."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aio_pika
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import text

from common.auth.principal import Role
from common.db.engine import Database
from common.messaging.declarations import MESSAGES_EXCHANGE, PARKING_QUEUE
from common.messaging.message import Message
from common.messaging.publisher import Publisher
from rabbitmq.topology import EARNINGS_QUEUE, platform_topology
from tests.integration.orders.item_caller import ItemCaller
from tests.integration.orders.orders_caller import OrdersCaller
from tests.support.callers import Caller, new_id
from tests.support.user_tokens import UserTokenMint
from tests.support.waiting import eventually

ZONE = "Pacific/Kiritimati"  # 14 hours ahead of UTC


@pytest.fixture
def items(orders_caller: OrdersCaller) -> ItemCaller:
    return ItemCaller(orders_caller.orchestrator)


@pytest.fixture
async def performer(app: FastAPI, mint: UserTokenMint) -> AsyncIterator[Caller]:
    user_id = uuid.uuid4()
    async with Caller(app, mint.token(user_id, Role.PERFORMER), user_id=user_id) as caller:
        yield caller


@pytest.fixture
async def publisher(rabbitmq_url: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(rabbitmq_url, service="tests", topology=platform_topology(), timeout_seconds=5)
    publisher.broker.start()
    yield publisher
    await publisher.broker.close()


async def earnings_of(performer: Caller, **days: Any) -> dict[str, Any]:
    answer = await performer.get("/api/performer/earnings", **days)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def recorded(performer: Caller, count: int, **days: Any) -> dict[str, Any]:
    """Wait until the performer's earnings have so many items."""

    async def complete() -> dict[str, Any]:
        found = await earnings_of(performer, **days)
        assert sum(each["count"] for each in found["by_type"]) == count
        return found

    return await eventually(complete)


def consumed(outcome: str) -> float:
    return REGISTRY.get_sample_value("messages_consumed_total", {"queue": EARNINGS_QUEUE, "outcome": outcome}) or 0.0


async def publish(publisher: Publisher, body: bytes) -> None:
    await publisher.publish(
        body, exchange=MESSAGES_EXCHANGE, routing_key="purchased_item.success", message_id=new_id(), mandatory=False
    )


def success(item_id: str) -> bytes:
    message = Message(type="purchased_item.success", source="x", subject=item_id, data={"purchased_item_id": item_id})
    return message.to_bytes()


def today() -> str:
    return datetime.now(ZoneInfo(ZONE)).date().isoformat()


class TestEarnings:
    async def test_are_summed_by_type_item_and_day(self, items: ItemCaller, performer: Caller) -> None:
        song, shout_out = new_id(), new_id()
        sold = {"performer_id": performer.user_id, "time_zone": ZONE}
        day = today()
        await items.several(2, "SUCCESS", **sold, offer_id=song, name="A song", price="12.00")
        await items.at("SUCCESS", **sold, offer_id=song, name="A song for you", price="15.50")
        await items.at("SUCCESS", **sold, offer_id=shout_out, type="tip_grid_item", name="Shout-out", is_batched=True)
        await items.at("PENDING", **sold)
        await items.at("FAILED", **sold)

        found = await recorded(performer, 4)

        assert (found["today"], found["total"], found["pending"]) == ("51.50", "51.50", "12.00")
        assert found["by_type"] == [
            {"type": "menu_item", "count": 3, "amount": "39.50"},
            {"type": "tip_grid_item", "count": 1, "amount": "12.00"},
        ]
        names = [(each["offer_id"], each["name"], each["count"], each["amount"]) for each in found["by_item"]]
        assert names[0][0] == song
        assert names[0][2:] == (3, "39.50")
        assert names[1] == (shout_out, "Shout-out", 1, "12.00")
        assert found["by_day"] == [{"day": day, "count": 4, "amount": "51.50"}]
        assert today() == day  # the test ran within one day

    async def test_count_from_midnight_of_the_performers_day(
        self, items: ItemCaller, performer: Caller, publisher: Publisher, database: Database
    ) -> None:
        """22:30 in UTC is the next day in Singapore."""
        item = await items.at("SUCCESS", performer_id=performer.user_id, time_zone="Asia/Singapore", name="Late")
        await recorded(performer, 1)
        await move_earning(database, item.key, datetime(2026, 3, 20, 22, 30, tzinfo=UTC))

        await publish(publisher, success(item.key))
        found = await recorded(performer, 1, **{"from": "2026-03-21", "to": "2026-03-21"})

        assert (found["total"], found["today"]) == ("12.00", "0.00")
        assert found["by_day"] == [{"day": "2026-03-21", "count": 1, "amount": "12.00"}]
        assert (await earnings_of(performer, **{"from": "2026-03-20", "to": "2026-03-20"}))["total"] == "0.00"

    async def test_without_sales_are_zero(self, performer: Caller) -> None:
        assert await earnings_of(performer) == {
            "today": "0.00",
            "total": "0.00",
            "pending": "0.00",
            "by_type": [],
            "by_item": [],
            "by_day": [],
        }

    @pytest.mark.parametrize(
        "days",
        [
            {"from": "2026-03-02", "to": "2026-03-01"},
            {"from": "2025-01-01", "to": "2026-01-02"},
            {"from": "1700000000"},
            {"to": "2026-02-30"},
            {"from": "0001-01-01"},
            {"to": "soon"},
        ],
    )
    async def test_bad_range_is_refused(self, performer: Caller, days: dict[str, str]) -> None:
        answer = await performer.get("/api/performer/earnings", **days)

        assert (answer.status_code, answer.json()["error_code"]) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize(
        "days",
        [{"from": "9999-12-31"}, {"to": "0001-01-01"}, {"from": "2025-01-01", "to": "2026-01-01"}],
        ids=["last day", "first day", "366 days"],
    )
    async def test_ends_of_the_calendar_are_no_errors(self, performer: Caller, days: dict[str, str]) -> None:
        assert (await earnings_of(performer, **days))["total"] == "0.00"

    async def test_admin_sees_those_of_any_performer(self, items: ItemCaller, performer: Caller, admin: Caller) -> None:
        await items.at("SUCCESS", performer_id=performer.user_id)
        found = await recorded(performer, 1)

        answer = await admin.get(f"/api/admin/performers/{performer.user_id}/earnings")

        assert answer.json()["data"] == found


class TestMessages:
    async def test_repeated_ones_count_once(
        self, items: ItemCaller, performer: Caller, publisher: Publisher, database: Database
    ) -> None:
        item = await items.at("SUCCESS", performer_id=performer.user_id)
        await recorded(performer, 1)
        [announced] = [body for body in await outgoing(database) if body.subject == item.key and is_success(body)]
        before = consumed("done")

        again = announced.model_copy(update={"id": uuid.uuid4()})  # as after the inbox has forgotten it
        for message in (announced, again, announced, again):
            await publish(publisher, message.to_bytes())

        await eventually(lambda: consumed("done") >= before + 4)
        assert (await earnings_of(performer))["total"] == "12.00"

    async def test_concurrent_ones_of_one_offer_are_all_counted(self, items: ItemCaller, performer: Caller) -> None:
        offer_id = new_id()
        await asyncio.gather(
            *(items.at("SUCCESS", performer_id=performer.user_id, offer_id=offer_id) for _ in range(20))
        )

        found = await recorded(performer, 20)

        assert [(each["offer_id"], each["amount"]) for each in found["by_item"]] == [(offer_id, "240.00")]

    @pytest.mark.parametrize(
        "body_of",
        [
            lambda _: b"no message",
            lambda _: Message(type="purchased_item.success", source="x", subject="y").to_bytes(),
            lambda _: success(new_id()),
            success,
            lambda key: Message(
                type="purchased_item.failed", source="x", subject="y", data={"purchased_item_id": key}
            ).to_bytes(),
        ],
        ids=["no message", "without an item", "unknown item", "unfinished item", "another type"],
    )
    async def test_poison_is_parked(
        self,
        *,
        items: ItemCaller,
        performer: Caller,
        publisher: Publisher,
        rabbitmq_url: str,
        body_of: Callable[[str], bytes],
    ) -> None:
        unfinished = await items.at("PENDING", performer_id=performer.user_id)
        body = body_of(unfinished.key)

        await publish(publisher, body)

        assert await eventually(lambda: take_parked(rabbitmq_url)) == body
        await items.at("SUCCESS", performer_id=performer.user_id)  # and the consumer continues
        await recorded(performer, 1)


class TestSales:
    async def test_are_listed_newest_first_without_the_buyers(self, items: ItemCaller, performer: Caller) -> None:
        sold = [
            await items.at(status, performer_id=performer.user_id, idempotency_key="a key", message="For Mia")
            for status in ("SUCCESS", "PENDING", "OPENING", "FAILED")
        ]
        await items.at("SUCCESS")

        first = (await performer.get("/api/performer/sales", per_page=2)).json()
        second = (await performer.get("/api/performer/sales", per_page=2, after=first["pagination"]["next"])).json()

        listed = first["data"] + second["data"]
        assert [item["purchased_item_id"] for item in listed] == [sold[3].key, sold[1].key, sold[0].key]
        assert [item["status"] for item in listed] == ["failed", "pending", "success"]
        assert {item["message"] for item in listed} == {"For Mia"}  # of tips, it is only here
        assert {(item["source_id"], item["idempotency_key"]) for item in listed} == {(None, None)}
        assert not any(item.body["buyer_user_id"] in str(listed) for item in sold)

    async def test_admin_sees_them_as_the_performer_does(
        self, items: ItemCaller, performer: Caller, admin: Caller
    ) -> None:
        await items.at("SUCCESS", performer_id=performer.user_id)

        answer = (await admin.get(f"/api/admin/performers/{performer.user_id}/sales")).json()

        assert answer["data"] == (await performer.get("/api/performer/sales")).json()["data"]


def is_success(message: Message) -> bool:
    return message.type == "purchased_item.success"


async def outgoing(database: Database) -> list[Message]:
    return [Message.from_bytes(bytes(row["body"])) for row in await database.fetch_all(text("SELECT body FROM outbox"))]


async def take_parked(rabbitmq_url: str) -> bytes | None:
    async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
        incoming = await (await channel.get_queue(PARKING_QUEUE)).get(fail=False, no_ack=True)
        return incoming.body if incoming else None


async def move_earning(database: Database, item_id: str, moment: datetime) -> None:
    """Let an item have been completed at another moment, and not be recorded yet."""
    key = {"key": uuid.UUID(item_id)}
    await database.execute(
        text("UPDATE purchased_items SET ended_at = :moment, created_at = :opened WHERE purchased_item_id = :key"),
        {**key, "moment": moment, "opened": moment - timedelta(minutes=5)},
    )
    for table in ("earnings_by_day", "earnings"):
        await database.execute(
            text(
                f"DELETE FROM {table} WHERE performer_id = "  # noqa: S608 - the names above
                "(SELECT performer_id FROM purchased_items WHERE purchased_item_id = :key)"
            ),
            key,
        )
