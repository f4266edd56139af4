"""HEAD is answered as GET is, without the body, at the gateway and at each service."""

from typing import Final

import httpx
import pytest

from devstack.stack import Stack
from gateway.routing import ROUTES
from tests.e2e.access_rules import path_of
from tests.e2e.conftest import MakeConcert
from tests.e2e.user_client import UserClient
from tests.support.http_client import http_client

# They differ between any two responses.
OWN: Final = ("x-correlation-id", "date")
PAGES: Final = ("/", "/health", "/livez", "/openapi.json", "/docs", "/web/style.css")


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Return the headers, without how the body of a GET is transferred."""
    transfer = {"transfer-encoding"} if response.request.method == "GET" else set()
    return {name: value for name, value in response.headers.items() if name not in {*OWN, *transfer}}


async def check_head(http: httpx.AsyncClient, path: str) -> httpx.Response:
    get, head = await http.get(path), await http.head(path)
    assert (head.status_code, headers_of(head)) == (get.status_code, headers_of(get)), path
    assert head.content == b""
    if "transfer-encoding" not in get.headers:
        assert head.headers["content-length"] == str(len(get.content)), path
    return head


async def test_every_route_and_page_of_the_gateway(
    platform: Stack, admin: UserClient, new_concert: MakeConcert
) -> None:
    ids = {"event_id": (await new_concert()).event_id, "user_id": admin.user_id}
    headers = {"authorization": f"Bearer {admin.token}", "accept-encoding": "identity"}
    async with http_client(platform.urls.gateway, headers=headers) as http:
        for page in PAGES:
            assert (await check_head(http, page)).status_code == 200
        for route in ROUTES:
            if route.method == "GET":
                await check_head(http, path_of(route, ids))


@pytest.mark.parametrize("service", ["users", "orders", "events", "orchestrator"])
async def test_services(platform: Stack, service: str) -> None:
    async with http_client(getattr(platform.urls, service)) as http:
        for path in ("/health", "/openapi.json"):
            assert (await check_head(http, path)).status_code == 200


async def test_head_is_not_allowed_where_get_is_not(platform: Stack, admin: UserClient) -> None:
    headers = {"authorization": f"Bearer {admin.token}"}
    async with http_client(platform.urls.gateway, headers=headers) as http:
        refused = await http.head("/api/reserve")
        assert (refused.status_code, refused.headers["allow"], refused.content) == (405, "POST", b"")
        assert (await http.post("/api/tickets")).headers["allow"] == "GET, HEAD"
        assert (await http.post("/health")).headers["allow"] == "GET, HEAD"
