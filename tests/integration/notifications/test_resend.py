"""The runbook "Lost messages": what the broker lost is sent again, and nothing happens twice."""

import asyncio
import os
import re
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import aio_pika
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.messaging.consumer import Consumer
from common.messaging.message import Message
from common.messaging.outbox import OutboxRelay, outbox_row
from common.messaging.publisher import Publisher
from common.settings import DatabaseSettings
from devstack.home import ROOT
from orchestrator.container import JOB_POLICIES
from orchestrator.features.notifications.messages import NotificationConsumer
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter
from orchestrator.jobs.service import JobQueue
from rabbitmq.topology import DEAD_JOBS_QUEUE, HOLD_EXCHANGE, NOTIFICATIONS_QUEUE, hold_queue_name, platform_topology
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

TOPOLOGY: Final = platform_topology()
HOLD_QUEUE: Final = hold_queue_name(300_000)
SERVICES: Final = ("orchestrator", "users", "orders", "events", "inventory")
# The commands of the runbook, by service, without `docker compose exec`.
COMMANDS: Final[Mapping[str, str]] = dict(
    re.findall(
        r"^docker compose exec (\w+) python (-m \w+\.resend .+)$",
        (ROOT / "docs/runbooks.md").read_text().partition("\n## Lost messages\n")[2],
        flags=re.MULTILINE,
    )
)
_ADD: Final = text(
    """
    INSERT INTO outbox (message_id, exchange, routing_key, body) VALUES (:message_id, :exchange, :routing_key, :body)
    """
)
_UNSENT: Final = text("SELECT routing_key FROM outbox WHERE sent_at IS NULL ORDER BY routing_key")
_AGE: Final = text(
    """
    UPDATE outbox SET sent_at = sent_at - make_interval(hours => :sent),
        created_at = created_at - make_interval(hours => :created)
    WHERE message_id = :message_id
    """
)
_MARK_ALL: Final = text("UPDATE outbox SET sent_at = clock_timestamp()")


class Outbox:
    """A service's outbox, its relay, and the runbook's command for it."""

    def __init__(self, service: str, database_url: str, publisher: Publisher) -> None:
        self.service = service
        self.database = Database(DatabaseSettings(database_url=SecretStr(database_url)), application_name="tests")
        self._database_url = database_url
        self._publisher = publisher

    async def add(self, message: Message, **where: str) -> None:
        await self.database.execute(_ADD, outbox_row(message) | where)

    async def unsent(self) -> list[str]:
        return [row["routing_key"] for row in await self.database.fetch_all(_UNSENT)]

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Run the service's relay in the block, until everything is sent."""
        relay = OutboxRelay(self.database, self._publisher, poll_seconds=0.05)
        relay.start()
        yield

        async def is_sent() -> bool:
            return not await self.unsent()

        await eventually(is_sent)
        await relay.close()

    async def run_command(self, *more: str) -> Sequence[str]:
        """Run the command as an operator does, and return the lines that it prints."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *COMMANDS[self.service].split(),
            *more,
            cwd=ROOT,
            env=os.environ | {"ENV": "test", "DATABASE_URL": self._database_url},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode().splitlines()


@pytest.fixture
async def publisher(vhost: Vhost) -> AsyncIterator[Publisher]:
    publisher = Publisher(vhost.url, service="tests", topology=TOPOLOGY, timeout_seconds=30)
    publisher.broker.start()
    await publisher.broker.wait_until_ready()
    yield publisher
    await publisher.broker.close()


@pytest.fixture
async def outboxes(database_url: DatabaseFactory, publisher: Publisher) -> AsyncIterator[Mapping[str, Outbox]]:
    outboxes = {service: Outbox(service, database_url(service), publisher) for service in SERVICES}
    yield outboxes
    for outbox in outboxes.values():
        await outbox.database.close()


class Worker:
    """A worker's consumer of notifications, and what it has done."""

    def __init__(self, vhost: Vhost, database: Database, publisher: Publisher) -> None:
        self._vhost = vhost
        self._database = database
        self._publisher = publisher
        jobs = JobQueue(
            writer=JobWriter(database), queries=JobQueries(database), policies=JOB_POLICIES, wake_relay=lambda: None
        )
        self._consumer = NotificationConsumer(FeedStore(database), jobs, wake_relay=lambda: None)
        self.handled: Counter[uuid.UUID] = Counter()
        """How often each message was handled, by its id."""

    async def handle(self, message: Message) -> None:
        await self._consumer.handle(message)
        self.handled[message.id] += 1

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[None]:
        consumer = Consumer(
            self._vhost.url,
            service="worker",
            topology=TOPOLOGY,
            queue=NOTIFICATIONS_QUEUE,
            handler=self.handle,
            publisher=self._publisher,
        )
        consumer.broker.start()
        yield
        await consumer.broker.close()

    async def done_for(self, user_id: uuid.UUID) -> tuple[list[str], int]:
        """Return the types of the user's feed entries, sorted, and the number of the user's emails."""
        feed = await FeedStore(self._database).read(user_id, since=0, limit=50)
        emails = text("SELECT count(*) AS jobs FROM jobs WHERE kind = 'email' AND idempotency_key LIKE :key")
        [row] = await self._database.fetch_all(emails, {"key": f"% {user_id} %"})
        return sorted(entry.type for entry in feed.entries), row["jobs"]


