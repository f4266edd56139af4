"""A WebSocket client of the user feed."""

import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from devstack.stack import Stack
from tests.e2e.user_client import UserClient


def open_feed(platform: Stack, user: UserClient, **query: object) -> connect:
    parameters = "".join(f"&{name}={value}" for name, value in query.items())
    return connect(f"{platform.urls.gateway.replace('http', 'ws')}/ws/me?token={user.token}{parameters}")


async def next_message(connection: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of that type, and skip others."""
    while True:
        message: dict[str, Any] = json.loads(await connection.recv())
        if message["type"] == kind:
            return message
