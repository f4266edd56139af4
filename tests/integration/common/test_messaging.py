"""Messages survive lost connections, an emptied node and undeclared queues."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.db.retention import TableRetention
from common.messaging.consumer import DELIVERY_LIMIT, Consumer, MessageHandler
from common.messaging.declarations import MESSAGES_EXCHANGE, PARKING_QUEUE
from common.messaging.message import Message
from common.messaging.outbox import BATCH, OutboxRelay, sent_retention
from common.messaging.publisher import NotRouted, Publisher
from common.settings import DatabaseSettings
from rabbitmq.topology import HOLD_EXCHANGE, RELEASE_QUEUE, hold_queue_name, platform_topology
from tests.support.connections import cut_connections
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

TOPOLOGY = platform_topology()
RELEASE_EXCHANGE = "seat.release.exchange"
HOLD_KEY = hold_queue_name(300_000)


@pytest.fixture
async def publisher(rabbitmq_url: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(rabbitmq_url, service="tests", topology=TOPOLOGY, timeout_seconds=2)
    publisher.broker.start()
    await publisher.broker.wait_until_ready()
    yield publisher
    await publisher.broker.close()


@pytest.fixture
async def database(database_url: DatabaseFactory) -> AsyncIterator[Database]:
    settings = DatabaseSettings(database_url=SecretStr(database_url("orchestrator")))
    database = Database(settings, application_name="tests")
    yield database
    await database.close()


def a_message(kind: str = "seat.hold") -> Message:
    return Message(type=kind, source="tests", subject="a hold")


async def publish(publisher: Publisher, message: Message) -> None:
    await publisher.publish(
        message.to_bytes(), exchange=RELEASE_EXCHANGE, routing_key=HOLD_KEY, message_id=str(message.id)
    )


async def test_consumer_continues_after_its_connection_was_cut(
    rabbitmq_url: str, vhost: Vhost, publisher: Publisher
) -> None:
    taken: list[uuid.UUID] = []

    async def take(message: Message) -> None:
        taken.append(message.id)

    consumer = Consumer(
        rabbitmq_url, service="tests", topology=TOPOLOGY, queue=RELEASE_QUEUE, handler=take, publisher=publisher
    )
    consumer.broker.start()
    await consumer.broker.wait_until_ready()
    before, after = a_message(), a_message()
    await publish(publisher, before)
    await eventually(lambda: before.id in taken)
    await cut_connections(vhost)

    async def published() -> bool:
        try:
            await publish(publisher, after)
        except Exception as error:
            raise AssertionError from error
        return True

    await eventually(published)
    await eventually(lambda: after.id in taken)
    await consumer.broker.close()


class TestConsumer:
    @asynccontextmanager
    async def _consuming(self, rabbitmq_url: str, publisher: Publisher, handler: MessageHandler) -> AsyncIterator[None]:
        consumer = Consumer(
            rabbitmq_url, service="tests", topology=TOPOLOGY, queue=RELEASE_QUEUE, handler=handler, publisher=publisher
        )
        consumer.broker.start()
        try:
            yield
        finally:
            await consumer.broker.close()

    async def test_unacknowledged_message_is_redelivered_after_a_crash(
        self, rabbitmq_url: str, publisher: Publisher
    ) -> None:
        """Messages are acknowledged only after their work is done."""
        message, unacknowledged, taken = a_message(), asyncio.Event(), asyncio.Event()

        async def hang(_: Message) -> None:
            unacknowledged.set()
            await asyncio.Event().wait()

        async def take(again: Message) -> None:
            assert again.id == message.id
            taken.set()

        async with asyncio.timeout(ANSWER_SECONDS):
            async with self._consuming(rabbitmq_url, publisher, hang):
                await publish(publisher, message)
                await unacknowledged.wait()
            async with self._consuming(rabbitmq_url, publisher, take):
                assert await eventually(taken.is_set)

    async def test_message_that_keeps_crashing_its_handler_is_parked(
        self, rabbitmq_url: str, vhost: Vhost, publisher: Publisher
    ) -> None:
        """One crash of a handler may be the environment's fault; after several, the message is to blame."""
        message, crashes = a_message(), Counter[uuid.UUID]()
        parked = vhost.queue_counts()[PARKING_QUEUE]

        async def crash(poison: Message) -> None:
            crashes[poison.id] += 1
            raise RuntimeError

        async with self._consuming(rabbitmq_url, publisher, crash):
            await publish(publisher, message)
            await eventually(lambda: vhost.queue_counts()[PARKING_QUEUE] == parked + 1)
        assert crashes == {message.id: DELIVERY_LIMIT}

    async def test_message_whose_work_is_cancelled_from_below_is_delivered_again(
        self, rabbitmq_url: str, publisher: Publisher
    ) -> None:
        """A lost database connection cancels what the handler awaits; nobody has cancelled the consumer."""
        message, deliveries = a_message(), 0

        async def take(_: Message) -> None:
            nonlocal deliveries
            deliveries += 1
            if deliveries == 1:
                raise asyncio.CancelledError

        async with self._consuming(rabbitmq_url, publisher, take):
            await publish(publisher, message)
            await eventually(lambda: deliveries == 2)


async def test_unroutable_message_is_refused(publisher: Publisher) -> None:
    with pytest.raises(NotRouted):
        await publisher.publish(b"{}", exchange=HOLD_EXCHANGE, routing_key="nobody", message_id="1")


