"""Access: internal routes for services, public ones for users, none without a token."""

import time
import uuid
from typing import Any

import pytest
from fastapi import FastAPI

from common.auth.principal import Role
from common.auth.service_tokens import ServiceTokens
from orders.settings import Settings
from tests.integration.orders.commissions.commission_caller import commission, version_of
from tests.integration.orders.deal_caller import listing, transfer
from tests.integration.orders.digital_orders.digital_order_caller import digital_order
from tests.integration.orders.item_caller import opening as bought
from tests.integration.orders.orders_caller import opening
from tests.support.callers import Caller, new_id
from tests.support.service_auth import ServiceAuth
from tests.support.user_tokens import UserTokenMint

UNDO = {"request_id": new_id(), "undoes_request_id": new_id()}
INTERNAL: list[tuple[str, str, Any]] = [
    ("POST", "/internal/orders", opening()),
    ("GET", f"/internal/orders?event_id={new_id()}", None),
    ("GET", f"/internal/orders/counts?event_id={new_id()}", None),
    ("GET", f"/internal/orders/by-seat/{new_id()}", None),
    ("GET", f"/internal/orders/{new_id()}", None),
    ("POST", f"/internal/orders/{new_id()}/confirm", {"request_id": new_id()}),
    ("POST", f"/internal/orders/{new_id()}/refund", {"request_id": new_id(), "reason": "x"}),
    ("POST", f"/internal/orders/{new_id()}/begin-refund", {"request_id": new_id()}),
    ("POST", f"/internal/orders/{new_id()}/begin-seat-refund", {"request_id": new_id(), "seat_ids": [new_id()]}),
    ("POST", f"/internal/orders/{new_id()}/abandon-refund", UNDO),
    (
        "POST",
        f"/internal/orders/{new_id()}/refund-seats",
        {"request_id": new_id(), "seat_ids": [new_id()], "reason": "x"},
    ),
    ("GET", f"/internal/orders/refundable?event_id={new_id()}", None),
    ("GET", f"/internal/orders/{new_id()}/refundable", None),
    ("GET", f"/internal/orders/{new_id()}/owner-changes", None),
    ("POST", f"/internal/orders/{new_id()}/end", {**UNDO, "status": "FAILED", "reason": "x"}),
    ("POST", "/internal/transfers", transfer()),
    ("GET", f"/internal/transfers?event_id={new_id()}", None),
    ("GET", f"/internal/transfers/disputed?seat_id={new_id()}&order_id={new_id()}", None),
    ("GET", f"/internal/transfers/disputed-orders?event_id={new_id()}", None),
    ("GET", f"/internal/transfers/counts?event_id={new_id()}", None),
    ("GET", f"/internal/listings/counts?event_id={new_id()}", None),
    ("GET", "/internal/listings/events-on-market", None),
    ("GET", f"/internal/transfers/{new_id()}", None),
    ("POST", f"/internal/transfers/{new_id()}/end", {**UNDO, "status": "FAILED", "reason": "x"}),
    ("POST", f"/internal/transfers/{new_id()}/confirmations", {"request_id": new_id(), "parties": ["seller"]}),
    ("POST", f"/internal/transfers/{new_id()}/begin-owner-change", {"request_id": new_id()}),
    ("POST", f"/internal/transfers/{new_id()}/abandon-owner-change", UNDO),
    ("POST", f"/internal/transfers/{new_id()}/complete", {"request_id": new_id()}),
    (
        "POST",
        f"/internal/transfers/{new_id()}/dispute",
        {"request_id": new_id(), "user_id": new_id(), "reason": "x"},
    ),
    ("POST", f"/internal/transfers/{new_id()}/dismiss", {"request_id": new_id()}),
    ("POST", f"/internal/transfers/{new_id()}/begin-reversal", {"request_id": new_id()}),
    ("POST", f"/internal/transfers/{new_id()}/abandon-reversal", UNDO),
    ("POST", f"/internal/transfers/{new_id()}/reverse", {"request_id": new_id()}),
    ("POST", "/internal/listings", listing()),
    ("GET", f"/internal/listings?event_id={new_id()}", None),
    ("GET", f"/internal/listings/{new_id()}", None),
    ("POST", f"/internal/listings/{new_id()}/discard", UNDO),
    ("POST", f"/internal/listings/{new_id()}/activate", {"request_id": new_id()}),
    ("POST", f"/internal/listings/{new_id()}/begin-withdrawal", {"request_id": new_id()}),
    ("POST", f"/internal/listings/{new_id()}/abandon-withdrawal", UNDO),
    ("POST", f"/internal/listings/{new_id()}/cancel", {"request_id": new_id()}),
    (
        "POST",
        f"/internal/listings/{new_id()}/claim",
        {"request_id": new_id(), "sale_id": new_id(), "buyer_user_id": new_id(), "expires_at": "2027-01-01T00:00:00Z"},
    ),
    ("POST", f"/internal/listings/{new_id()}/release-claim", {**UNDO, "sale_id": new_id()}),
    ("POST", f"/internal/listings/{new_id()}/begin-owner-change", {"request_id": new_id()}),
    ("POST", f"/internal/listings/{new_id()}/abandon-owner-change", UNDO),
    ("POST", f"/internal/listings/{new_id()}/complete", {"request_id": new_id(), "sale_id": new_id()}),
    ("POST", "/internal/purchased-items", bought()),
    ("GET", f"/internal/purchased-items?buyer_user_id={new_id()}", None),
    (
        "POST",
        "/internal/purchased-items/settle",
        {"request_id": new_id(), "payout_id": new_id(), "item_ids": [new_id()]},
    ),
    ("GET", f"/internal/purchased-items/by-queue-request/{new_id()}", None),
    ("GET", f"/internal/purchased-items/check-key?buyer_user_id={new_id()}&idempotency_key=x&type=menu_item", None),
    ("GET", f"/internal/purchased-items/{new_id()}", None),
    ("POST", f"/internal/purchased-items/{new_id()}/end", {**UNDO, "reason": "x"}),
    ("POST", f"/internal/purchased-items/{new_id()}/enqueue", {"request_id": new_id(), "is_funded": True}),
    ("POST", f"/internal/purchased-items/{new_id()}/start", {"request_id": new_id()}),
    ("POST", f"/internal/purchased-items/{new_id()}/complete", {"request_id": new_id()}),
    ("POST", f"/internal/purchased-items/{new_id()}/device", {"status": "activated"}),
    ("GET", f"/internal/performer-queues/{new_id()}", None),
    ("POST", f"/internal/performer-queues/{new_id()}", {"is_paused": False}),
    ("GET", f"/internal/performer-queues/{new_id()}/items", None),
    ("GET", f"/internal/subscriptions?user_id={new_id()}&performer_id={new_id()}", None),
    ("GET", "/internal/subscriptions/due", None),
    ("POST", "/internal/subscriptions/remind", {"days_before": 3, "limit": 1}),
    ("POST", f"/internal/subscriptions/{new_id()}/resume", {}),
    ("POST", f"/internal/subscriptions/{new_id()}/end", {"periods": 1, "reason": "x"}),
    ("POST", "/internal/commissions", commission().model_dump(mode="json") | {"request_id": new_id()}),
    ("GET", "/internal/commissions?status=FAILED&before=2027-01-01T00:00:00Z", None),
    ("GET", "/internal/commissions/stats", None),
    ("GET", "/internal/commissions/by-checkout/cs_1", None),
    ("GET", f"/internal/commissions/{new_id()}", None),
    ("POST", f"/internal/commissions/{new_id()}/end", UNDO),
    ("POST", f"/internal/commissions/{new_id()}/begin-publication", {"request_id": new_id()}),
    ("POST", f"/internal/commissions/{new_id()}/abandon-publication", UNDO),
    ("POST", f"/internal/commissions/{new_id()}/resume", {"round": 1}),
    (
        "POST",
        f"/internal/commissions/{new_id()}/await-payment",
        {"request_id": new_id(), "session_id": "x", "url": "x", "expires_at": "2027-01-01T00:00:00Z"},
    ),
    ("POST", f"/internal/commissions/{new_id()}/revise", {"request_id": new_id(), "notes": "x"}),
    (
        "POST",
        f"/internal/commissions/{new_id()}/versions",
        version_of().model_dump(mode="json") | {"request_id": new_id(), "round": 1},
    ),
    (
        "POST",
        f"/internal/commissions/{new_id()}/fail",
        {"request_id": new_id(), "round": 1, "code": "x", "message": "x"},
    ),
    ("POST", f"/internal/commissions/{new_id()}/send-back", {"request_id": new_id(), "notes": "x"}),
    ("POST", f"/internal/commissions/{new_id()}/complete", {"request_id": new_id(), "slug": "x"}),
    ("POST", f"/internal/commissions/{new_id()}/accept", {"request_id": new_id()}),
    ("POST", f"/internal/commissions/{new_id()}/retry", {"request_id": new_id()}),
    ("POST", f"/internal/commissions/{new_id()}/submit", {"request_id": new_id()}),
    ("POST", "/internal/digital-orders", digital_order().model_dump(mode="json") | {"request_id": new_id()}),
    ("GET", "/internal/digital-orders?status=FAILED&before=2027-01-01T00:00:00Z", None),
    ("GET", "/internal/digital-orders/by-reservation?reservation_id=x", None),
    ("GET", "/internal/digital-orders/reservations", None),
    ("GET", "/internal/digital-orders/silent?before=2027-01-01T00:00:00Z", None),
    ("GET", "/internal/digital-orders/downloaded?before=2027-01-01T00:00:00Z", None),
    ("GET", "/internal/digital-orders/sealed-codes", None),
    ("POST", f"/internal/digital-orders/sealed-codes/{new_id()}", {"sealed": "eA==", "replaced": "eA=="}),
    ("GET", f"/internal/digital-orders/{new_id()}", None),
    ("GET", f"/internal/digital-orders/{new_id()}/codes", None),
    ("POST", f"/internal/digital-orders/{new_id()}/end", UNDO),
    ("POST", f"/internal/digital-orders/{new_id()}/resume", {}),
    ("POST", f"/internal/digital-orders/{new_id()}/ready", {"storage_ref": "x"}),
    ("POST", f"/internal/digital-orders/{new_id()}/fail", {"code": "x", "message": "x"}),
    ("POST", f"/internal/digital-orders/{new_id()}/downloaded", {}),
    ("POST", f"/internal/digital-orders/{new_id()}/delete-codes", {}),
    ("POST", f"/internal/digital-orders/{new_id()}/items/{new_id()}/reservation", {"reservation_id": "x"}),
    ("POST", f"/internal/digital-orders/{new_id()}/items/{new_id()}/codes", {"sealed": "eA=="}),
    ("POST", f"/internal/digital-orders/{new_id()}/items/{new_id()}/fail", {"failure": "x"}),
    ("POST", f"/internal/digital-orders/{new_id()}/accept", {"request_id": new_id()}),
    ("GET", f"/internal/personal-data/{new_id()}/open-deals", None),
    ("GET", f"/internal/personal-data/{new_id()}/orders", None),
    ("POST", f"/internal/personal-data/{new_id()}/erase", {}),
]
PERFORMERS_ONLY = ["/api/performer/subscribers", "/api/performer/earnings", "/api/performer/sales"]
ADMINS_ONLY = [
    "/api/admin/transfers",
    "/api/admin/commissions",
    "/api/admin/digital-orders",
    *(f"/api/admin/performers/{new_id()}/{name}" for name in ("subscribers", "earnings", "sales")),
]
CANCEL_SUBSCRIPTION = f"/api/performers/{new_id()}/subscription"
PUBLIC = [
    "/api/orders",
    f"/api/orders/{new_id()}",
    "/api/transfers",
    f"/api/transfers/{new_id()}",
    *ADMINS_ONLY,
    "/api/marketplace/listings",
    f"/api/marketplace/listings/{new_id()}",
    "/api/listings",
    "/api/purchased-items",
    f"/api/purchased-items/{new_id()}",
    "/api/subscriptions",
    "/api/commissions",
    f"/api/commissions/{new_id()}/versions/1",
    f"/api/commissions/{new_id()}/compare",
    "/api/digital-orders",
    f"/api/digital-orders/{new_id()}",
    *PERFORMERS_ONLY,
]

