"""Every route, called by every kind of caller: who may not is told so, and who may is not."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx
import pytest

from devstack.stack import Stack
from gateway.routing import ROUTES, Route
from tests.e2e.access_rules import BY_OTHER_MEANS, RULES, Who, body_of, is_of_no_route, path_of, rule_of
from tests.e2e.user_client import Person
from tests.support.http_client import http_client

SEEDED: Final = {
    "fan": "user1@example.com",
    "performer": "performer@example.com",
    "staff": "staff@example.com",
    "admin": "admin@example.com",
}
MAY: Final = {
    Who.USER: {"fan", "performer", "staff", "admin"},
    Who.ONESELF: {"admin"},
    Who.STAFF: {"staff", "admin"},
    Who.ADMIN: {"admin"},
}
BY_TOKEN: Final = [route for route in ROUTES if route.access not in BY_OTHER_MEANS]
GUARDED: Final = [route for route in BY_TOKEN if rule_of(route) is not Who.ANYBODY]


def called(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
async def callers(platform: Stack) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    async with AsyncExitStack() as opened:
        clients = {"nobody": http_client(platform.urls.gateway)}
        anybody = await opened.enter_async_context(Person(platform))
        for role, email in SEEDED.items():
            person = await anybody.log_in(email)
            clients[role] = http_client(platform.urls.gateway, headers={"authorization": f"Bearer {person.token}"})
        for client in clients.values():
            await opened.enter_async_context(client)
        yield clients


def check_let_in(route: Route, answer: httpx.Response, *who: str) -> None:
    """Check that the route itself answered, whatever it says of the request."""
    assert answer.status_code not in {401, 403}, (*who, answer.text)
    assert not is_of_no_route(route, answer), (*who, answer.text)


async def call(client: httpx.AsyncClient, route: Route, body: Any = None) -> httpx.Response:
    return await client.request(route.method, path_of(route), json=body)


def test_no_rule_is_left_over() -> None:
    assert set().union(*RULES.values()) == {called(route) for route in BY_TOKEN}


def test_the_description_has_every_route(description: dict[str, Any]) -> None:
    described = {f"{method.upper()} {path}" for path, methods in description["paths"].items() for method in methods}
    assert described == {called(route) for route in ROUTES}


@pytest.mark.parametrize("route", GUARDED, ids=called)
async def test_without_a_token_nobody_is_let_in(callers: Mapping[str, httpx.AsyncClient], route: Route) -> None:
    refused = await call(callers["nobody"], route)
    assert (refused.status_code, refused.json()["error_code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("route", GUARDED, ids=called)
async def test_a_role_opens_what_is_its_own(
    callers: Mapping[str, httpx.AsyncClient], description: dict[str, Any], route: Route
) -> None:
    """Asked for things that are not there, so that nothing is changed; a body comes only from who shall be refused."""
    may = MAY[rule_of(route)]
    for role in SEEDED:
        answer = await call(callers[role], route, None if role in may else body_of(route, description))
        if role in may:
            check_let_in(route, answer, role)
        else:
            assert (answer.status_code, answer.json()["error_code"]) == (403, "FORBIDDEN"), role


@pytest.mark.parametrize("route", [r for r in BY_TOKEN if rule_of(r) is Who.ANYBODY], ids=called)
async def test_what_is_for_everybody_asks_for_no_token(callers: Mapping[str, httpx.AsyncClient], route: Route) -> None:
    check_let_in(route, await call(callers["nobody"], route))
