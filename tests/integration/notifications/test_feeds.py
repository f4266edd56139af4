"""Feeds: each message once, numbers without gaps, under concurrency."""

import asyncio
import itertools
import uuid
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.db.retention import Retention, TableRetention
from common.feeds import ADMIN_FEED
from common.messaging.message import InvalidMessage, Message
from orchestrator.container import JOB_POLICIES as POLICIES
from orchestrator.features.notifications.messages import NotificationConsumer
from orchestrator.features.notifications.repository import FEED_CHANGED, FeedStore
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter
from orchestrator.jobs.service import JobQueue
from tests.support.statements import counted_statements


@pytest.fixture
def store(database: Database) -> FeedStore:
    return FeedStore(database)


@pytest.fixture
def notification_consumer(database: Database, store: FeedStore) -> NotificationConsumer:
    jobs = JobQueue(
        writer=JobWriter(database), queries=JobQueries(database), policies=POLICIES, wake_relay=lambda: None
    )
    return NotificationConsumer(store, jobs, wake_relay=lambda: None)


def confirmed(fan: uuid.UUID) -> Message:
    order_id = str(uuid.uuid4())
    data = {"user_id": str(fan), "order_id": order_id, "event_id": str(uuid.uuid4()), "total": "350.00"}
    return Message(type="order.confirmed", source="tests", subject=order_id, data=data)


def paid(fan: uuid.UUID) -> Message:
    order_id = str(uuid.uuid4())
    data = {"user_id": str(fan), "order_id": order_id, "status": "PAID", "items": []}
    return Message(type="fulfillment.paid", source="tests", subject=order_id, data=data)


def transfer_completed(seller: uuid.UUID, buyer: uuid.UUID) -> Message:
    data = {"seller_user_id": str(seller), "buyer_user_id": str(buyer), "transfer_id": str(uuid.uuid4())}
    return Message(type="transfer.completed", source="tests", subject=data["transfer_id"], data=data)


def email_requested(link_id: object) -> Message:
    return Message(type="account.email_requested", source="tests", subject=str(link_id), data={"link_id": str(link_id)})


async def jobs_of(database: Database, message: Message) -> Sequence[str]:
    statement = text("SELECT kind FROM jobs WHERE idempotency_key LIKE :key ORDER BY idempotency_key")
    return [row["kind"] for row in await database.fetch_all(statement, {"key": f"{message.id} %"})]


async def hints_for(database: Database, user_id: uuid.UUID) -> list[int]:
    statement = text("SELECT convert_from(body, 'UTF8')::jsonb AS m FROM outbox WHERE routing_key = :kind")
    messages = [row["m"] for row in await database.fetch_all(statement, {"kind": FEED_CHANGED})]
    return sorted(m["data"]["sequence"] for m in messages if m["subject"] == str(user_id))


async def test_message_creates_an_entry_a_hint_and_an_email(
    database: Database, store: FeedStore, notification_consumer: NotificationConsumer
) -> None:
    fan = uuid.uuid4()
    message = confirmed(fan)
    await notification_consumer.handle(message)
    page = await store.read(fan, since=0, limit=10)
    [entry] = page.entries
    assert (entry.sequence, entry.id, entry.type, entry.data) == (1, message.id, "order.confirmed", message.data)
    assert (page.last_sequence, page.is_complete) == (1, True)
    assert await jobs_of(database, message) == ["email"]
    assert await hints_for(database, fan) == [1]


async def test_twenty_concurrent_deliveries_create_one_entry(
    database: Database, store: FeedStore, notification_consumer: NotificationConsumer
) -> None:
    fan = uuid.uuid4()
    message = confirmed(fan)
    await asyncio.gather(*(notification_consumer.handle(message) for _ in range(20)))
    assert [entry.sequence for entry in (await store.read(fan, since=0, limit=50)).entries] == [1]
    assert await jobs_of(database, message) == ["email"]
    assert await hints_for(database, fan) == [1]


async def test_both_parties_have_an_entry_in_their_feeds(
    database: Database, store: FeedStore, notification_consumer: NotificationConsumer
) -> None:
    seller, buyer = uuid.uuid4(), uuid.uuid4()
    message = transfer_completed(seller, buyer)
    await notification_consumer.handle(message)
    for user_id in (seller, buyer):
        assert [entry.id for entry in (await store.read(user_id, since=0, limit=10)).entries] == [message.id]
    assert await jobs_of(database, message) == ["email", "email"]


async def test_move_in_a_queue_reaches_the_feeds_of_fan_and_performer_once(
    database: Database, store: FeedStore, notification_consumer: NotificationConsumer
) -> None:
    fan, performer = uuid.uuid4(), uuid.uuid4()
    data = {"buyer_user_id": str(fan), "seller_user_id": str(performer), "performer_id": str(performer)}
    data |= {"type": "menu_item", "execution_mode": "QUEUED", "purchased_item_id": str(uuid.uuid4())}
    message = Message(type="purchased_item.queued", source="orders", subject="x", data=data | {"queue_position": 3})
    await asyncio.gather(*(notification_consumer.handle(message) for _ in range(5)))
    for user_id in (fan, performer):
        [entry] = (await store.read(user_id, since=0, limit=10)).entries
        assert (entry.type, entry.data["queue_position"]) == ("purchased_item.queued", 3)
        assert {"buyer_user_id", "seller_user_id"} - entry.data.keys()
    assert await jobs_of(database, message) == ["email", "email"]


