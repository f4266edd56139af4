import asyncpg
import pytest
from aio_pika import connect

from devstack.database import database_url as plain_url
from tests.support.servers import DatabaseFactory, TestServers, Vhost


async def connected(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(url.replace("+asyncpg", ""))


async def test_each_database_is_a_fresh_one(database_url: DatabaseFactory) -> None:
    first = await connected(database_url.empty())
    second = await connected(database_url.empty())
    try:
        await first.execute("CREATE TABLE mark (id int)")
        assert await second.fetchval("SELECT to_regclass('mark')") is None
    finally:
        await first.close()
        await second.close()


async def test_databases_are_dropped_with_a_client_still_connected(servers: TestServers) -> None:
    factory = DatabaseFactory(servers)
    name = factory.empty().rpartition("/")[2]
    client = await connected(servers.url_of(name))
    factory.drop_all()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(plain_url(servers.stack.postgres_url, name))
    client.terminate()


async def test_durability_is_reduced_only_for_disposable_data(database_url: DatabaseFactory) -> None:
    connection = await connected(database_url.empty())
    try:
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        assert await connection.fetchval("SHOW fsync") == "off"
        assert int(await connection.fetchval("SHOW max_connections")) == 300
        assert (await connection.fetchval("SHOW server_version")).startswith("16.")
    finally:
        await connection.close()


async def test_a_vhost_has_its_own_queues(servers: TestServers, vhost: Vhost, rabbitmq_url: str) -> None:
    connection = await connect(rabbitmq_url)
    async with connection:
        channel = await connection.channel()
        await channel.declare_queue("mine", durable=True, arguments={"x-queue-type": "quorum"})
        assert "mine" in vhost.queue_counts()
        with servers.vhost() as other:
            assert "mine" not in other.queue_counts()
