"""A person's own feed, as a client of the gateway hears it."""

import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from devstack.stack import Stack
from tests.e2e.user_client import Person

__all__ = ["next_of", "watch"]


def watch(platform: Stack, person: Person, **query: object) -> connect:
    asked = "".join(f"&{name}={value}" for name, value in query.items())
    return connect(f"{platform.urls.gateway.replace('http', 'ws')}/ws/me?token={person.token}{asked}")


async def next_of(connection: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of that type, whatever comes before it."""
    while True:
        said: dict[str, Any] = json.loads(await connection.recv())
        if said["type"] == kind:
            return said
