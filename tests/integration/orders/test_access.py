"""Who may call what: services the internal routes, users the public ones, and nobody anything without a token."""

import time
import uuid
from typing import Any

import pytest
from fastapi import FastAPI

from common.auth.principal import Role
from common.auth.service_tokens import ServiceTokens
from orders.settings import Settings
from tests.integration.orders.book import opening
from tests.support.callers import Caller, new_id
from tests.support.user_tokens import UserTokenMint

INTERNAL = [
    ("POST", "/internal/orders", opening()),
    ("GET", f"/internal/orders/{new_id()}", None),
    ("POST", f"/internal/orders/{new_id()}/confirm", {"request_id": new_id()}),
    ("POST", f"/internal/orders/{new_id()}/refund", {"request_id": new_id(), "reason": "x"}),
    (
        "POST",
        f"/internal/orders/{new_id()}/end",
        {"request_id": new_id(), "undoes_request_id": new_id(), "status": "FAILED", "reason": "x"},
    ),
]
PUBLIC = ["/api/orders", f"/api/orders/{new_id()}"]

internal_routes = pytest.mark.parametrize(("method", "path", "body"), INTERNAL, ids=lambda each: str(each)[-8:])
public_routes = pytest.mark.parametrize("path", PUBLIC)


def test_every_route_is_looked_at_here(app: FastAPI) -> None:
    documented = {(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item}

    looked_at = len(INTERNAL) + len(PUBLIC)
    assert len(documented) == looked_at


class TestInternalRoutes:
    @internal_routes
    async def test_need_a_token(self, anybody: Caller, method: str, path: str, body: Any) -> None:
        answer = await anybody.request(method, path, json=body)

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
    async def test_need_a_token(self, anybody: Caller, path: str) -> None:
        answer = await anybody.get(path)

        assert answer.status_code == 401
        assert answer.json()["error_code"] == "UNAUTHORIZED"

    @public_routes
    async def test_refuse_services(self, app: FastAPI, service_token: str, path: str) -> None:
        async with Caller(app, service_token) as service:
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
        async with Caller(app, UserTokenMint().token(uuid.uuid4(), Role.ADMIN)) as stranger:
            answer = await stranger.get(path)

        assert answer.status_code == 401
        assert answer.json()["error_code"] == "UNAUTHORIZED"
