"""The embedded PostgreSQL and the private RabbitMQ after a kill, which simulates a power cut."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aio_pika.exceptions
import asyncpg
import pytest
from aio_pika import Connection, DeliveryMode, Message, connect
from aio_pika.abc import AbstractChannel, AbstractQueue
from aio_pika.connection import make_url

from devstack.errors import DevstackError
from devstack.home import Home
from devstack.keys import keys_of
from devstack.management import RabbitMQManagement
from devstack.ports import PortClaims, free_port
from devstack.postgres import EmbeddedPostgres
from devstack.postgres_files import clear_postgres_files, postgres_files
from devstack.processes import spawn
from devstack.rabbitmq import PortTaken, PrivateRabbitMQ, RabbitMQPorts
from devstack.services import SERVER_PORTS
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    yield home
    clear_postgres_files(home)


@pytest.fixture
def postgres(home: Home) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home, port=free_port(), password=keys_of(home).postgres_password, throwaway=True)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def rabbitmq(home: Home) -> Iterator[PrivateRabbitMQ]:
    with PortClaims() as claims:
        broker = PrivateRabbitMQ(home, ports=free_broker_ports(claims), keys=keys_of(home))
        broker.start()
        yield broker
        broker.kill()


def free_broker_ports(claims: PortClaims) -> RabbitMQPorts:
    return RabbitMQPorts.of({name: claims.claim() for name in SERVER_PORTS["rabbitmq"]})


async def execute(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(server.url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_committed_data_survives_a_kill(postgres: EmbeddedPostgres) -> None:
    await execute(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.kill()
    with pytest.raises(OSError):
        await execute(postgres, "SELECT 1")
    postgres.start()
    assert await execute(postgres, "SELECT answer FROM kept") == 42


async def test_leftover_server_is_stopped_before_the_next_start(home: Home, postgres: EmbeddedPostgres) -> None:
    left_behind = postgres.process
    assert left_behind is not None
    successor = EmbeddedPostgres(home, port=free_port(), password=keys_of(home).postgres_password, throwaway=True)
    successor.start()
    try:
        assert not left_behind.is_alive()
        assert await execute(successor, "SELECT 1") == 1
    finally:
        successor.kill()


async def test_lock_file_with_the_pid_of_another_process_is_ignored(home: Home, postgres: EmbeddedPostgres) -> None:
    files = postgres_files(home)
    lock_file = files.data / "postmaster.pid"
    lines = lock_file.read_text().splitlines()
    postgres.kill()
    # Of the server's own user: PostgreSQL itself checks only such processes.
    stranger = spawn(["/bin/sleep", "60"], env={}, output=subprocess.DEVNULL, cwd=Path("/"), account=files.account)
    lock_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    try:
        postgres.start()
        assert stranger.poll() is None
        assert await execute(postgres, "SELECT 1") == 1
    finally:
        stranger.kill()
        stranger.wait()


async def test_password_is_required(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url.replace(":", ":wrong", 2).replace("wrong//", "//"))


async def declared(channel: AbstractChannel) -> AbstractQueue:
    return await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})


async def registered(home: Home, queue: str) -> None:
    """Wait until the broker has stored a new quorum queue: that takes a second or two after the declaration."""
    registers = list(home.path.glob("rabbitmq/data/*/quorum/*/names.dets"))
    await eventually(lambda: any(queue.encode() in register.read_bytes() for register in registers))


async def test_confirmed_message_survives_a_kill_of_the_broker(home: Home, rabbitmq: PrivateRabbitMQ) -> None:
    connection = await connect(rabbitmq.url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        await declared(channel)
        message = Message(b"hold", delivery_mode=DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key="kept")
    await registered(home, "kept")
    rabbitmq.kill()
    assert not any(process.is_alive() for process in rabbitmq.processes)
    rabbitmq.start()
    async with await connect(rabbitmq.url) as again:
        # Read, not counted: a quorum queue's count lags behind its contents after a start.
        found = await (await declared(await again.channel())).get(no_ack=True)
        assert found is not None
        assert found.body == b"hold"


@pytest.fixture
def neighbour(tmp_path: Path) -> Home:
    """The folder of another platform on this machine."""
    home = Home(tmp_path / "neighbour")
    home.prepare()
    return home


def test_broker_at_the_ports_of_another_platform_is_not_ready(rabbitmq: PrivateRabbitMQ, neighbour: Home) -> None:
    own_ports = replace(rabbitmq.ports, distribution=free_port(), epmd=free_port())
    met = PrivateRabbitMQ(neighbour, ports=own_ports, keys=keys_of(neighbour))
    try:
        with pytest.raises(PortTaken):
            met.start()
    finally:
        met.kill()


async def test_broker_refuses_the_users_of_another_platform_and_guest(
    rabbitmq: PrivateRabbitMQ, neighbour: Home
) -> None:
    stranger = PrivateRabbitMQ(neighbour, ports=rabbitmq.ports, keys=keys_of(neighbour))
    assert stranger.node != rabbitmq.node
    for management in (
        stranger.management,
        RabbitMQManagement(f"http://guest:guest@127.0.0.1:{rabbitmq.ports.management}"),
    ):
        assert not management.serves(rabbitmq.node, amqp_port=rabbitmq.ports.amqp)
        with pytest.raises(DevstackError, match="401"):
            management.get("/api/overview")
    assert rabbitmq.management.serves(rabbitmq.node, amqp_port=rabbitmq.ports.amqp)
    refused = Connection(make_url(stranger.url))
    with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError):
        await refused.connect()
    await refused.close()  # the garbage collector would close it in a test without an event loop


def test_servers_listen_on_loopback_only(rabbitmq: PrivateRabbitMQ, postgres: EmbeddedPostgres) -> None:
    assert postgres.process is not None
    for process in (*rabbitmq.processes, postgres.process):
        running = process.process()
        assert running is not None
        listening = [c.laddr.ip for c in running.net_connections("inet") if c.status == "LISTEN"]
        assert listening
        assert set(listening) <= {"127.0.0.1", "::1"}
