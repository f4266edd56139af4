"""Access: internal routes for services, venues for all callers."""

from typing import Any

import pytest
from fastapi import FastAPI

from common.auth.service_tokens import ServiceTokens
from events.settings import Settings
from tests.integration.events.catalogue import drafting
from tests.support.callers import Caller, new_id

INTERNAL: list[tuple[str, str, Any]] = [
    ("GET", "/internal/events", None),
    ("POST", "/internal/events", drafting()),
    ("POST", "/internal/events/lookup", {"event_ids": []}),
    ("GET", f"/internal/events/{new_id()}", None),
    ("POST", f"/internal/events/{new_id()}/publish", {"request_id": new_id()}),
    ("POST", f"/internal/events/{new_id()}/edit", {"request_id": new_id(), "name": "New"}),
    ("POST", f"/internal/events/{new_id()}/cancel", {"request_id": new_id()}),
    ("POST", f"/internal/events/{new_id()}/discard", {"request_id": new_id(), "undoes_request_id": new_id()}),
]
OPEN_TO_ALL = ["/api/venues"]

internal_routes = pytest.mark.parametrize(("method", "path", "body"), INTERNAL, ids=lambda each: str(each)[-8:])


def test_every_route_is_covered(app: FastAPI) -> None:
    documented = [(method, path) for path, item in app.openapi()["paths"].items() for method in item]

    assert len(documented) == len(INTERNAL) + len(OPEN_TO_ALL)


@internal_routes
async def test_internal_routes_need_a_token(anonymous: Caller, method: str, path: str, body: Any) -> None:
    answer = await anonymous.request(method, path, json=body)

    assert answer.status_code == 401
    assert answer.json()["error_code"] == "UNAUTHORIZED"


@internal_routes
async def test_internal_routes_refuse_users(admin: Caller, method: str, path: str, body: Any) -> None:
    answer = await admin.request(method, path, json=body)

    assert answer.status_code == 401
    assert answer.json()["error_code"] == "UNAUTHORIZED"


@internal_routes
async def test_internal_routes_refuse_a_token_for_another_service(
    app: FastAPI, settings: Settings, *, method: str, path: str, body: Any
) -> None:
    token = ServiceTokens(service="orchestrator", secret=settings.service_token_secret).issue("orders")

    async with Caller(app, token) as stray:
        answer = await stray.request(method, path, json=body)

    assert answer.status_code == 403
    assert answer.json()["error_code"] == "FORBIDDEN"


@pytest.mark.parametrize("path", OPEN_TO_ALL)
async def test_public_routes_need_no_token(anonymous: Caller, path: str) -> None:
    assert (await anonymous.get(path)).status_code == 200


async def test_other_method_is_405_with_the_allowed_ones(anonymous: Caller) -> None:
    answer = await anonymous.request("DELETE", "/api/venues")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["success"] is False
