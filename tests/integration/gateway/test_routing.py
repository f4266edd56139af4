"""Routes on the allow-list reach their service unchanged; other paths reach no service."""

import re
import uuid

import httpx
import pytest

from gateway.routing import ROUTES, Access, Route, Upstream
from tests.integration.gateway.raw import ask
from tests.integration.gateway.services import Services

UPSTREAMS_OF_CONTRACT = {
    Upstream.USERS: {
        "GET /api/admin/payments",
        "GET /api/admin/corrections",
        "GET /api/admin/receivables",
        "POST /api/admin/receivables/{}/settle",
        "POST /api/admin/receivables/{}/write-off",
        "POST /api/admin/users/{}/adjustments",
        "GET /api/admin/users",
        "PATCH /api/admin/users/{}",
        "POST /api/auth/change-password",
        "POST /api/auth/forgot-password",
        "POST /api/auth/login",
        "POST /api/auth/logout",
        "POST /api/auth/refresh",
        "POST /api/auth/register",
        "POST /api/auth/reset-password",
        "DELETE /api/auth/sessions",
        "GET /api/auth/sessions",
        "DELETE /api/auth/sessions/{}",
        "POST /api/auth/verify-email",
        "POST /api/auth/verify-email/resend",
        "POST /api/auth/verify-registration",
        "GET /api/credits/balance",
        "GET /api/credits/statement",
        "GET /api/payments",
        "GET /api/payments/{}",
        "GET /api/performer/payouts",
        "GET /api/users/me",
        "PATCH /api/users/me",
        "POST /api/users/me/verify-phone",
        "GET /api/users/{}",
    },
    Upstream.ORDERS: {
        "DELETE /api/performers/{}/subscription",
        "GET /api/admin/commissions",
        "GET /api/admin/digital-orders",
        "GET /api/admin/performers/{}/earnings",
        "GET /api/admin/performers/{}/sales",
        "GET /api/admin/performers/{}/subscribers",
        "GET /api/admin/transfers",
        "GET /api/commissions",
        "GET /api/commissions/{}/compare",
        "GET /api/commissions/{}/versions/{}",
        "GET /api/digital-orders",
        "GET /api/digital-orders/{}",
        "GET /api/listings",
        "GET /api/marketplace/listings",
        "GET /api/marketplace/listings/{}",
        "GET /api/orders",
        "GET /api/orders/{}",
        "GET /api/performer/earnings",
        "GET /api/performer/sales",
        "GET /api/performer/subscribers",
        "GET /api/purchased-items",
        "GET /api/purchased-items/{}",
        "GET /api/subscriptions",
        "GET /api/transfers",
        "GET /api/transfers/{}",
    },
    Upstream.EVENTS: {
        "DELETE /api/admin/performers/{}/menus/{}",
        "DELETE /api/admin/performers/{}/menus/{}/items/{}",
        "DELETE /api/admin/performers/{}/menus/{}/whitelist/{}",
        "DELETE /api/admin/performers/{}/tip-menus/{}",
        "DELETE /api/admin/performers/{}/tip-menus/{}/items/{}",
        "DELETE /api/performer/menus/{}",
        "DELETE /api/performer/menus/{}/items/{}",
        "DELETE /api/performer/menus/{}/whitelist/{}",
        "DELETE /api/performer/tip-menus/{}",
        "DELETE /api/performer/tip-menus/{}/items/{}",
        "GET /api/admin/performers/{}/menu-templates",
        "GET /api/admin/performers/{}/menus",
        "GET /api/admin/performers/{}/menus/{}/whitelist",
        "GET /api/admin/performers/{}/profile",
        "GET /api/admin/performers/{}/tip-menus",
        "GET /api/admin/products",
        "GET /api/articles",
        "GET /api/articles/{}",
        "GET /api/performer/menu-templates",
        "GET /api/performer/menus",
        "GET /api/performer/menus/{}/whitelist",
        "GET /api/performer/profile",
        "GET /api/performer/tip-menus",
        "GET /api/performers",
        "GET /api/performers/{}",
        "GET /api/products",
        "GET /api/tip-grid/{}",
        "GET /api/venues",
        "PATCH /api/admin/performers/{}/menus/{}",
        "PATCH /api/admin/performers/{}/menus/{}/items/{}",
        "PATCH /api/admin/performers/{}/profile",
        "PATCH /api/admin/performers/{}/tip-menus/{}",
        "PATCH /api/admin/performers/{}/tip-menus/{}/items/{}",
        "PATCH /api/admin/products/{}",
        "PATCH /api/articles/{}",
        "PATCH /api/performer/menus/{}",
        "PATCH /api/performer/menus/{}/items/{}",
        "PATCH /api/performer/profile",
        "PATCH /api/performer/tip-menus/{}",
        "PATCH /api/performer/tip-menus/{}/items/{}",
        "POST /api/admin/products",
        "POST /api/admin/performers/{}/menu-templates/{}/apply",
        "POST /api/admin/performers/{}/menus",
        "POST /api/admin/performers/{}/menus/{}/items",
        "POST /api/admin/performers/{}/menus/{}/whitelist",
        "POST /api/admin/performers/{}/tip-menus",
        "POST /api/admin/performers/{}/tip-menus/{}/items",
        "POST /api/performer/menu-templates/{}/apply",
        "POST /api/performer/menus",
        "POST /api/performer/menus/{}/items",
        "POST /api/performer/menus/{}/whitelist",
        "POST /api/performer/tip-menus",
        "POST /api/performer/tip-menus/{}/items",
    },
    Upstream.ORCHESTRATOR: {
        "DELETE /api/admin/webhook-subscriptions/{}",
        "DELETE /api/users/me",
        "GET /api/admin/audit",
        "GET /api/admin/commissions/stats",
        "GET /api/admin/events",
        "GET /api/admin/events/{}/cancellation",
        "GET /api/admin/events/{}/dashboard",
        "GET /api/admin/events/{}/export.csv",
        "GET /api/admin/events/{}/scans",
        "GET /api/admin/jobs",
        "GET /api/admin/jobs/stats",
        "GET /api/admin/jobs/{}",
        "GET /api/admin/parked-messages",
        "GET /api/admin/reservations",
        "GET /api/admin/sagas",
        "GET /api/admin/scans",
        "GET /api/admin/webhook-logs",
        "GET /api/admin/webhook-logs/{}",
        "GET /api/admin/webhook-subscriptions",
        "GET /api/admin/webhook-subscriptions/{}/deliveries",
        "GET /api/commissions/by-checkout/{}",
        "GET /api/commissions/prices",
        "GET /api/commissions/{}",
        "GET /api/downloads/{}",
        "GET /api/events",
        "GET /api/events/{}",
        "GET /api/events/{}/availability",
        "GET /api/fulfillment/{}/status",
        "GET /api/fulfillment/{}/download-link",
        "GET /api/menu/performer/{}",
        "GET /api/menu/purchase/history",
        "GET /api/menu/purchase/{}/status",
        "GET /api/menu/{}",
        "GET /api/performance-queue",
        "GET /api/performance-queue/status/{}",
        "GET /api/tickets",
        "GET /api/tickets/{}/qr",
        "GET /api/tickets/{}/qr.svg",
        "GET /api/users/me/export",
        "PATCH /api/admin/events/{}",
        "POST /api/admin/commissions/{}/approve",
        "POST /api/admin/commissions/{}/refund",
        "POST /api/admin/commissions/{}/retry",
        "POST /api/admin/commissions/{}/send-back",
        "POST /api/admin/digital-orders/{}/refund",
        "POST /api/admin/digital-orders/{}/retry",
        "POST /api/admin/events",
        "POST /api/admin/events/{}/cancel",
        "POST /api/admin/events/{}/seats/block",
        "POST /api/admin/events/{}/seats/unblock",
        "POST /api/admin/jobs/acknowledge-all",
        "POST /api/admin/jobs/retry-all",
        "POST /api/admin/jobs/{}/acknowledge",
        "POST /api/admin/jobs/{}/cancel",
        "POST /api/admin/jobs/{}/retry",
        "POST /api/admin/parked-messages/{}/discard",
        "POST /api/admin/parked-messages/{}/replay",
        "POST /api/admin/sagas/retry-all",
        "POST /api/admin/sagas/{}/retry",
        "POST /api/admin/webhook-deliveries/{}/replay",
        "POST /api/admin/webhook-logs/{}/replay",
        "POST /api/admin/webhook-subscriptions",
        "POST /api/admin/webhook-subscriptions/{}/enable",
        "POST /api/commissions",
        "POST /api/commissions/{}/cancel",
        "POST /api/commissions/{}/revisions",
        "POST /api/commissions/{}/submit",
        "POST /api/credits/topup",
        "POST /api/digital-orders",
        "POST /api/digital-orders/{}/cancel",
        "POST /api/fulfillment/{}/delete-keys",
        "POST /api/fulfillment/{}/reveal",
        "POST /api/marketplace/approve",
        "POST /api/marketplace/buy",
        "POST /api/marketplace/cancel",
        "POST /api/marketplace/list",
        "POST /api/menu/purchase",
        "POST /api/menu/purchase/{}/cancel",
        "POST /api/orders/{}/cancel",
        "POST /api/orders/{}/refund",
        "POST /api/pay",
        "POST /api/payments/crypto",
        "POST /api/performance-queue/pause",
        "POST /api/performance-queue/resume",
        "POST /api/performance-queue/{}/cancel",
        "POST /api/performance-queue/{}/complete",
        "POST /api/performance-queue/{}/decline",
        "POST /api/performance-queue/{}/start",
        "POST /api/performers/{}/subscription",
        "POST /api/resend-otp",
        "POST /api/reserve",
        "POST /api/reserve/best-available",
        "POST /api/tip-grid/purchase",
        "POST /api/transfer/cancel",
        "POST /api/transfer/confirm",
        "POST /api/transfer/dismiss",
        "POST /api/transfer/dispute",
        "POST /api/transfer/initiate",
        "POST /api/transfer/reverse",
        "POST /api/verify",
        "POST /api/verify-otp",
        "POST /api/verify/undo",
        "POST /api/webhooks/kinguin",
        "POST /api/webhooks/nowpayments",
        "POST /api/webhooks/stripe",
    },
}
PUBLIC = {
    "/api/articles",
    "/api/auth/forgot-password",
    "/api/auth/login",
    "/api/auth/register",
    "/api/auth/reset-password",
    "/api/auth/verify-email",
    "/api/auth/verify-registration",
    "/api/commissions/prices",
    "/api/downloads/{}",
    "/api/events",
    "/api/performers",
    "/api/products",
    "/api/venues",
}


