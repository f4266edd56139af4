"""The events service as its callers see it, for tests."""

from typing import Any

import httpx

from tests.support.callers import Caller, new_id

__all__ = ["CatalogueCaller", "a_venue", "drafting"]

LAYOUT = [
    {"category": "CAT1", "price": "350.00", "rows": [{"row_number": "A", "seats": 10}]},
    {"category": "STANDING", "price": "99.50", "general_admission": 10},
]


def a_venue(**changes: Any) -> dict[str, Any]:
    address = "1 Esplanade Drive, Singapore 038981"
    place = {"name": "Esplanade", "address": address, "time_zone": "Asia/Singapore"}
    return {**place, "total_halls": 2, "halls": ["HALL-A"], **changes}


def drafting(**changes: Any) -> dict[str, Any]:
    """Return the body that drafts an event with a venue of its own."""
    body: dict[str, Any] = {
        "request_id": new_id(),
        "event_id": new_id(),
        "name": "Lights over the Bay",
        "venue": a_venue(address=new_id()),
        "hall_id": "HALL-A",
        "event_date": "2027-03-20T12:00:00Z",
        "total_seats": 20,
        "pricing_tiers": {"CAT1": "350.00", "STANDING": "99.50"},
        "layout": LAYOUT,
    }
    return {**body, **changes}


class CatalogueCaller:
    """Calls the catalogue's routes. Ids that do not matter to a test are generated."""

    def __init__(self, orchestrator: Caller) -> None:
        self.orchestrator = orchestrator

    async def draft(self, body: dict[str, Any]) -> httpx.Response:
        return await self.orchestrator.post("/internal/events", body)

    async def publish(self, event_id: str, *, request_id: str | None = None) -> httpx.Response:
        body = {"request_id": request_id or new_id()}
        return await self.orchestrator.post(f"/internal/events/{event_id}/publish", body)

    async def edit(self, event_id: str, *, request_id: str | None = None, **changes: Any) -> httpx.Response:
        body = {"request_id": request_id or new_id(), **changes}
        return await self.orchestrator.post(f"/internal/events/{event_id}/edit", body)

    async def cancel(self, event_id: str, *, request_id: str | None = None) -> httpx.Response:
        body = {"request_id": request_id or new_id()}
        return await self.orchestrator.post(f"/internal/events/{event_id}/cancel", body)

    async def discard(self, event_id: str, *, undoes: str, request_id: str | None = None) -> httpx.Response:
        body = {"request_id": request_id or new_id(), "undoes_request_id": undoes}
        return await self.orchestrator.post(f"/internal/events/{event_id}/discard", body)

    async def find(self, event_id: str) -> httpx.Response:
        return await self.orchestrator.get(f"/internal/events/{event_id}")

    async def event(self, event_id: str) -> dict[str, Any]:
        """Return an event without its articles, as the other answers have it."""
        event: dict[str, Any] = (await self.find(event_id)).json()["data"]
        return {name: value for name, value in event.items() if name != "articles"}

    async def look_up(self, *event_ids: str) -> httpx.Response:
        return await self.orchestrator.post("/internal/events/lookup", {"event_ids": event_ids})

    async def search(self, **query: Any) -> httpx.Response:
        return await self.orchestrator.get("/internal/events", **query)

    async def drafted(self, **changes: Any) -> dict[str, Any]:
        """Draft an event and return the body of the request."""
        body = drafting(**changes)
        answer = await self.draft(body)
        assert answer.status_code == 200, answer.text
        return body

    async def published(self, **changes: Any) -> dict[str, Any]:
        body = await self.drafted(**changes)
        answer = await self.publish(body["event_id"])
        assert answer.status_code == 200, answer.text
        return body

    async def cancelled(self, **changes: Any) -> dict[str, Any]:
        body = await self.published(**changes)
        answer = await self.cancel(body["event_id"])
        assert answer.status_code == 200, answer.text
        return body