async def test_concurrent_messages_between_the_same_users_neither_deadlock_nor_skip(
    store: FeedStore, notification_consumer: NotificationConsumer
) -> None:
    user_ids = [uuid.uuid4() for _ in range(4)]
    pairs = [*itertools.permutations(user_ids, 2)] * 4
    await asyncio.gather(*(notification_consumer.handle(transfer_completed(seller, buyer)) for seller, buyer in pairs))
    for user_id in user_ids:
        page = await store.read(user_id, since=0, limit=200)
        assert [entry.sequence for entry in page.entries] == [*range(1, 25)]


async def test_reader_never_skips_a_later_commit(store: FeedStore, notification_consumer: NotificationConsumer) -> None:
    """A reader that follows the feed during two concurrent writes sees every number, in order."""
    fan = uuid.uuid4()
    writing = asyncio.gather(*(notification_consumer.handle(confirmed(fan)) for _ in range(60)))
    seen: list[int] = []
    while len(seen) < 60:
        page = await store.read(fan, since=seen[-1] if seen else 0, limit=200)
        assert page.is_complete
        seen += [entry.sequence for entry in page.entries]
    await writing
    assert seen == [*range(1, 61)]


async def test_message_costs_two_statements(notification_consumer: NotificationConsumer) -> None:
    """One reads the subscribers and one writes everything; a message for no user takes none."""
    with counted_statements() as count:
        await notification_consumer.handle(confirmed(uuid.uuid4()))
    assert int(count) == 2
    with counted_statements() as count:
        await notification_consumer.handle(transfer_completed(uuid.uuid4(), uuid.uuid4()))
    assert int(count) == 2
    with counted_statements() as count:
        await notification_consumer.handle(
            Message(type="job.completed", source="tests", subject="1", data={"user_id": None})
        )
    assert int(count) == 0


class TestReading:
    async def test_pages_follow_each_other(self, store: FeedStore, notification_consumer: NotificationConsumer) -> None:
        fan = uuid.uuid4()
        for _ in range(5):
            await notification_consumer.handle(confirmed(fan))
        first = await store.read(fan, since=0, limit=2)
        second = await store.read(fan, since=2, limit=2)
        assert [e.sequence for e in [*first.entries, *second.entries]] == [1, 2, 3, 4]
        assert first.last_sequence == 5

    async def test_without_a_number_only_the_last_number_is_returned(
        self, store: FeedStore, notification_consumer: NotificationConsumer
    ) -> None:
        fan = uuid.uuid4()
        assert (await store.read(fan, since=None, limit=10)).last_sequence == 0
        await notification_consumer.handle(confirmed(fan))
        page = await store.read(fan, since=None, limit=10)
        assert (page.entries, page.last_sequence, page.is_complete) == ([], 1, True)

    async def test_deleted_entries_are_reported_missing(
        self, database: Database, store: FeedStore, notification_consumer: NotificationConsumer
    ) -> None:
        fan = uuid.uuid4()
        for _ in range(3):
            await notification_consumer.handle(confirmed(fan))
        age = text(
            "UPDATE user_feed SET created_at = created_at - interval '2 days' WHERE user_id = :u AND sequence < 3"
        )
        await database.execute(age, {"u": fan})
        one_day = Retention(table="user_feed", aged_by="created_at", keep_days=1)
        await TableRetention(database, one_day).delete_old()
        late = await store.read(fan, since=1, limit=10)
        assert ([entry.sequence for entry in late.entries], late.is_complete) == ([3], False)
        assert (await store.read(fan, since=2, limit=10)).is_complete
        await notification_consumer.handle(confirmed(fan))
        assert (await store.read(fan, since=3, limit=10)).entries[0].sequence == 4

    async def test_number_beyond_the_last_entry_is_corrected(self, store: FeedStore) -> None:
        assert not (await store.read(uuid.uuid4(), since=7, limit=10)).is_complete


class TestAccountEmails:
    async def test_request_becomes_one_job(
        self, database: Database, notification_consumer: NotificationConsumer
    ) -> None:
        """The job names the email and nothing of its content, whatever number of copies arrive."""
        link_id = uuid.uuid4()
        message = email_requested(link_id)
        await asyncio.gather(*(notification_consumer.handle_account_email(message) for _ in range(5)))

        jobs = await database.fetch_all(
            text("SELECT kind, payload FROM jobs WHERE idempotency_key = :key"), {"key": f"account email {link_id}"}
        )
        assert [dict(job) for job in jobs] == [{"kind": "account_email", "payload": {"link_id": str(link_id)}}]

    @pytest.mark.parametrize("data", [{}, {"link_id": "a@example.com"}, {"link_id": None}])
    async def test_request_without_an_id_is_parked(
        self, notification_consumer: NotificationConsumer, data: dict[str, object]
    ) -> None:
        message = Message(type="account.email_requested", source="tests", subject="", data=data)
        with pytest.raises(InvalidMessage):
            await notification_consumer.handle_account_email(message)


async def test_admins_feed_has_every_order_once_in_order(
    store: FeedStore, notification_consumer: NotificationConsumer
) -> None:
    begins_at = (await store.read(ADMIN_FEED, since=None, limit=1)).last_sequence
    messages = [paid(uuid.uuid4()) for _ in range(20)]
    await asyncio.gather(*(notification_consumer.handle(message) for message in messages * 2))
    page = await store.read(ADMIN_FEED, since=begins_at, limit=200)
    assert [entry.sequence for entry in page.entries] == [*range(begins_at + 1, begins_at + 21)]
    assert {entry.data["order_id"] for entry in page.entries} == {message.subject for message in messages}
    assert all("user_id" not in entry.data for entry in page.entries)
