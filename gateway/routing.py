"""The allow-list: each method and path with its service and access rule. No other request passes.

Paths are matched as the client wrote them. A path that needs decoding or normalising (percent signs, dot segments,
empty segments, backslashes, a trailing slash) is not found, so the gateway and a service cannot read it differently.
"""

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from common.errors import InvalidRequest, NotFound

__all__ = ["ROUTES", "Access", "MethodNotAllowed", "Route", "RoutingTable", "Upstream", "is_clean"]

PROVISIONING_SECONDS: Final = 60.0  # a hall of 100,000 seats
PARAMETER: Final = b"{}"

# Segments of unreserved characters (RFC 3986 §2.3) without a leading dot.
_CLEAN: Final = re.compile(rb"/|(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


class Upstream(enum.StrEnum):
    USERS = "users"
    ORDERS = "orders"
    EVENTS = "events"
    ORCHESTRATOR = "orchestrator"


class Access(enum.StrEnum):
    PUBLIC = "public"  # no token required; one that is sent is forwarded
    USER = "user"  # a valid access token; the service authorises its user
    SIGNED = "signed"  # a provider's webhook: the service checks its signature
    OWN_TOKEN = "own_token"  # noqa: S105 - the service checks the token, which may be of another type


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the API.

    Args:
        path: a template such as ``/api/orders/{order_id}``; the service has the same path.
        timeout_seconds: for responses that may take longer than others.
        is_long: the response grows with the hall.
        is_scan: staff and admins may send it more often than other requests.
        is_purchase: users may send it less often: what performers sell costs one request.
        is_login: a success shows who the caller is, so only failures are counted.
        knows_devices: the service itself limits a sender with a device token, by the device or, if it is made up, by address.
    """

    method: str
    path: str
    upstream: Upstream
    access: Access
    timeout_seconds: float | None = None
    is_long: bool = False
    is_scan: bool = False
    is_purchase: bool = False
    is_login: bool = False
    knows_devices: bool = False


class MethodNotAllowed(InvalidRequest):
    """The path exists, with other methods: 405 and `Allow` (RFC 9110 §15.5.6)."""

    public_message = "That method is not allowed here."

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__()
        methods = set(allowed)
        self.allowed = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


@dataclass(slots=True)
class _Node:
    children: dict[bytes, "_Node"] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


class RoutingTable:
    """Finds a route by the path's segments. A literal segment takes precedence over a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def match(self, method: str, raw_path: bytes) -> Route:
        """Return the route of a clean path.

        Raises:
            NotFound: there is no such path.
            MethodNotAllowed: the path has other methods.
        """
        node = self._root
        for segment in raw_path.split(b"/")[1:]:
            following = node.children.get(segment) or node.children.get(PARAMETER)
            if following is None:
                raise NotFound
            node = following
        if not node.routes:
            raise NotFound
        route = node.routes.get(method)
        if route is None:
            raise MethodNotAllowed(node.routes)
        return route

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path.encode().split(b"/")[1:]:
            node = node.children.setdefault(PARAMETER if segment.startswith(b"{") else segment, _Node())
        node.routes[route.method] = route


def is_clean(raw_path: bytes) -> bool:
    return _CLEAN.fullmatch(raw_path) is not None


def _routes() -> Iterator[Route]:
    orders, events, orchestrator = Upstream.ORDERS, Upstream.EVENTS, Upstream.ORCHESTRATOR
    public, user = Access.PUBLIC, Access.USER

    yield from _account_routes()

    yield Route("GET", "/api/venues", events, public)
    yield Route("GET", "/api/events", orchestrator, public)
    yield Route("GET", "/api/events/{event_id}", orchestrator, public, is_long=True)
    yield Route("GET", "/api/events/{event_id}/availability", orchestrator, public)
    yield Route("POST", "/api/admin/events", orchestrator, user, PROVISIONING_SECONDS)
    yield Route("GET", "/api/admin/events", orchestrator, user)
    yield Route("PATCH", "/api/admin/events/{event_id}", orchestrator, user)

    yield from _money_routes()

    yield Route("POST", "/api/reserve", orchestrator, user)
    yield Route("POST", "/api/reserve/best-available", orchestrator, user)
    yield Route("POST", "/api/pay", orchestrator, user)
    yield Route("GET", "/api/orders", orders, user)
    yield Route("GET", "/api/orders/{order_id}", orders, user)
    yield Route("POST", "/api/orders/{order_id}/cancel", orchestrator, user)
    yield Route("GET", "/api/tickets", orchestrator, user)
    yield Route("GET", "/api/tickets/{seat_id}/qr", orchestrator, user)
    yield Route("GET", "/api/tickets/{seat_id}/qr.svg", orchestrator, user)

    yield Route("POST", "/api/verify", orchestrator, user, is_scan=True)
    yield Route("POST", "/api/verify/undo", orchestrator, user)
    yield Route("GET", "/api/admin/scans", orchestrator, user)
    yield Route("GET", "/api/admin/events/{event_id}/dashboard", orchestrator, user)
    yield Route("GET", "/api/admin/events/{event_id}/export.csv", orchestrator, user, is_long=True)
    yield Route("GET", "/api/admin/events/{event_id}/scans", orchestrator, user)
    yield Route("POST", "/api/admin/events/{event_id}/seats/block", orchestrator, user)
    yield Route("POST", "/api/admin/events/{event_id}/seats/unblock", orchestrator, user)

    yield Route("POST", "/api/orders/{order_id}/refund", orchestrator, user)
    yield Route("POST", "/api/verify-otp", orchestrator, user)
    yield Route("POST", "/api/resend-otp", orchestrator, user)

    for action in ("initiate", "confirm", "cancel", "dispute", "reverse", "dismiss"):
        yield Route("POST", f"/api/transfer/{action}", orchestrator, user)
    yield Route("GET", "/api/transfers", orders, user)
    yield Route("GET", "/api/transfers/{transfer_id}", orders, user)
    yield Route("GET", "/api/admin/transfers", orders, user)

    for action in ("list", "cancel", "buy", "approve"):
        yield Route("POST", f"/api/marketplace/{action}", orchestrator, user)
    yield Route("GET", "/api/marketplace/listings", orders, user)
    yield Route("GET", "/api/marketplace/listings/{listing_id}", orders, user)
    yield Route("GET", "/api/listings", orders, user)

    yield Route("POST", "/api/admin/events/{event_id}/cancel", orchestrator, user)
    yield Route("GET", "/api/admin/events/{event_id}/cancellation", orchestrator, user)

    yield from _stage_routes()
    yield from _commission_routes()
    yield from _goods_routes()
    yield from _operator_routes()


def _account_routes() -> Iterator[Route]:
    users, public, user, own_token = Upstream.USERS, Access.PUBLIC, Access.USER, Access.OWN_TOKEN

    yield Route("POST", "/api/auth/register", users, public)
    yield Route("POST", "/api/auth/verify-registration", users, public, is_login=True)
    yield Route("POST", "/api/auth/login", users, public, is_login=True, knows_devices=True)
    yield Route("POST", "/api/auth/refresh", users, own_token, is_login=True)
    yield Route("POST", "/api/auth/logout", users, own_token)
    yield Route("POST", "/api/auth/forgot-password", users, public)
    yield Route("POST", "/api/auth/reset-password", users, public)
    yield Route("POST", "/api/auth/verify-email", users, public)
    yield Route("POST", "/api/auth/verify-email/resend", users, user)
    yield Route("POST", "/api/auth/change-password", users, user)
    yield Route("GET", "/api/auth/sessions", users, user)
    yield Route("DELETE", "/api/auth/sessions", users, user)
    yield Route("DELETE", "/api/auth/sessions/{session_id}", users, user)
    yield Route("GET", "/api/users/me", users, user)
    yield Route("PATCH", "/api/users/me", users, user)
    yield Route("DELETE", "/api/users/me", Upstream.ORCHESTRATOR, user)
    yield Route("GET", "/api/users/me/export", Upstream.ORCHESTRATOR, user, is_long=True)
    yield Route("POST", "/api/users/me/verify-phone", users, user)
    yield Route("GET", "/api/users/{user_id}", users, user)
    yield Route("GET", "/api/admin/users", users, user)
    yield Route("PATCH", "/api/admin/users/{user_id}", users, user)


def _money_routes() -> Iterator[Route]:
    users, orchestrator, user = Upstream.USERS, Upstream.ORCHESTRATOR, Access.USER

    yield Route("GET", "/api/credits/balance", users, user)
    yield Route("GET", "/api/credits/statement", users, user)
    yield Route("POST", "/api/credits/topup", orchestrator, user)
    yield Route("POST", "/api/payments/crypto", orchestrator, user)
    yield Route("GET", "/api/payments", users, user)
    yield Route("GET", "/api/payments/{payment_id}", users, user)
    yield Route("GET", "/api/admin/payments", users, user)
    yield Route("GET", "/api/admin/receivables", users, user)
    yield Route("POST", "/api/admin/receivables/{user_id}/settle", users, user)
    yield Route("POST", "/api/admin/receivables/{user_id}/write-off", users, user)
    yield Route("POST", "/api/admin/users/{user_id}/adjustments", users, user)
    yield Route("GET", "/api/admin/corrections", users, user)

    for provider in ("stripe", "nowpayments", "kinguin"):
        yield Route("POST", f"/api/webhooks/{provider}", orchestrator, Access.SIGNED)
    yield Route("GET", "/api/admin/webhook-logs", orchestrator, user)
    yield Route("GET", "/api/admin/webhook-logs/{webhook_id}", orchestrator, user)
    yield Route("POST", "/api/admin/webhook-logs/{webhook_id}/replay", orchestrator, user)


def _stage_routes() -> Iterator[Route]:
    orders, events, orchestrator = Upstream.ORDERS, Upstream.EVENTS, Upstream.ORCHESTRATOR
    public, user = Access.PUBLIC, Access.USER

    yield Route("GET", "/api/menu/{menu_id}", orchestrator, user)
    yield Route("GET", "/api/menu/performer/{performer_id}", orchestrator, user)
    yield Route("POST", "/api/menu/purchase", orchestrator, user, is_purchase=True)
    yield Route("GET", "/api/menu/purchase/history", orchestrator, user)
    yield Route("GET", "/api/menu/purchase/{purchase_id}/status", orchestrator, user)
    yield Route("POST", "/api/menu/purchase/{purchase_id}/cancel", orchestrator, user)
    yield Route("POST", "/api/performers/{performer_id}/subscription", orchestrator, user, is_purchase=True)
    yield Route("POST", "/api/tip-grid/purchase", orchestrator, user, is_purchase=True)
    yield Route("GET", "/api/performance-queue", orchestrator, user)
    yield Route("GET", "/api/performance-queue/status/{queue_request_id}", orchestrator, user)
    for action in ("pause", "resume"):
        yield Route("POST", f"/api/performance-queue/{action}", orchestrator, user)
    for action in ("cancel", "start", "complete", "decline"):
        yield Route("POST", f"/api/performance-queue/{{purchased_item_id}}/{action}", orchestrator, user)
    yield Route("GET", "/api/performer/payouts", Upstream.USERS, user)
    yield Route("GET", "/api/performers", events, public)
    yield Route("GET", "/api/performers/{performer_id}", events, public)
    yield Route("GET", "/api/tip-grid/{performer_id}", events, public)
    for managed in ("/api/performer", "/api/admin/performers/{performer_id}"):
        yield Route("GET", f"{managed}/profile", events, user)
        yield Route("PATCH", f"{managed}/profile", events, user)
        yield Route("GET", f"{managed}/menu-templates", events, user)
        yield Route("POST", f"{managed}/menu-templates/{{template}}/apply", events, user)
        for menus in (f"{managed}/tip-menus", f"{managed}/menus"):
            yield Route("GET", menus, events, user)
            yield Route("POST", menus, events, user)
            yield Route("PATCH", f"{menus}/{{menu_id}}", events, user)
            yield Route("DELETE", f"{menus}/{{menu_id}}", events, user)
            yield Route("POST", f"{menus}/{{menu_id}}/items", events, user)
            yield Route("PATCH", f"{menus}/{{menu_id}}/items/{{item_id}}", events, user)
            yield Route("DELETE", f"{menus}/{{menu_id}}/items/{{item_id}}", events, user)
        yield Route("GET", f"{managed}/menus/{{menu_id}}/whitelist", events, user)
        yield Route("POST", f"{managed}/menus/{{menu_id}}/whitelist", events, user)
        yield Route("DELETE", f"{managed}/menus/{{menu_id}}/whitelist/{{user_id}}", events, user)
        yield Route("GET", f"{managed}/subscribers", orders, user)
        yield Route("GET", f"{managed}/earnings", orders, user)
        yield Route("GET", f"{managed}/sales", orders, user)

    yield Route("GET", "/api/purchased-items", orders, user)
    yield Route("GET", "/api/purchased-items/{purchased_item_id}", orders, user)
    yield Route("GET", "/api/subscriptions", orders, user)
    yield Route("DELETE", "/api/performers/{performer_id}/subscription", orders, user)


def _commission_routes() -> Iterator[Route]:
    orders, events, orchestrator = Upstream.ORDERS, Upstream.EVENTS, Upstream.ORCHESTRATOR
    public, user = Access.PUBLIC, Access.USER

    yield Route("GET", "/api/commissions/prices", orchestrator, public)
    yield Route("GET", "/api/commissions/by-checkout/{session_id}", orchestrator, user)
    yield Route("GET", "/api/commissions/{order_id}", orchestrator, user)
    yield Route("GET", "/api/admin/commissions/stats", orchestrator, user)
    yield Route("POST", "/api/commissions", orchestrator, user, is_purchase=True)
    for action in ("cancel", "revisions", "submit"):
        yield Route("POST", f"/api/commissions/{{order_id}}/{action}", orchestrator, user)
    for action in ("approve", "send-back", "retry", "refund"):
        yield Route("POST", f"/api/admin/commissions/{{order_id}}/{action}", orchestrator, user)
    yield Route("GET", "/api/commissions", orders, user)
    yield Route("GET", "/api/commissions/{order_id}/versions/{number}", orders, user)
    yield Route("GET", "/api/commissions/{order_id}/compare", orders, user)
    yield Route("GET", "/api/admin/commissions", orders, user)
    yield Route("GET", "/api/articles", events, public)
    yield Route("GET", "/api/articles/{slug}", events, public)
    yield Route("PATCH", "/api/articles/{slug}", events, user)


def _goods_routes() -> Iterator[Route]:
    events, orders, orchestrator = Upstream.EVENTS, Upstream.ORDERS, Upstream.ORCHESTRATOR
    public, user = Access.PUBLIC, Access.USER

    yield Route("GET", "/api/products", events, public)
    yield Route("GET", "/api/admin/products", events, user)
    yield Route("POST", "/api/admin/products", events, user)
    yield Route("PATCH", "/api/admin/products/{product_id}", events, user)

    yield Route("POST", "/api/digital-orders", orchestrator, user, is_purchase=True)
    yield Route("GET", "/api/digital-orders", orders, user)
    yield Route("GET", "/api/digital-orders/{order_id}", orders, user)
    yield Route("POST", "/api/digital-orders/{order_id}/cancel", orchestrator, user)

    yield Route("GET", "/api/fulfillment/{order_id}/status", orchestrator, user)
    yield Route("GET", "/api/fulfillment/{order_id}/download-link", orchestrator, user)
    yield Route("POST", "/api/fulfillment/{order_id}/reveal", orchestrator, user)
    yield Route("POST", "/api/fulfillment/{order_id}/delete-keys", orchestrator, user)
    yield Route("GET", "/api/downloads/{token}", orchestrator, public)

    yield Route("GET", "/api/admin/digital-orders", orders, user)
    for action in ("retry", "refund"):
        yield Route("POST", f"/api/admin/digital-orders/{{order_id}}/{action}", orchestrator, user)
    yield Route("GET", "/api/admin/reservations", orchestrator, user)


def _operator_routes() -> Iterator[Route]:
    orchestrator, user = Upstream.ORCHESTRATOR, Access.USER

    yield Route("GET", "/api/admin/audit", orchestrator, user)
    yield Route("GET", "/api/admin/sagas", orchestrator, user)
    yield Route("POST", "/api/admin/sagas/retry-all", orchestrator, user)
    yield Route("POST", "/api/admin/sagas/{saga_id}/retry", orchestrator, user)
    yield Route("GET", "/api/admin/jobs", orchestrator, user)
    yield Route("GET", "/api/admin/jobs/stats", orchestrator, user)
    yield Route("POST", "/api/admin/jobs/retry-all", orchestrator, user)
    yield Route("POST", "/api/admin/jobs/acknowledge-all", orchestrator, user)
    yield Route("GET", "/api/admin/jobs/{job_id}", orchestrator, user)
    yield Route("POST", "/api/admin/jobs/{job_id}/retry", orchestrator, user)
    yield Route("POST", "/api/admin/jobs/{job_id}/acknowledge", orchestrator, user)
    yield Route("POST", "/api/admin/jobs/{job_id}/cancel", orchestrator, user)
    yield Route("GET", "/api/admin/parked-messages", orchestrator, user)
    yield Route("POST", "/api/admin/parked-messages/{parked_id}/replay", orchestrator, user)
    yield Route("POST", "/api/admin/parked-messages/{parked_id}/discard", orchestrator, user)

    subscription = "/api/admin/webhook-subscriptions/{subscription_id}"
    yield Route("POST", "/api/admin/webhook-subscriptions", orchestrator, user)
    yield Route("GET", "/api/admin/webhook-subscriptions", orchestrator, user)
    yield Route("POST", f"{subscription}/enable", orchestrator, user)
    yield Route("DELETE", subscription, orchestrator, user)
    yield Route("GET", f"{subscription}/deliveries", orchestrator, user)
    yield Route("POST", "/api/admin/webhook-deliveries/{delivery_id}/replay", orchestrator, user)


ROUTES: Final = tuple(_routes())