internal_routes = pytest.mark.parametrize(("method", "path", "body"), INTERNAL, ids=lambda each: str(each)[-16:])
public_routes = pytest.mark.parametrize("path", PUBLIC)


def test_every_route_is_covered(app: FastAPI) -> None:
    documented = {(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item}

    covered_routes = len([*INTERNAL, *PUBLIC, CANCEL_SUBSCRIPTION])
    assert len(documented) == covered_routes


class TestInternalRoutes:
    @internal_routes
    async def test_need_a_token(self, anonymous: Caller, method: str, path: str, body: Any) -> None:
        answer = await anonymous.request(method, path, json=body)

        assert answer.status_code == 401
        assert answer.json()["error_code"] == "UNAUTHORIZED"

    @internal_routes
    async def test_refuse_users(self, admin: Caller, fan: Caller, *, method: str, path: str, body: Any) -> None:
        for user in (fan, admin):
            answer = await user.request(method, path, json=body)

            assert answer.status_code == 401
            assert answer.json()["error_code"] == "UNAUTHORIZED"

    @internal_routes
    async def test_refuse_a_token_for_another_service(
        self, app: FastAPI, settings: Settings, *, method: str, path: str, body: Any
    ) -> None:
        token = ServiceTokens(service="orchestrator", secret=settings.service_token_secret).issue("users")

        async with Caller(app, token) as stray:
            answer = await stray.request(method, path, json=body)

        assert answer.status_code == 403
        assert answer.json()["error_code"] == "FORBIDDEN"


class TestPublicRoutes:
    @public_routes
    async def test_need_a_token(self, anonymous: Caller, path: str) -> None:
        answer = await anonymous.get(path)

        assert answer.status_code == 401
        assert answer.json()["error_code"] == "UNAUTHORIZED"

    @public_routes
    async def test_refuse_services(self, app: FastAPI, service_auth: ServiceAuth, path: str) -> None:
        async with Caller(app, service_auth) as service:
            answer = await service.get(path)

        assert answer.status_code == 401

    @public_routes
    async def test_refuse_an_expired_token(self, app: FastAPI, mint: UserTokenMint, path: str) -> None:
        token = mint.token(uuid.uuid4(), exp=int(time.time()) - 1)

        async with Caller(app, token) as late:
            answer = await late.get(path)

        assert answer.status_code == 401
        assert answer.json()["error_code"] == "TOKEN_EXPIRED"

    @public_routes
    async def test_refuse_a_token_of_another_issuer(self, app: FastAPI, path: str) -> None:
        async with Caller(app, UserTokenMint().token(uuid.uuid4(), Role.ADMIN)) as other_user:
            answer = await other_user.get(path)

        assert answer.status_code == 401
        assert answer.json()["error_code"] == "UNAUTHORIZED"

    async def test_cancellation_needs_a_users_token(
        self, app: FastAPI, anonymous: Caller, service_auth: ServiceAuth
    ) -> None:
        async with Caller(app, service_auth) as service:
            for caller in (anonymous, service):
                assert (await caller.request("DELETE", CANCEL_SUBSCRIPTION)).status_code == 401

    @pytest.mark.parametrize("path", PERFORMERS_ONLY)
    async def test_performers_routes_refuse_other_users(
        self, app: FastAPI, mint: UserTokenMint, *, admin: Caller, fan: Caller, path: str
    ) -> None:
        for other in (fan, admin):
            refused = await other.get(path)
            assert (refused.status_code, refused.json()["error_code"]) == (403, "FORBIDDEN")
        async with Caller(app, mint.token(uuid.uuid4(), Role.PERFORMER)) as performer:
            assert (await performer.get(path)).status_code == 200
            assert [(await performer.get(path)).status_code for path in ADMINS_ONLY] == [403] * len(ADMINS_ONLY)

    @pytest.mark.parametrize("path", ADMINS_ONLY)
    async def test_admin_routes_refuse_users(self, admin: Caller, fan: Caller, path: str) -> None:
        refused = await fan.get(path)

        assert refused.status_code == 403
        assert refused.json()["error_code"] == "FORBIDDEN"
        assert (await admin.get(path)).status_code == 200
