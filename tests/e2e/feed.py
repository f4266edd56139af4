"""A WebSocket client of the user feed."""

import asyncio
import json
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from devstack.stack import Stack
from tests.e2e.user_client import UserClient
from tests.support.timeouts import CONDITION_SECONDS


def open_feed(platform: Stack, user: UserClient, **query: object) -> connect:
    parameters = "".join(f"&{name}={value}" for name, value in query.items())
    return connect(f"{platform.urls.gateway.replace('http', 'ws')}/ws/me?token={user.token}{parameters}")


async def next_message(connection: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of that type, and skip others."""
    return (await read_until(connection, lambda message: message["type"] == kind))[-1]


async def messages_of_kinds(connection: ClientConnection, kinds: AbstractSet[str]) -> list[dict[str, Any]]:
    """Return the next message of each type, in the order of arrival: a service's messages may overtake each other."""
    found: dict[str, dict[str, Any]] = {}

    def is_last(message: dict[str, Any]) -> bool:
        if message["type"] in kinds:
            found.setdefault(message["type"], message)
        return found.keys() == kinds

    await read_until(connection, is_last)
    return list(found.values())


async def read_until(connection: ClientConnection, is_last: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Return the next messages up to the last one."""
    messages: list[dict[str, Any]] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(CONDITION_SECONDS):
            while not messages or not is_last(messages[-1]):
                messages.append(json.loads(await connection.recv()))
            return messages
    raise AssertionError(messages)
