"""Define who may call each route, and build requests for any route."""

import enum
import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

import httpx

from gateway.routing import ROUTES, Access, Route
from tests.support.request_examples import request_example

__all__ = [
    "JSON",
    "RULES",
    "WITHOUT_ACCESS_TOKEN",
    "Audience",
    "body_of",
    "is_unrouted",
    "operation_of",
    "path_of",
    "rule_of",
    "schema_of",
]

JSON: Final = "application/json"


class Audience(enum.Enum):
    PUBLIC = "everyone"
    USER = "every logged-in user"
    OWNER = "its owner, or an admin"
    PERFORMER = "performers"
    STAFF = "staff and admins"
    ORGANISER = "organisers and admins"
    ADMIN = "admins"


_OF_EVENTS: Final = frozenset(
    f"{route.method} {route.path}" for route in ROUTES if route.path.startswith("/api/admin/events")
)
# The access classes of the API contract: 🔓, 👤, 🎤, 🛂, 🛠. A route that is missing here fails its test.
RULES: Final[Mapping[Audience, frozenset[str]]] = {
    Audience.PUBLIC: frozenset(
        {
            "POST /api/auth/register",
            "POST /api/auth/forgot-password",
            "POST /api/auth/reset-password",
            "POST /api/auth/verify-email",
            "POST /api/auth/verify-registration",
            "POST /api/auth/login",
            "GET /api/venues",
            "GET /api/events",
            "GET /api/events/{event_id}",
            "GET /api/events/{event_id}/availability",
            "GET /api/performers",
            "GET /api/performers/{performer_id}",
            "GET /api/tip-grid/{performer_id}",
            "GET /api/commissions/prices",
            "GET /api/articles",
            "GET /api/articles/{slug}",
            "GET /api/products",
            "GET /api/downloads/{token}",
        }
    ),
    Audience.USER: frozenset(
        {
            "POST /api/auth/verify-email/resend",
            "POST /api/auth/change-password",
            "GET /api/auth/sessions",
            "DELETE /api/auth/sessions",
            "DELETE /api/auth/sessions/{session_id}",
            "GET /api/users/me",
            "PATCH /api/users/me",
            "POST /api/users/me/verify-phone",
            "DELETE /api/users/me",
            "GET /api/users/me/export",
            "GET /api/credits/balance",
            "GET /api/credits/statement",
            "POST /api/credits/topup",
            "POST /api/payments/crypto",
            "GET /api/payments",
            "GET /api/payments/{payment_id}",
            "GET /api/performer/payouts",
            "POST /api/reserve",
            "POST /api/reserve/best-available",
            "POST /api/pay",
            "GET /api/orders",
            "GET /api/orders/{order_id}",
            "POST /api/orders/{order_id}/cancel",
            "POST /api/orders/{order_id}/refund",
            "GET /api/tickets",
            "GET /api/tickets/{seat_id}/qr",
            "GET /api/tickets/{seat_id}/qr.svg",
            "POST /api/verify-otp",
            "POST /api/resend-otp",
            "POST /api/transfer/initiate",
            "POST /api/transfer/confirm",
            "POST /api/transfer/cancel",
            "POST /api/transfer/dispute",
            "GET /api/transfers",
            "GET /api/transfers/{transfer_id}",
            "POST /api/marketplace/list",
            "POST /api/marketplace/cancel",
            "POST /api/marketplace/buy",
            "POST /api/marketplace/approve",
            "GET /api/marketplace/listings",
            "GET /api/marketplace/listings/{listing_id}",
            "GET /api/listings",
            "GET /api/purchased-items",
            "GET /api/purchased-items/{purchased_item_id}",
            "POST /api/tip-grid/purchase",
            "GET /api/performance-queue/status/{queue_request_id}",
            "POST /api/performance-queue/{purchased_item_id}/cancel",
            "GET /api/subscriptions",
            "GET /api/commissions",
            "GET /api/commissions/{order_id}/versions/{number}",
            "GET /api/commissions/{order_id}/compare",
            "GET /api/digital-orders",
            "GET /api/digital-orders/{order_id}",
            "POST /api/performers/{performer_id}/subscription",
            "DELETE /api/performers/{performer_id}/subscription",
            "GET /api/menu/{menu_id}",
            "GET /api/menu/performer/{performer_id}",
            "POST /api/menu/purchase",
            "GET /api/menu/purchase/history",
            "GET /api/menu/purchase/{purchase_id}/status",
            "POST /api/menu/purchase/{purchase_id}/cancel",
            "POST /api/commissions",
            "GET /api/commissions/{order_id}",
            "GET /api/commissions/by-checkout/{session_id}",
            "POST /api/commissions/{order_id}/cancel",
            "POST /api/commissions/{order_id}/revisions",
            "POST /api/commissions/{order_id}/submit",
            "GET /api/fulfillment/{order_id}/download-link",
            "POST /api/fulfillment/{order_id}/reveal",
            "POST /api/fulfillment/{order_id}/delete-keys",
            "PATCH /api/articles/{slug}",
            "POST /api/digital-orders",
            "POST /api/digital-orders/{order_id}/cancel",
            "GET /api/fulfillment/{order_id}/status",
        }
    ),
    Audience.PERFORMER: frozenset(
        {
            "GET /api/performance-queue",
            "POST /api/performance-queue/pause",
            "POST /api/performance-queue/resume",
            "POST /api/performance-queue/{purchased_item_id}/start",
            "POST /api/performance-queue/{purchased_item_id}/complete",
            "POST /api/performance-queue/{purchased_item_id}/decline",
        }
        | {f"{route.method} {route.path}" for route in ROUTES if route.path.startswith("/api/performer/")}
        - {"GET /api/performer/payouts"}  # of whoever was paid
    ),
    Audience.OWNER: frozenset({"GET /api/users/{user_id}"}),
    Audience.STAFF: frozenset({"POST /api/verify", "POST /api/verify/undo"}),
    # An organiser reaches its own events only: tests/e2e/test_organisers.py.
    Audience.ORGANISER: _OF_EVENTS,
    Audience.ADMIN: frozenset(
        {"POST /api/transfer/reverse", "POST /api/transfer/dismiss"}
        | {f"{route.method} {route.path}" for route in ROUTES if route.path.startswith("/api/admin/")} - _OF_EVENTS
    ),
}
# These routes take no access token; each has its own tests (tests/integration/users, tests/e2e/test_topup.py).
WITHOUT_ACCESS_TOKEN: Final = frozenset({Access.SIGNED, Access.OWN_TOKEN})

