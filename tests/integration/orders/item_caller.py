"""Purchased items and performers' queues as the orchestrator calls them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson
from sqlalchemy import text

from common.db.engine import Database
from tests.support.callers import Caller, new_id

PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "OPENING": (),
    "PENDING": ("enqueue",),
    "IN_PROGRESS": ("enqueue", "start"),
    "SUCCESS": ("enqueue", "start", "complete"),
    "FAILED": ("enqueue", "end"),
}
ARGUMENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "enqueue": {"is_funded": True},
    "start": {},
    "complete": {"note": "Done with love", "file_url": "https://files.example.com/1"},
    "end": {"reason": "PAYMENT_FAILED", "explanation": ""},
}


def opening(**changes: Any) -> dict[str, Any]:
    """Return the body that opens a menu item for 12 credits."""
    body: dict[str, Any] = {
        "request_id": new_id(),
        "purchased_item_id": new_id(),
        "type": "menu_item",
        "buyer_user_id": new_id(),
        "performer_id": new_id(),
        "offer_id": new_id(),
        "menu_id": new_id(),
        "name": "Song dedication",
        "description": "The next song is for you.",
        "price": "12.00",
        "execution_mode": "QUEUED",
        "message": "For Mia",
        "estimated_minutes": 4,
        "bonus_points": 5,
        "time_zone": "Asia/Singapore",
    }
    return {**body, **changes}


@dataclass(frozen=True)
class Item:
    """An item brought to a status: its opening, and the request id of each action."""

    key: str
    body: dict[str, Any]
    request_ids: dict[str, str] = field(default_factory=dict)


class ItemCaller:
    path = "/internal/purchased-items"

    def __init__(self, orchestrator: Caller) -> None:
        self.orchestrator = orchestrator

    async def open(self, **changes: Any) -> httpx.Response:
        return await self.orchestrator.post(self.path, opening(**changes))

    async def check_key(self, **key: str) -> httpx.Response:
        return await self.orchestrator.get(f"{self.path}/check-key", **key)

    async def perform(self, item: Item, name: str, *, request_id: str | None = None, **changes: Any) -> httpx.Response:
        """Perform an action, or `end`, which undoes the opening; again under the same id unless another is given."""
        body = {"request_id": request_id or item.request_ids.setdefault(name, new_id()), **ARGUMENTS[name], **changes}
        if name == "end":
            body["undoes_request_id"] = item.body["request_id"]
        return await self.orchestrator.post(f"{self.path}/{item.key}/{name}", body)

    async def at(self, status: str, **changes: Any) -> Item:
        """Open an item and bring it to `status`."""
        item = self.unopened(**changes)
        opened = await self.open(**item.body)
        assert opened.status_code == 200, opened.text
        for name in PATHS[status]:
            done = await self.perform(item, name)
            assert done.status_code == 200, done.text
        return item

    async def several(self, count: int, status: str, **changes: Any) -> list[Item]:
        """Open several, one after the other."""
        return [await self.at(status, **changes) for _ in range(count)]

    @staticmethod
    def unopened(**changes: Any) -> Item:
        body = opening(**changes)
        return Item(body["purchased_item_id"], body, {"open": body["request_id"]})

    async def find(self, key: str) -> httpx.Response:
        return await self.orchestrator.get(f"{self.path}/{key}")

    async def facts(self, key: str) -> dict[str, Any]:
        found = await self.find(key)
        assert found.status_code == 200, found.text
        facts: dict[str, Any] = found.json()["data"]
        return facts

    async def place(self, key: str) -> tuple[int | None, int | None]:
        """Return the position and the wait of this moment."""
        facts = await self.facts(key)
        return facts["queue_position"], facts["estimated_wait_minutes"]

    async def queue(self, performer_id: str) -> dict[str, Any]:
        state: dict[str, Any] = (await self.orchestrator.get(f"/internal/performer-queues/{performer_id}")).json()
        return {name: value for name, value in state["data"].items() if name != "performer_id"}

    async def queued(self, performer_id: str, **page: int) -> list[str]:
        path = f"/internal/performer-queues/{performer_id}/items"
        rows = (await self.orchestrator.get(path, **page)).json()["data"]
        return [row["purchased_item_id"] for row in rows]

    async def set_paused(self, performer_id: str, *, is_paused: bool) -> None:
        path = f"/internal/performer-queues/{performer_id}"
        assert (await self.orchestrator.post(path, {"is_paused": is_paused})).status_code == 200

    async def settle(self, *keys: str, request_id: str | None = None, payout_id: str | None = None) -> httpx.Response:
        body = {"request_id": request_id or new_id(), "payout_id": payout_id or new_id(), "item_ids": keys}
        return await self.orchestrator.post(f"{self.path}/settle", body)

    async def note_device(self, key: str, **note: str) -> httpx.Response:
        return await self.orchestrator.post(f"{self.path}/{key}/device", note)


async def told_of(database: Database, key: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the messages about an item in the outbox, in their order: type and data."""
    rows: Sequence[Mapping[str, Any]] = await database.fetch_all(text("SELECT * FROM outbox ORDER BY created_at"))
    messages = [orjson.loads(bytes(row["body"])) for row in rows]
    return [(message["type"], message["data"]) for message in messages if message["subject"] == key]


async def answers(*calls: Any) -> list[int]:
    """Make calls at once and return their statuses, sorted."""
    return sorted(answer.status_code for answer in await asyncio.gather(*calls))
