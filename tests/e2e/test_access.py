"""Every route is called by every kind of caller: only those with access reach it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx
import pytest

from devstack.stack import Stack
from gateway.routing import ROUTES, Route
from tests.e2e.access_rules import RULES, WITHOUT_ACCESS_TOKEN, Audience, body_of, is_unrouted, path_of, rule_of
from tests.e2e.user_client import UserClient
from tests.support.http_client import http_client

SEEDED: Final = {
    "fan": "user1@example.com",
    "performer": "performer@example.com",
    "staff": "staff@example.com",
    "organiser": "organiser@example.com",
    "admin": "admin@example.com",
}
MAY: Final = {
    Audience.USER: {"fan", "performer", "staff", "organiser", "admin"},
    Audience.OWNER: {"admin"},
    Audience.PERFORMER: {"performer"},
    Audience.STAFF: {"staff", "admin"},
    Audience.ORGANISER: {"organiser", "admin"},
    Audience.ADMIN: {"admin"},
}
BY_TOKEN: Final = [route for route in ROUTES if route.access not in WITHOUT_ACCESS_TOKEN]
# It ends the login of all other calls; `tests/e2e/test_accounts.py` calls it.
ENDS_LOGINS: Final = "DELETE /api/auth/sessions"
GUARDED: Final = [route for route in BY_TOKEN if rule_of(route) is not Audience.PUBLIC]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
async def callers(platform: Stack) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    async with AsyncExitStack() as opened:
        clients = {"anonymous": http_client(platform.urls.gateway)}
        anonymous = await opened.enter_async_context(UserClient(platform))
        for role, email in SEEDED.items():
            user = await anonymous.log_in(email)
            clients[role] = http_client(platform.urls.gateway, headers={"authorization": f"Bearer {user.token}"})
        for client in clients.values():
            await opened.enter_async_context(client)
        yield clients


def check_not_refused(route: Route, answer: httpx.Response, *who: str) -> None:
    """Check that the route itself responded, whatever its answer."""
    assert answer.status_code not in {401, 403}, (*who, answer.text)
    assert not is_unrouted(route, answer), (*who, answer.text)


async def call(client: httpx.AsyncClient, route: Route, body: Any = None) -> httpx.Response:
    return await client.request(route.method, path_of(route), json=body)


def test_rules_cover_every_route_with_a_token() -> None:
    assert set().union(*RULES.values()) == {name_of(route) for route in BY_TOKEN}


def test_openapi_describes_every_route(openapi: dict[str, Any]) -> None:
    described = {f"{method.upper()} {path}" for path, methods in openapi["paths"].items() for method in methods}
    assert described == {name_of(route) for route in ROUTES}


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
async def test_guarded_route_without_a_token_returns_401(
    callers: Mapping[str, httpx.AsyncClient], route: Route
) -> None:
    refused = await call(callers["anonymous"], route)
    assert (refused.status_code, refused.json()["error_code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("route", [r for r in GUARDED if name_of(r) != ENDS_LOGINS], ids=name_of)
async def test_each_role_reaches_only_its_routes(
    callers: Mapping[str, httpx.AsyncClient], openapi: dict[str, Any], route: Route
) -> None:
    """Requests name unknown ids and thus change nothing. Only callers without access send a body."""
    may = MAY[rule_of(route)]
    for role in SEEDED:
        answer = await call(callers[role], route, None if role in may else body_of(route, openapi))
        if role in may:
            check_not_refused(route, answer, role)
        else:
            assert (answer.status_code, answer.json().get("error_code")) == (403, "FORBIDDEN"), role


@pytest.mark.parametrize("route", [r for r in BY_TOKEN if rule_of(r) is Audience.PUBLIC], ids=name_of)
async def test_public_route_needs_no_token(callers: Mapping[str, httpx.AsyncClient], route: Route) -> None:
    check_not_refused(route, await call(callers["anonymous"], route))
