# ruff: noqa: SLF001 - the test holds the locks of a statement
"""Performers' queues: positions and waits, whose turn comes, scheduled items."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from common.db.engine import Database
from orders.app import create_app
from orders.performer_queues import repository
from orders.performer_queues.repository import PerformerQueueRepository
from orders.settings import Settings
from tests.integration.orders.item_caller import Item, ItemCaller, told_of
from tests.support.callers import new_id
from tests.support.user_tokens import UserTokenMint
from tests.support.waiting import eventually

EARLIER: Final = "2026-01-01T00:00:00Z"
LATER: Final = "2100-01-01T00:00:00Z"


@pytest.fixture(scope="module")
async def app(settings: Settings, mint: UserTokenMint) -> AsyncIterator[FastAPI]:
    """The app without its background tasks: the tests run those on the queues."""
    app = create_app(settings, user_tokens=mint.verifier())
    yield app
    async with app.router.lifespan_context(app):
        pass  # its end closes what the app has opened


@pytest.fixture
def queues(database: Database) -> PerformerQueueRepository:
    return PerformerQueueRepository(database)


class TestPosition:
    async def test_is_one_and_the_items_before(self, items: ItemCaller) -> None:
        performer_id = new_id()
        waiting = await items.several(3, "PENDING", performer_id=performer_id)

        assert [await items.place(item.key) for item in waiting] == [(1, 0), (2, 4), (3, 8)]
        assert await items.queue(performer_id) == {"is_paused": False, "waiting": 3, "estimated_minutes": 12}

    async def test_is_told_at_the_enqueueing(self, items: ItemCaller) -> None:
        performer_id = new_id()
        await items.several(2, "PENDING", performer_id=performer_id)
        third = await items.at("OPENING", performer_id=performer_id)

        answer = (await items.perform(third, "enqueue")).json()["data"]

        assert (answer["queue_position"], answer["estimated_wait_minutes"]) == (3, 8)

    async def test_items_in_progress_are_waited_for(self, items: ItemCaller) -> None:
        performer_id = new_id()
        first, second = await items.several(2, "PENDING", performer_id=performer_id)

        await items.perform(first, "start")
        during = await items.place(second.key)
        await items.perform(first, "complete")

        assert during == (1, 4)
        assert await items.place(second.key) == (1, 0)
        assert await items.queue(performer_id) == {"is_paused": False, "waiting": 1, "estimated_minutes": 4}

    @pytest.mark.parametrize("ended", ["first", "second"])
    async def test_follows_the_end_of_another_item(self, items: ItemCaller, ended: str) -> None:
        first, second, third = await items.several(3, "PENDING", performer_id=new_id())

        await items.perform(first if ended == "first" else second, "end")

        assert await items.place(third.key) == (2, 4)

    async def test_is_null_after_the_wait(self, items: ItemCaller) -> None:
        for status in ("IN_PROGRESS", "SUCCESS", "FAILED"):
            facts = await items.facts((await items.at(status)).key)
            assert (facts["queue_position"], facts["estimated_wait_minutes"]) == (None, None)

    async def test_tips_and_menu_items_wait_in_one_queue(self, items: ItemCaller) -> None:
        performer_id = new_id()
        await items.at("PENDING", performer_id=performer_id, type="tip_grid_item", estimated_minutes=1)
        item = await items.at("PENDING", performer_id=performer_id)

        assert await items.place(item.key) == (2, 1)

    async def test_concurrent_enqueueings_have_each_their_own(self, items: ItemCaller) -> None:
        performer_id = new_id()
        opened = await items.several(50, "OPENING", performer_id=performer_id)

        answers = await asyncio.gather(*(items.perform(item, "enqueue") for item in opened))

        positions = [answer.json()["data"]["queue_position"] for answer in answers]
        assert sorted(positions) == list(range(1, 51))
        assert [(await items.place(item.key))[0] for item in opened] == positions

    async def test_repeated_enqueueing_has_the_first_answer(self, items: ItemCaller) -> None:
        first, second = await items.several(2, "PENDING", performer_id=new_id())
        await items.perform(first, "end")

        assert (await items.perform(second, "enqueue")).json()["data"]["queue_position"] == 2
        assert await items.place(second.key) == (1, 0)


async def test_list_has_items_in_progress_then_those_that_wait(items: ItemCaller) -> None:
    performer_id = new_id()
    scheduled = await items.at("PENDING", performer_id=performer_id, scheduled_for=LATER)
    waiting = await items.several(4, "PENDING", performer_id=performer_id)
    await items.perform(waiting[2], "start")
    await items.at("SUCCESS", performer_id=performer_id)
    expected = [waiting[n].key for n in (2, 0, 1, 3)] + [scheduled.key]

    pages = [await items.queued(performer_id, limit=2, offset=offset) for offset in (0, 2, 4)]

    assert [key for page in pages for key in page] == expected


class TestScheduled:
    async def test_has_no_place_before_its_time(self, items: ItemCaller, queues: PerformerQueueRepository) -> None:
        item = await items.at("PENDING", scheduled_for=LATER)

        await queues.place_due()

        assert await items.place(item.key) == (None, None)
        assert (await items.queue(item.body["performer_id"]))["waiting"] == 0

    async def test_past_time_is_due_at_once(self, items: ItemCaller) -> None:
        item = await items.at("PENDING", scheduled_for=EARLIER)

        assert await items.place(item.key) == (1, 0)

    async def test_due_ones_are_placed_in_the_order_of_their_times(
        self, items: ItemCaller, queues: PerformerQueueRepository, database: Database
    ) -> None:
        performer_id = new_id()
        scheduled = await items.several(3, "PENDING", performer_id=performer_id, scheduled_for=LATER)
        await items.at("PENDING", performer_id=performer_id)
        for n, item in enumerate(scheduled):
            await self._reschedule(database, item, minutes_ago=n + 1)

        await asyncio.gather(*(queues.place_due() for _ in range(4)))

        positions = {(await items.place(item.key))[0] for item in scheduled}
        assert positions == {2, 3, 4}
        assert await items.queue(performer_id) == {"is_paused": False, "waiting": 4, "estimated_minutes": 16}

    async def test_one_copy_places_the_earliest_first(
        self, items: ItemCaller, queues: PerformerQueueRepository, database: Database
    ) -> None:
        scheduled = await items.several(3, "PENDING", performer_id=new_id(), scheduled_for=LATER)
        for n, item in enumerate(scheduled):
            await self._reschedule(database, item, minutes_ago=n + 1)

        await queues.place_due()

        assert [(await items.place(item.key))[0] for item in scheduled] == [3, 2, 1]

    async def test_place_is_announced(
        self, items: ItemCaller, queues: PerformerQueueRepository, database: Database
    ) -> None:
        item = await items.at("PENDING", scheduled_for=LATER)
        await self._reschedule(database, item, minutes_ago=1)

        await queues.place_due()
        await queues.place_due()

        messages = [data for kind, data in await told_of(database, item.key) if kind == "purchased_item.queued"]
        assert [data.get("queue_position") for data in messages] == [None, 1]

    @pytest.mark.parametrize("name", ["start", "complete", "end"])
    async def test_moves_before_it_was_placed(
        self, items: ItemCaller, queues: PerformerQueueRepository, database: Database, *, name: str
    ) -> None:
        item = await items.at("PENDING", scheduled_for=LATER)
        await self._reschedule(database, item, minutes_ago=1)

        await items.perform(item, name)
        await queues.place_due()

        assert (await items.queue(item.body["performer_id"]))["waiting"] == 0

    @staticmethod
    async def _reschedule(database: Database, item: Item, *, minutes_ago: int) -> None:
        change = """
            UPDATE purchased_items SET scheduled_for = now() - make_interval(mins => :minutes)
            WHERE purchased_item_id = :key
        """
        await database.execute(text(change), {"minutes": minutes_ago, "key": uuid.UUID(item.key)})


class TestTurn:
    """`purchased_item.next`."""

    @pytest.fixture
    def queue(self, items: ItemCaller, queues: PerformerQueueRepository, database: Database) -> "Turns":
        return Turns(items, queues, database)

    async def test_of_the_first_is_announced_once(self, queue: "Turns") -> None:
        first, second = await queue.items.several(2, "PENDING", performer_id=new_id())

        assert await queue.announced(first, second) == [first.key]
        assert await queue.announced(first, second) == [first.key]

    async def test_concurrent_copies_announce_it_once(self, queue: "Turns", database: Database) -> None:
        """Another copy has announced it and not committed yet."""
        first = await queue.items.at("PENDING")
        of_first = {"performer_ids": [uuid.UUID(first.body["performer_id"])], "correlation_id": "x", "batch": 10_000}
        waiting = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")

        async with database.transaction() as other:
            await other.execute(repository._CHANGED, of_first)
            await other.execute(repository._ANNOUNCE_NEXT, of_first)
            asked = asyncio.create_task(queue.queues.announce_next())
            await eventually(lambda: self._is_over(asked, database.fetch_one(waiting)))
        await asked

        assert await queue.announced(first) == [first.key]

    @staticmethod
    async def _is_over(asked: asyncio.Task[int], waiting: Awaitable[object]) -> bool:
        return bool(await waiting) or asked.done()

    async def test_comes_when_nothing_is_in_progress(self, queue: "Turns") -> None:
        first, second = await queue.items.several(2, "PENDING", performer_id=new_id())

        await queue.items.perform(first, "start")
        during = await queue.announced(second)
        await queue.items.perform(first, "complete")

        assert during == []
        assert await queue.announced(second) == [second.key]

    async def test_comes_when_the_one_before_is_cancelled(self, queue: "Turns") -> None:
        first, second = await queue.items.several(2, "PENDING", performer_id=new_id())
        await queue.announced(first)

        await queue.items.perform(first, "end", reason="ITEM_CANCELLED")

        assert await queue.announced(second) == [second.key]

    async def test_waits_while_the_queue_is_paused(self, queue: "Turns") -> None:
        performer_id = new_id()
        await queue.items.set_paused(performer_id, is_paused=True)
        item = await queue.items.at("PENDING", performer_id=performer_id)

        paused = await queue.announced(item)
        await queue.items.set_paused(performer_id, is_paused=False)

        assert paused == []
        assert await queue.announced(item) == [item.key]

    async def test_tips_have_none(self, queue: "Turns") -> None:
        performer_id = new_id()
        tip = await queue.items.at("PENDING", performer_id=performer_id, type="tip_grid_item")
        item = await queue.items.at("PENDING", performer_id=performer_id)

        assert await queue.announced(tip, item) == [item.key]

    async def test_of_one_started_out_of_order_is_not_announced_again(self, queue: "Turns") -> None:
        first, second = await queue.items.several(2, "PENDING", performer_id=new_id())
        await queue.announced(first, second)

        await queue.items.perform(second, "start")
        await queue.items.perform(second, "complete")

        assert await queue.announced(first, second) == [first.key]


@dataclass
class Turns:
    items: ItemCaller
    queues: PerformerQueueRepository
    database: Database

    async def announced(self, *asked: Item) -> list[str]:
        """Run the task, and return which of the items were announced so far, each as often as it was."""
        while await self.queues.announce_next():
            pass
        told = [(item.key, kind) for item in asked for kind, _ in await told_of(self.database, item.key)]
        return [key for key, kind in told if kind == "purchased_item.next"]


@dataclass
class Lane:
    """One performer's queue, counted plainly: keys and minutes."""

    performer_id: uuid.UUID = field(default_factory=uuid.uuid4)
    waiting: list[tuple[uuid.UUID, int]] = field(default_factory=list)
    running: list[tuple[uuid.UUID, int]] = field(default_factory=list)

    def places(self) -> dict[uuid.UUID, tuple[int, int]]:
        wait = sum(minutes for _, minutes in self.running)
        places = {}
        for position, (key, minutes) in enumerate(self.waiting, start=1):
            places[key] = (position, wait)
            wait += minutes
        return places


