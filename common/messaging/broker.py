"""Connections to RabbitMQ, opened in the background: a process starts even if the broker is unavailable.

Publishers and consumers have connections of their own, so that one that is blocked does not stop the other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractRobustConnection
from aio_pika.connection import make_url

from common.background import BackgroundTask
from common.messaging.declarations import Topology
from common.telemetry.logs import get_logger

__all__ = ["Broker", "OnConnected"]

RECONNECT_SECONDS: Final = 0.5
HEARTBEAT_SECONDS: Final = 15

OnConnected = Callable[[AbstractRobustConnection], Awaitable[None]]

logger = get_logger(__name__)


class Broker:
    """One connection to RabbitMQ, maintained in the background.

    Args:
        name: shown in the management UI.
        topology: declared on every connection.
        on_connected: called once, after the first connection; robust channels opened there survive reconnections.
    """

    def __init__(self, url: str, *, name: str, topology: Topology, on_connected: OnConnected) -> None:
        self._url = url
        self._name = name
        self._topology = topology
        self._on_connected = on_connected
        self._connection: AbstractRobustConnection | None = None
        self._declaring: AbstractChannel | None = None  # kept open: a robust channel repeats its declarations
        self._connecting = BackgroundTask(self._connect, name=f"connect {name}")
        self._ready = asyncio.Event()

    def start(self) -> None:
        """Begin connecting. Returns at once."""
        self._connecting.start()

    async def wait_until_ready(self) -> None:
        await self._ready.wait()

    async def is_healthy(self) -> bool:
        return self._ready.is_set() and self._connection is not None and self._connection.connected.is_set()

    async def close(self) -> None:
        await self._connecting.close()
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> None:
        while not self._ready.is_set():
            try:
                await self._connect_once()
            except Exception as error:  # noqa: BLE001 - whatever the error, connecting is retried
                logger.warning("broker.unreachable", connection=self._name, reason=repr(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _connect_once(self) -> None:
        # Not by `connect_robust`: if cancelled, it leaves an open connection without a reference.
        options: dict[str, Any] = {"reconnect_interval": RECONNECT_SECONDS, "heartbeat": HEARTBEAT_SECONDS}
        url = make_url(self._url, **options)
        connection = aio_pika.RobustConnection(url, client_properties={"connection_name": self._name}, **options)
        try:
            await connection.connect()
            self._declaring = await connection.channel()
            await self._topology.declare(self._declaring)
            await self._on_connected(connection)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        self._ready.set()
        logger.info("broker.connected", connection=self._name)
