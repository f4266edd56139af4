"""A person's own feed, as a client of the gateway hears it."""

import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from devstack.stack import Stack
from tests.e2e.user_client import UserClient

__all__ = ["next_message", "open_feed"]


def open_feed(platform: Stack, user: UserClient, **query: object) -> connect:
    asked = "".join(f"&{name}={value}" for name, value in query.items())
    return connect(f"{platform.urls.gateway.replace('http', 'ws')}/ws/me?token={user.token}{asked}")


async def next_message(connection: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of that type, whatever comes before it."""
    while True:
        said: dict[str, Any] = json.loads(await connection.recv())
        if said["type"] == kind:
            return said