class TestAgainstAPlainCount:
    """Thousands of random moves; positions and waits are those of counting the items before."""

    BATCH = 250
    OPEN = """
        INSERT INTO purchased_items (
            purchased_item_id, type, buyer_user_id, performer_id, offer_id, name, price, execution_mode,
            estimated_minutes, time_zone, opened_on, status, settlement_status, opened_by_request_id)
        SELECT key, 'menu_item', gen_random_uuid(), $1, gen_random_uuid(), 'a song', 1, 'QUEUED',
            minutes, 'UTC', current_date, 'OPENING', 'pending', gen_random_uuid()
        FROM unnest(CAST($2 AS uuid[]), CAST($3 AS integer[])) AS item (key, minutes)
    """
    MOVE = """
        UPDATE purchased_items SET
            status = CAST($2 AS text), is_due = true,
            started_at = CASE CAST($2 AS text) WHEN 'IN_PROGRESS' THEN now() ELSE started_at END,
            ended_at = CASE CAST($2 AS text) WHEN 'FAILED' THEN now() END
        WHERE purchased_item_id = $1
    """
    # So that the run passes the borders of blocks of both sizes.
    BEGIN = "INSERT INTO performer_queues (performer_id, last_place) VALUES ($1, 4000)"
    PLACES = """
        SELECT purchased_item_id, queue_position, estimated_wait_minutes
        FROM purchased_items, queue_place(performer_id, place) WHERE status = 'PENDING' AND performer_id = $1
    """

    @pytest.fixture
    async def connection(self, settings: Settings) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        url = settings.database_url.get_secret_value().replace("postgresql+asyncpg", "postgresql")
        connection = await asyncpg.connect(url)
        yield connection
        await connection.close()

    @pytest.mark.parametrize(("lanes", "moves"), [(1, 3_000), (20, 3_000)])
    async def test_after_random_moves(
        self, connection: "asyncpg.Connection[asyncpg.Record]", lanes: int, moves: int
    ) -> None:
        chance = random.Random(lanes)  # noqa: S311 - a reproducible run
        queues = [Lane() for _ in range(lanes)]
        opened = {lane.performer_id: await self._open(connection, lane, chance, moves // lanes) for lane in queues}

        for batch in range(moves // self.BATCH):
            growing = 0.7 if batch < moves // self.BATCH / 2 else 0.35
            made = []
            for _ in range(self.BATCH):
                lane = chance.choice(queues)
                made.append(self._move(lane, opened[lane.performer_id], chance, growing))
            await connection.executemany(self.MOVE, made)
            for lane in queues:
                assert await self._places(connection, lane) == lane.places()

        await connection.executemany(
            self.MOVE, [(key, "FAILED") for lane in queues for key, _ in lane.waiting + lane.running]
        )
        ids = [lane.performer_id for lane in queues]
        assert await connection.fetch("SELECT 1 FROM queue_blocks WHERE performer_id = ANY($1)", ids) == []

    async def _open(
        self, connection: "asyncpg.Connection[asyncpg.Record]", lane: Lane, chance: random.Random, count: int
    ) -> list[tuple[uuid.UUID, int]]:
        items = [(uuid.uuid4(), chance.randrange(10)) for _ in range(2 * count)]
        await connection.execute(self.BEGIN, lane.performer_id)
        await connection.execute(self.OPEN, lane.performer_id, *map(list, zip(*items, strict=True)))
        return items

    @staticmethod
    def _move(
        lane: Lane, opened: list[tuple[uuid.UUID, int]], chance: random.Random, growing: float
    ) -> tuple[uuid.UUID, str]:
        """Move an item in the plain count, and return its key and its new status."""
        if not (lane.waiting or lane.running) or chance.random() < growing:
            lane.waiting.append(opened.pop())
            return lane.waiting[-1][0], "PENDING"
        if lane.waiting and chance.random() < 0.5:
            lane.running.append(lane.waiting.pop(0 if chance.random() < 0.7 else chance.randrange(len(lane.waiting))))
            return lane.running[-1][0], "IN_PROGRESS"
        part = lane.running if lane.running and chance.random() < 0.7 else lane.waiting or lane.running
        return part.pop(chance.randrange(len(part)))[0], "FAILED"

    async def _places(
        self, connection: "asyncpg.Connection[asyncpg.Record]", lane: Lane
    ) -> dict[uuid.UUID, tuple[int, int]]:
        rows = await connection.fetch(self.PLACES, lane.performer_id)
        return {row["purchased_item_id"]: (row["queue_position"], row["estimated_wait_minutes"]) for row in rows}
