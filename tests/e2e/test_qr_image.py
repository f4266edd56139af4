"""A ticket's QR code as an image (T11)."""

import uuid
from collections.abc import Awaitable, Callable

import httpx
import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan
from tests.e2e.scanner import ScannerClient, Ticket
from tests.e2e.user_client import UserClient
from tests.support.http_client import http_client

Fetch = Callable[[UserClient, str], Awaitable[httpx.Response]]


@pytest.fixture
def fetch(platform: Stack) -> Fetch:
    async def fetch(user: UserClient, seat_id: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {user.token}"} if user.token else {}
        async with http_client(platform.urls.gateway, headers=headers) as http:
            return await http.get(f"/api/tickets/{seat_id}/qr.svg")

    return fetch


async def test_owner_gets_a_new_image_each_time(fetch: Fetch, fan: UserClient, ticket: Ticket) -> None:
    first, second = [await fetch(fan, ticket.seat_id) for _ in range(2)]
    assert first.status_code == second.status_code == 200
    assert first.headers["content-type"] == "image/svg+xml"
    assert first.headers["cache-control"] == "no-store"
    assert first.text.startswith("<svg ")
    assert first.text != second.text


async def test_only_the_owner_gets_the_image(
    fetch: Fetch, new_fan: MakeFan, anonymous: UserClient, ticket: Ticket
) -> None:
    stranger = await new_fan()
    for user, seat_id, refusal in (
        (stranger, ticket.seat_id, (403, "NOT_SEAT_OWNER")),
        (anonymous, ticket.seat_id, (401, "UNAUTHORIZED")),
        (stranger, str(uuid.uuid4()), (404, "SEAT_NOT_FOUND")),
        (stranger, "5", (400, "INVALID_UUID")),
    ):
        answer = await fetch(user, seat_id)
        assert (answer.status_code, answer.json()["error_code"]) == refusal


async def test_used_ticket_has_no_image(fetch: Fetch, scanner: ScannerClient, fan: UserClient, ticket: Ticket) -> None:
    assert await scanner.result_of(scanner.code_for(ticket)) == "SUCCESS"
    used = await fetch(fan, ticket.seat_id)
    assert (used.status_code, used.json()["error_code"]) == (409, "SEAT_UNAVAILABLE")