def shape(route: Route) -> tuple[str, str]:
    return route.method, re.sub(r"\{[^}]*\}", "{}", route.path)


@pytest.mark.parametrize("upstream", list(Upstream))
def test_allow_list_matches_the_contract(upstream: Upstream) -> None:
    listed = {" ".join(shape(route)) for route in ROUTES if route.upstream is upstream}
    assert listed == UPSTREAMS_OF_CONTRACT[upstream]


def test_only_public_routes_of_the_contract_need_no_token() -> None:
    public = {shape(route)[1] for route in ROUTES if route.access is Access.PUBLIC}
    assert public == PUBLIC | {
        "/api/articles/{}",
        "/api/events/{}",
        "/api/events/{}/availability",
        "/api/performers/{}",
        "/api/tip-grid/{}",
    }
    own_token = {route.path for route in ROUTES if route.access is Access.OWN_TOKEN}
    assert own_token == {"/api/auth/refresh", "/api/auth/logout"}
    login = {route.path for route in ROUTES if route.is_login}
    assert login == {"/api/auth/login", "/api/auth/refresh", "/api/auth/verify-registration"}
    signed = {route.path for route in ROUTES if route.access is Access.SIGNED}
    assert signed == {f"/api/webhooks/{provider}" for provider in ("stripe", "nowpayments", "kinguin")}


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