class TestOutboxRelay:
    async def _insert(self, database: Database, *, exchange: str, routing_key: str) -> uuid.UUID:
        message = a_message(routing_key)
        await database.execute(
            text(
                "INSERT INTO outbox (message_id, exchange, routing_key, body)"
                " VALUES (:message_id, :exchange, :routing_key, :body)"
            ),
            {"message_id": message.id, "exchange": exchange, "routing_key": routing_key, "body": message.to_bytes()},
        )
        return message.id

    async def _is_sent(self, database: Database, message_id: uuid.UUID) -> bool:
        row = await database.fetch_one(
            text("SELECT sent_at FROM outbox WHERE message_id = :message_id"), {"message_id": message_id}
        )
        return row is not None and row["sent_at"] is not None

    async def _held_messages(self, vhost: Vhost) -> set[str]:
        """Take all messages from the hold queue, and return their ids."""
        async with await aio_pika.connect(vhost.url) as connection, connection.channel() as channel:
            queue = await channel.get_queue(HOLD_KEY, ensure=False)
            held: set[str] = set()
            while message := await queue.get(no_ack=True, fail=False):
                held.add(str(message.message_id))
            return held

    async def test_unroutable_message_is_kept_and_does_not_block_others(
        self, database: Database, publisher: Publisher
    ) -> None:
        unwanted = await self._insert(database, exchange=HOLD_EXCHANGE, routing_key="no.such.queue")
        relay = OutboxRelay(database, publisher, poll_seconds=0.05)
        relay.start()
        wanted = await self._insert(database, exchange=HOLD_EXCHANGE, routing_key=HOLD_KEY)
        relay.wake()
        await eventually(lambda: self._is_sent(database, wanted))
        assert not await self._is_sent(database, unwanted)
        await relay.close()

    async def test_unroutable_batch_does_not_block_others(self, database: Database, publisher: Publisher) -> None:
        for _ in range(BATCH):
            await self._insert(database, exchange=HOLD_EXCHANGE, routing_key="no.such.queue")
        wanted = await self._insert(database, exchange=HOLD_EXCHANGE, routing_key=HOLD_KEY)
        relay = OutboxRelay(database, publisher, poll_seconds=0.05)
        assert [await relay.send_batch() for _ in range(3)] == [BATCH, 1, 0]
        assert await self._is_sent(database, wanted)

    async def test_event_without_subscribers_is_sent(self, database: Database, publisher: Publisher) -> None:
        fact = await self._insert(database, exchange=MESSAGES_EXCHANGE, routing_key="order.confirmed")
        relay = OutboxRelay(database, publisher, poll_seconds=0.05)
        relay.start()
        await eventually(lambda: self._is_sent(database, fact))
        await relay.close()

    async def test_relay_continues_after_a_lost_connection(
        self, database: Database, publisher: Publisher, vhost: Vhost
    ) -> None:
        relay = OutboxRelay(database, publisher, poll_seconds=0.05)
        relay.start()
        sent = [await self._insert(database, exchange=HOLD_EXCHANGE, routing_key=HOLD_KEY) for _ in range(20)]
        await cut_connections(vhost)
        sent += [await self._insert(database, exchange=HOLD_EXCHANGE, routing_key=HOLD_KEY) for _ in range(20)]
        for message_id in sent:
            await eventually(lambda message_id=message_id: self._is_sent(database, message_id))  # type: ignore[misc]
        await relay.close()
        assert await self._held_messages(vhost) >= {str(message_id) for message_id in sent}

    async def test_two_relays_share_the_work(self, database: Database, publisher: Publisher) -> None:
        sent = [await self._insert(database, exchange=HOLD_EXCHANGE, routing_key=HOLD_KEY) for _ in range(50)]
        relays = [OutboxRelay(database, publisher, poll_seconds=0.05) for _ in range(2)]
        claimed = await asyncio.gather(*(relay.send_batch() for relay in relays))
        assert sum(claimed) == len(sent)

    async def test_sent_messages_are_kept_for_a_while(self, database: Database, publisher: Publisher) -> None:
        old, fresh = [
            await self._insert(database, exchange=MESSAGES_EXCHANGE, routing_key="order.confirmed") for _ in range(2)
        ]
        relay = OutboxRelay(database, publisher, poll_seconds=0.05)
        while await relay.send_batch():
            pass
        for message_id, hours in ((old, 2), (fresh, 1)):
            aged = text("UPDATE outbox SET sent_at = sent_at - make_interval(hours => :hours) WHERE message_id = :id")
            await database.execute(aged, {"hours": hours, "id": message_id})
        await TableRetention(database, sent_retention(keep_hours=2)).delete_old()
        assert not await self._is_sent(database, old)
        assert await self._is_sent(database, fresh)

    async def test_lag_is_measured_while_the_broker_is_unavailable(self, database: Database) -> None:
        """The relay has never been connected: that is when an operator needs the lag."""
        await self._insert(database, exchange=MESSAGES_EXCHANGE, routing_key="order.confirmed")
        await database.execute(text("UPDATE outbox SET created_at = created_at - interval '90 seconds'"))
        unavailable = Publisher(
            "amqp://guest:guest@127.0.0.1:9/", service="tests", topology=TOPOLOGY, timeout_seconds=2
        )
        relay = OutboxRelay(database, unavailable, poll_seconds=0.05)
        relay.start()
        await eventually(lambda: 90 <= (REGISTRY.get_sample_value("outbox_lag_seconds") or 0) < 120)
        await relay.close()
        await database.execute(text("DELETE FROM outbox"))
        await relay.measure_lag()
        assert REGISTRY.get_sample_value("outbox_lag_seconds") == 0
