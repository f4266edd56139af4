"""A performer with an own tip grid and own menus, and what fans do there."""

import asyncio
import uuid
from collections.abc import Awaitable
from typing import Any, Final

import asyncpg

from devstack.stack import Stack
from tests.e2e.user_client import ApiResponse, UserClient
from tests.support.waiting import eventually

__all__ = [
    "Performer",
    "at_once",
    "balances",
    "change",
    "item_of",
    "menu_purchase",
    "messages_about",
    "points_of",
    "read",
    "tip",
    "until_status",
]

PRICE: Final = "20.00"


class Performer:
    """A performer's client, and what the performer offers."""

    def __init__(self, client: UserClient) -> None:
        self.client = client
        self.performer_id = client.user_id

    async def balance(self) -> str:
        return await self.client.balance()

    async def add_tip(self, **changes: Any) -> str:
        """Add an item to a new tip grid and return its id."""
        tip_menu = await self._created("/performer/tip-menus", {"name": "Tips"})
        path = f"/performer/tip-menus/{tip_menu['tip_menu_id']}/items"
        item = await self._created(path, {"name": "Shout-out", "description": "By name", "price": PRICE} | changes)
        return str(item["tip_menu_item_id"])

    async def add_menu(self, **changes: Any) -> str:
        menu = await self._created("/performer/menus", {"name": "Requests", "queue_mode": "ON"} | changes)
        return str(menu["menu_id"])

    async def add_menu_item(self, menu_id: str, **changes: Any) -> str:
        item = {"name": "A song for Mia", "token_value": PRICE, "estimated_minutes": 10}
        return str((await self._created(f"/performer/menus/{menu_id}/items", item | changes))["menu_item_id"])

    async def pause(self) -> None:
        assert (await self.client.post("/performance-queue/pause")).status == 200

    async def resume(self) -> None:
        assert (await self.client.post("/performance-queue/resume")).status == 200

    async def act(self, item_id: str, act: str, **body: str) -> ApiResponse:
        """Start, complete or decline an item."""
        return await self.client.post(f"/performance-queue/{item_id}/{act}", body)

    async def queue(self) -> list[dict[str, Any]]:
        """Return what is in progress, then what waits, in order."""
        items: list[dict[str, Any]] = (await self.client.get("/performance-queue")).data["items"]
        return items

    async def _created(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        created = await self.client.post(path, body, key=f"{uuid.uuid4()}")
        assert created.status == 201, created.body
        data: dict[str, Any] = created.data
        return data


async def tip(
    fan: UserClient, performer: Performer, item_id: str, *, header_key: str | None = None, **body: Any
) -> ApiResponse:
    wanted = {"tip_menu_item_id": item_id, "performer_id": performer.performer_id}
    return await fan.post("/tip-grid/purchase", wanted | body, key=header_key)


async def menu_purchase(
    fan: UserClient, menu_id: str, item_id: str, *, header_key: str | None = None, **body: Any
) -> ApiResponse:
    wanted = {"menu_id": menu_id, "menu_item_id": item_id}
    return await fan.post("/menu/purchase", wanted | body, key=header_key)


async def item_of(user: UserClient, item_id: str) -> dict[str, Any]:
    item: dict[str, Any] = (await user.get(f"/purchased-items/{item_id}")).data
    return item


async def until_status(user: UserClient, item_id: str, status: str) -> dict[str, Any]:
    """Wait until an item has this status, and return it."""

    async def look() -> dict[str, Any]:
        item = await item_of(user, item_id)
        assert item["status"] == status, item
        return item

    return await eventually(look)


async def balances(fan: UserClient, performer: Performer) -> tuple[str, str]:
    return await fan.balance(), await performer.balance()


async def points_of(user: UserClient) -> int:
    return int((await user.get(f"/users/{user.user_id}")).data["loyalty_points"])


async def read(platform: Stack, service: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """Run a statement in a service's database."""
    connection = await asyncpg.connect(platform.urls.databases[service].replace("+asyncpg", ""))
    try:
        return list(await connection.fetch(statement, *arguments))
    finally:
        await connection.close()


async def change(platform: Stack, service: str, statement: str, *arguments: object) -> None:
    """Change a row, in place of waiting for a time to come."""
    await read(platform, service, statement, *arguments)


async def messages_about(platform: Stack, item_id: str) -> list[str]:
    """Return the types of the messages about an item, in their order."""
    statement = """
        SELECT routing_key FROM outbox WHERE convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1 ORDER BY created_at
    """
    return [row["routing_key"] for row in await read(platform, "orders", statement, item_id)]


async def at_once(*calls: Awaitable[ApiResponse]) -> list[ApiResponse]:
    return list(await asyncio.gather(*calls))