async def test_query_and_body_are_forwarded_unchanged(
    client: httpx.AsyncClient, services: Services, bearer: dict[str, str], gateway: str
) -> None:
    await ask(gateway, "/api/events?q=a%20b%2Fc&from=2026-01-01T00:00:00Z&&x")
    assert services.last.target == "/api/events?q=a%20b%2Fc&from=2026-01-01T00:00:00Z&&x"
    body = b'{"order_id":  "\xc3\xa4"}'
    await client.post("/api/pay", content=body, headers={**bearer, "Content-Type": "application/json"})
    assert services.last.body == body
    assert services.last.headers["Content-Type"] == "application/json"


async def test_malformed_id_is_forwarded_to_the_service(client: httpx.AsyncClient, services: Services) -> None:
    assert (await client.get("/api/events/not-a-uuid")).status_code == 200
    assert services.last.target == "/api/events/not-a-uuid"


@pytest.mark.parametrize(
    ("request_line", "allowed"),
    [
        ("GET /api/pay", "POST"),
        ("HEAD /api/pay", "POST"),
        ("DELETE /api/orders/41414141-4141-4141-4141-414141414141", "GET, HEAD"),
        ("TRACE /api/events", "GET, HEAD"),
        ("OPTIONS /api/reserve", "POST"),
    ],
)
async def test_other_method_of_a_known_path_is_405(
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


async def test_head_is_forwarded(client: httpx.AsyncClient, services: Services) -> None:
    get, head = await client.get("/api/events"), await client.head("/api/events")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(get.content))
    assert (services.last.method, services.last.target) == ("HEAD", "/api/events")


async def test_unknown_path_is_404_with_the_error_envelope(client: httpx.AsyncClient, services: Services) -> None:
    for path in ("/api/nothing", "/api/orders/x/y", "/nothing", "/api", "/API/events"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error_code"] == "NOT_FOUND"
        assert answer.json()["correlation_id"] == answer.headers["X-Correlation-ID"]
    assert services.received == []