# Most routes have their own code for a missing resource. These return the plain NOT_FOUND that a service without the
# route returns too. Those in SPECIFIC_NOT_FOUND differ by their message; the one in GENERIC_NOT_FOUND does not differ.
GENERIC_NOT_FOUND: Final = frozenset({"POST /api/admin/sagas/{saga_id}/retry"})
SPECIFIC_NOT_FOUND: Final[Mapping[str, str]] = {
    "DELETE /api/auth/sessions/{session_id}": "session",
    "GET /api/payments/{payment_id}": "payment",
    "DELETE /api/performers/{performer_id}/subscription": "subscription",
    "GET /api/articles/{slug}": "article",
    "GET /api/downloads/{token}": "link",
    "PATCH /api/articles/{slug}": "article",
    "GET /api/admin/webhook-logs/{webhook_id}": "webhook",
    "POST /api/admin/webhook-logs/{webhook_id}/replay": "webhook",
    "GET /api/admin/jobs/{job_id}": "job",
    "POST /api/admin/jobs/{job_id}/retry": "job",
    "POST /api/admin/jobs/{job_id}/acknowledge": "job",
    "POST /api/admin/jobs/{job_id}/cancel": "job",
    "POST /api/admin/parked-messages/{parked_id}/replay": "parked message",
    "POST /api/admin/parked-messages/{parked_id}/discard": "parked message",
    "POST /api/admin/webhook-subscriptions/{subscription_id}/enable": "subscription",
    "DELETE /api/admin/webhook-subscriptions/{subscription_id}": "subscription",
    "POST /api/admin/webhook-deliveries/{delivery_id}/replay": "delivery",
}


def rule_of(route: Route) -> Audience:
    """Return who may call a route.

    Raises:
        AssertionError: the route has no rule, or more than one.
    """
    found = [who for who, calls in RULES.items() if f"{route.method} {route.path}" in calls]
    assert len(found) == 1, f"{route.method} {route.path} needs exactly one rule in tests/e2e/access_rules.py"
    return found[0]


def path_of(route: Route, ids: Mapping[str, str] | None = None) -> str:
    """Return the route's path with the given ids; every other id is random, and a number is 1."""
    given = {"number": "1"} | dict(ids or {})
    return re.sub(r"\{(\w+)}", lambda match: given.get(match[1]) or str(uuid.uuid4()), route.path)


def operation_of(route: Route, openapi: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = openapi["paths"][route.path][route.method.lower()]
    return found


def is_unrouted(route: Route, answer: httpx.Response) -> bool:
    """Return whether the response may come from a gateway or service that does not serve the route or is not reached."""
    if answer.status_code >= 500 or answer.status_code == 405:
        return True
    if answer.status_code != 404 or answer.json()["error_code"] != "NOT_FOUND":
        return False
    name, message = f"{route.method} {route.path}", answer.json()["message"]
    return name not in GENERIC_NOT_FOUND and message != f"There is no such {SPECIFIC_NOT_FOUND.get(name)}."


def schema_of(route: Route, openapi: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of the request body; an empty one if the route takes none."""
    content = operation_of(route, openapi).get("requestBody", {}).get("content", {})
    schema: Mapping[str, Any] = content.get(JSON, {}).get("schema", {})
    for several in ("anyOf", "oneOf"):  # an optional body
        schema = next((one for one in schema.get(several, ()) if one.get("type") != "null"), schema)
    while "$ref" in schema:
        schema = openapi["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def body_of(route: Route, openapi: Mapping[str, Any]) -> Any:
    """Return a valid request body; None if the route takes none."""
    content = operation_of(route, openapi).get("requestBody", {}).get("content", {})
    if JSON not in content:
        return None
    return request_example(content[JSON]["schema"], openapi["components"]["schemas"])
