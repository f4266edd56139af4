"""Closes RabbitMQ connections from the broker's side."""

from typing import Any

import httpx

from tests.support.http_client import http_client
from tests.support.servers import Vhost
from tests.support.waiting import eventually


async def cut_connections(vhost: Vhost) -> None:
    """Close every client connection from the broker's side."""
    management = httpx.URL(vhost.management.url)
    async with http_client(management, auth=(management.username, management.password)) as http:

        async def connections() -> list[dict[str, Any]]:
            found = (await http.get("/api/connections")).json()
            return [connection for connection in found if connection["vhost"] == vhost.name]

        for connection in await eventually(connections):
            await http.delete(f"/api/connections/{connection['name']}")