def confirmed(fan: uuid.UUID) -> Message:
    order_id = str(uuid.uuid4())
    data = {"user_id": str(fan), "order_id": order_id, "event_id": str(uuid.uuid4()), "total": "350.00"}
    return Message(type="order.confirmed", source="orchestrator", subject=order_id, data=data)


def paid(fan: uuid.UUID) -> Message:
    data = {"user_id": str(fan), "payment_id": str(uuid.uuid4()), "amount": "10.00", "provider": "stripe"}
    return Message(type="payment.confirmed", source="users", subject=data["payment_id"], data=data)


async def lose_messages(vhost: Vhost, *, with_their_queue: bool) -> None:
    """Purge every queue of the broker, or delete it and declare it anew, as when the broker is replaced."""
    async with await aio_pika.connect(vhost.url) as connection:
        channel = await connection.channel()
        for queue in TOPOLOGY.queues:
            if with_their_queue:
                await channel.queue_delete(queue.name)
            else:
                await (await channel.declare_queue(queue.name, passive=True)).purge()
        await TOPOLOGY.declare(channel)


def test_runbook_has_a_command_for_each_service_with_an_outbox() -> None:
    assert sorted(COMMANDS) == sorted(SERVICES)


@pytest.mark.parametrize("with_their_queue", [False, True], ids=["purged", "replaced"])
async def test_lost_messages_are_sent_again_and_nothing_happens_twice(
    vhost: Vhost, publisher: Publisher, outboxes: Mapping[str, Outbox], *, with_their_queue: bool
) -> None:
    orchestrator, users = outboxes["orchestrator"], outboxes["users"]
    worker = Worker(vhost, orchestrator.database, publisher)
    informed, uninformed = uuid.uuid4(), uuid.uuid4()
    handled, *lost = messages = [confirmed(informed), confirmed(uninformed), paid(uninformed)]
    async with orchestrator.sending(), worker.consuming():
        await orchestrator.add(handled)
        await eventually(lambda: worker.handled == {handled.id: 1})
    async with orchestrator.sending(), users.sending():
        await orchestrator.add(lost[0])
        await users.add(lost[1])
    await eventually(lambda: vhost.queue_counts()[NOTIFICATIONS_QUEUE] == len(lost))
    await lose_messages(vhost, with_their_queue=with_their_queue)

    for times in (1, 2):
        async with orchestrator.sending(), users.sending(), worker.consuming():
            for outbox in outboxes.values():
                await outbox.run_command()
            expected = Counter({message.id: times + (message is handled) for message in messages})
            await eventually(lambda expected=expected: worker.handled == expected)  # type: ignore[misc]
        assert await worker.done_for(informed) == (["order.confirmed"], 1)
        assert await worker.done_for(uninformed) == (["order.confirmed", "payment.confirmed"], 2)


class TestCommand:
    @pytest.fixture(params=SERVICES)
    def outbox(self, outboxes: Mapping[str, Outbox], request: pytest.FixtureRequest) -> Outbox:
        return outboxes[request.param]

    async def test_marks_what_was_sent_since_then(self, outbox: Outbox) -> None:
        """Neither what was sent earlier, nor what is older than consumers remember."""
        messages = [Message(type=f"order.{n}", source="tests", subject="x") for n in range(4)]
        for message in messages:
            await outbox.add(message)
        await outbox.database.execute(_MARK_ALL)
        hours = ((1, 1), (3, 3), (1, 8 * 24), (0, 2))  # since it was sent, and since it was created
        for message, (sent, created) in zip(messages, hours, strict=True):
            await outbox.database.execute(_AGE, {"message_id": message.id, "sent": sent, "created": created})

        assert await outbox.run_command("--dry-run") == [
            "order.0: 1 would be sent again",
            "order.3: 1 would be sent again",
            f"{outbox.service}: 2 messages",
        ]
        assert await outbox.unsent() == []
        assert await outbox.run_command("--only", "order.3") == [
            "order.3: 1 will be sent again",
            f"{outbox.service}: 1 messages",
        ]
        assert await outbox.unsent() == ["order.3"]
        assert await outbox.run_command() == ["order.0: 1 will be sent again", f"{outbox.service}: 1 messages"]
        assert await outbox.unsent() == ["order.0", "order.3"]

    async def test_messages_about_rows_that_heal_themselves_stay_sent(self, outboxes: Mapping[str, Outbox]) -> None:
        outbox = outboxes["orchestrator"]
        for exchange, routing_key in ((HOLD_EXCHANGE, HOLD_QUEUE), ("jobs.exchange", "email"), ("", DEAD_JOBS_QUEUE)):
            await outbox.add(confirmed(uuid.uuid4()), exchange=exchange, routing_key=routing_key)
        await outbox.add(confirmed(uuid.uuid4()), exchange="", routing_key=NOTIFICATIONS_QUEUE)
        await outbox.database.execute(_MARK_ALL)

        await outbox.run_command()

        assert await outbox.unsent() == [NOTIFICATIONS_QUEUE]
