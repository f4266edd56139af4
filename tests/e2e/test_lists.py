"""Every list of the API: its total does not depend on the page, and its cursor leads through it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest

from tests.e2e.conftest import MakeConcert
from tests.e2e.scanner import Ticket
from tests.e2e.user_client import ApiResponse, UserClient
from tests.support.waiting import eventually

LAST_PAGE: Final = 1_000_000
OF_PERFORMERS: Final = "/performer/"
# It answers how many wait, in place of a total: tests/e2e/test_performance_queue.py.
QUEUE: Final = "/api/performance-queue"


@pytest.fixture
async def nova(anonymous: UserClient) -> AsyncIterator[UserClient]:
    """The seeded performer."""
    async with await anonymous.log_in("performer@example.com") as performer:
        yield performer


def lists_of(openapi: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Return each route that responds with pages, and whether it can be continued after an item."""
    for path, operations in openapi["paths"].items():
        get = operations.get("get", {})
        names = {parameter["name"] for parameter in get.get("parameters", ())}
        if {"page", "per_page"} <= names and path != QUEUE:
            yield path, "after" in names


async def test_page_past_the_end_tells_the_total(
    *, openapi: dict[str, Any], admin: UserClient, nova: UserClient, ticket: Ticket, subscription: dict[str, Any]
) -> None:
    ids = {
        "event_id": ticket.event_id,
        "subscription_id": subscription["subscription_id"],
        "performer_id": nova.user_id,
        "menu_id": (await nova.get("/performer/menus")).data[0]["menu_id"],
    }
    found = [path.removeprefix("/api").format(**ids) for path, _ in lists_of(openapi)]
    assert {"/admin/sagas", "/admin/jobs", "/admin/payments", "/orders", "/performers"} <= {*found}
    totals = {path: await _same_total(nova if path.startswith(OF_PERFORMERS) else admin, path) for path in found}
    assert totals["/admin/sagas"] > 0
    assert totals["/orders"] > 0
    assert (await nova.get(QUEUE.removeprefix("/api"), page=LAST_PAGE)).status == 200


async def _same_total(admin: UserClient, path: str) -> int:
    async def look() -> tuple[int]:
        first, last = await admin.get(path), await admin.get(path, page=LAST_PAGE)
        assert (first.status, last.status) == (200, 200), (path, first.body, last.body)
        assert last.body["pagination"]["total"] == first.body["pagination"]["total"], path
        assert "next" not in last.body["pagination"]
        return (first.body["pagination"]["total"],)  # a tuple, which is true

    return (await eventually(look))[0]


async def test_cursor_leads_through_the_list(
    *, openapi: dict[str, Any], admin: UserClient, nova: UserClient, fan: UserClient, new_concert: MakeConcert
) -> None:
    concert = await new_concert()
    for seat in concert.seats["CAT2"][:3]:
        assert (await fan.reserve(concert.event_id, seat)).status == 200
    ids = [order["order_id"] for order in (await fan.get("/orders")).data]
    seen, after = [], None
    while True:
        page = await _after(fan, "/orders", after)
        seen += [order["order_id"] for order in page.data]
        after = page.body["pagination"].get("next")
        if after is None:
            break
    assert len(ids) == 3
    assert seen == ids
    for path, has_cursor in lists_of(openapi):
        if has_cursor and "{" not in path:
            caller = nova if path.startswith(f"/api{OF_PERFORMERS}") else admin
            refused = await caller.get(path.removeprefix("/api"), after="x")
            assert refused.refused() == (400, "VALIDATION_ERROR"), path


async def _after(user: UserClient, path: str, after: str | None) -> ApiResponse:
    return await user.get(path, per_page=1, **({"after": after} if after else {}))
