"""What is on the allow-list reaches its service unchanged; nothing else reaches any."""

import re
import uuid

import httpx
import pytest

from gateway.routing import ROUTES, Access, Route, Upstream
from tests.integration.gateway.raw import ask
from tests.integration.gateway.services import Services

UPSTREAMS_OF_CONTRACT = {
    ("POST", "/api/auth/register"): Upstream.USERS,
    ("POST", "/api/auth/verify-registration"): Upstream.USERS,
    ("POST", "/api/auth/login"): Upstream.USERS,
    ("POST", "/api/auth/refresh"): Upstream.USERS,
    ("POST", "/api/auth/logout"): Upstream.USERS,
    ("GET", "/api/users/{}"): Upstream.USERS,
    ("PATCH", "/api/admin/users/{}"): Upstream.USERS,
    ("GET", "/api/credits/balance"): Upstream.USERS,
    ("GET", "/api/credits/statement"): Upstream.USERS,
    ("GET", "/api/payments"): Upstream.USERS,
    ("GET", "/api/payments/{}"): Upstream.USERS,
    ("GET", "/api/admin/payments"): Upstream.USERS,
    ("GET", "/api/venues"): Upstream.EVENTS,
    ("GET", "/api/orders"): Upstream.ORDERS,
    ("GET", "/api/orders/{}"): Upstream.ORDERS,
    ("POST", "/api/orders/{}/cancel"): Upstream.ORCHESTRATOR,
    ("POST", "/api/reserve"): Upstream.ORCHESTRATOR,
    ("POST", "/api/reserve/best-available"): Upstream.ORCHESTRATOR,
    ("POST", "/api/pay"): Upstream.ORCHESTRATOR,
    ("GET", "/api/tickets"): Upstream.ORCHESTRATOR,
    ("GET", "/api/tickets/{}/qr"): Upstream.ORCHESTRATOR,
    ("GET", "/api/events"): Upstream.ORCHESTRATOR,
    ("GET", "/api/events/{}"): Upstream.ORCHESTRATOR,
    ("GET", "/api/events/{}/availability"): Upstream.ORCHESTRATOR,
    ("POST", "/api/admin/events"): Upstream.ORCHESTRATOR,
    ("GET", "/api/admin/sagas"): Upstream.ORCHESTRATOR,
    ("POST", "/api/admin/sagas/{}/retry"): Upstream.ORCHESTRATOR,
}
PUBLIC = {"/api/auth/register", "/api/auth/verify-registration", "/api/auth/login", "/api/venues", "/api/events"}


def shape(route: Route) -> tuple[str, str]:
    return route.method, re.sub(r"\{[^}]*\}", "{}", route.path)


def test_the_allow_list_is_the_contract() -> None:
    assert {shape(route): route.upstream for route in ROUTES} == UPSTREAMS_OF_CONTRACT


def test_only_what_the_contract_calls_public_needs_no_token() -> None:
    public = {shape(route)[1] for route in ROUTES if route.access is Access.PUBLIC}
    assert public == PUBLIC | {"/api/events/{}", "/api/events/{}/availability"}
    own_token = {route.path for route in ROUTES if route.access is Access.OWN_TOKEN}
    assert own_token == {"/api/auth/refresh", "/api/auth/logout"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_each_route_reaches_its_service_and_no_other(
    client: httpx.AsyncClient, services: Services, bearer: dict[str, str], route: Route
) -> None:
    path = re.sub(r"\{[^}]*\}", str(uuid.uuid4()), route.path)
    answer = await client.request(route.method, path, headers=bearer)
    assert answer.json()["data"] == {"served_by": route.upstream}
    assert [(seen.service, seen.method, seen.target) for seen in services.received] == [
        (route.upstream, route.method, path)
    ]


async def test_query_and_body_arrive_as_they_were_sent(
    client: httpx.AsyncClient, services: Services, bearer: dict[str, str], gateway: str
) -> None:
    await ask(gateway, "/api/events?q=a%20b%2Fc&from=2026-01-01T00:00:00Z&&x")
    assert services.last.target == "/api/events?q=a%20b%2Fc&from=2026-01-01T00:00:00Z&&x"
    body = b'{"order_id":  "\xc3\xa4"}'
    await client.post("/api/pay", content=body, headers={**bearer, "Content-Type": "application/json"})
    assert services.last.body == body
    assert services.last.headers["Content-Type"] == "application/json"


async def test_a_malformed_id_is_for_the_service_to_judge(client: httpx.AsyncClient, services: Services) -> None:
    assert (await client.get("/api/events/not-a-uuid")).status_code == 200
    assert services.last.target == "/api/events/not-a-uuid"


@pytest.mark.parametrize(
    ("request_line", "allowed"),
    [
        ("GET /api/pay", "POST"),
        ("DELETE /api/orders/41414141-4141-4141-4141-414141414141", "GET"),
        ("HEAD /api/events", "GET"),
        ("TRACE /api/events", "GET"),
        ("OPTIONS /api/reserve", "POST"),
    ],
)
async def test_another_method_of_a_known_path_is_405(
    client: httpx.AsyncClient, services: Services, request_line: str, allowed: str
) -> None:
    method, path = request_line.split()
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    if method != "HEAD":
        assert answer.json()["success"] is False
        assert answer.json()["error_code"] == "VALIDATION_ERROR"
    assert services.received == []


async def test_an_unknown_path_has_our_envelope(client: httpx.AsyncClient, services: Services) -> None:
    for path in ("/api/nothing", "/api/orders/x/y", "/nothing", "/api", "/API/events"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error_code"] == "NOT_FOUND"
        assert answer.json()["correlation_id"] == answer.headers["X-Correlation-ID"]
    assert services.received == []
