"""Exports what all services store of a user, as one JSON document that is written while it is read."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from orchestrator.clients import Clients
from orchestrator.clients.personal_data import OF_EVENTS, OF_ORDERS
from orchestrator.features.personal_data.repository import PersonalDataRepository

__all__ = ["ExportService"]

PAGE: Final = 100
LAST_SEQUENCE: Final = 2**63 - 1
USERS_SECTIONS: Final = ("sessions", "credits", "points", "payments")

Items = AsyncIterator[list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class ExportService:
    clients: Clients
    repository: PersonalDataRepository

    async def export(self, user_id: uuid.UUID) -> AsyncIterator[bytes]:
        """Return the JSON of the response in parts. A service that fails on the way cuts it off, so that it is no JSON.

        Raises:
            TooManyRequests: the user has exported too often.
            NotFound: USER_NOT_FOUND.
        """
        profile = await self.clients.personal_data.begin_export(user_id)
        return self._parts(user_id, {"exported_at": datetime.now(UTC), "profile": profile})

    async def _parts(self, user_id: uuid.UUID, first: Mapping[str, Any]) -> AsyncIterator[bytes]:
        event_ids: set[str] = set()
        yield b'{"success":true,"data":' + orjson.dumps(first)[:-1]
        for name, read in self._sections(user_id, event_ids).items():
            yield b',"%s":[' % name.encode()
            separator = b""
            async for items in read():
                event_ids |= {str(item["event_id"]) for item in items if item.get("event_id")}
                if items:
                    yield separator + orjson.dumps(items, default=str)[1:-1]
                    separator = b","
            yield b"]"
        yield b"}}"

    def _sections(self, user_id: uuid.UUID, event_ids: set[str]) -> dict[str, Callable[[], Items]]:
        """Return what reads each section; the scans come after everything that names the events of the user's tickets."""
        remote = {
            name: self._remote(self.clients.personal_data.section, user_id, name)
            for name in (*USERS_SECTIONS, *OF_ORDERS, *OF_EVENTS)
        }
        return {
            **remote,
            "tickets": lambda: self._tickets(user_id),
            "scans": lambda: self._scans(user_id, event_ids),
            "notifications": lambda: self._notifications(user_id),
        }

    @staticmethod
    def _remote(section: Callable[..., Any], user_id: uuid.UUID, name: str) -> Callable[[], Items]:
        async def read() -> Items:
            after: str | None = None
            while True:
                items, after = await section(user_id, name, after=after)
                yield items
                if after is None:
                    return

        return read

    async def _tickets(self, user_id: uuid.UUID) -> Items:
        offset = 0
        while True:
            seats, total = await self.clients.inventory.owned_by(user_id, offset=offset, limit=PAGE)
            yield [
                {
                    **seat.seat.model_dump(mode="json"),
                    "event_id": seat.event_id,
                    "order_id": seat.order_id,
                    "status": seat.status,
                    "price_paid": seat.price_paid,
                    "purchased_at": seat.purchased_at,
                }
                for seat in seats
            ]
            offset += PAGE  # of rows, one of which may be unreadable
            if offset >= total.number:
                return

    async def _scans(self, user_id: uuid.UUID, event_ids: set[str]) -> Items:
        """Read the scans of the user's tickets, without the staff who made them."""
        for event_id in sorted(event_ids):
            offset = 0
            while True:
                scans, total = await self.clients.check_in.scans(
                    uuid.UUID(event_id), offset=offset, limit=PAGE, ticket_user_id=user_id
                )
                yield [
                    {
                        "event_id": logged.scan.event_id,
                        "seat_id": logged.scan.seat_id,
                        "hall_presented": logged.scan.hall_presented,
                        "result": logged.result,
                        "logged_at": logged.logged_at,
                    }
                    for logged in scans
                    # An inventory of the previous release returns the scans of all tickets.
                    if logged.scan.ticket_user_id == user_id
                ]
                offset += PAGE
                if offset >= total.number:
                    break

    async def _notifications(self, user_id: uuid.UUID) -> Items:
        before = LAST_SEQUENCE
        while entries := await self.repository.feed_of(user_id, before=before, limit=PAGE):
            yield entries
            before = entries[-1]["sequence"]
