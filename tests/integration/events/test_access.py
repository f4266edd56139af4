"""Access: internal routes for services, venues for all callers."""

import uuid
from typing import Any

import pytest
from fastapi import FastAPI

from common.auth.principal import Role
from common.auth.service_tokens import ServiceTokens
from events.settings import Settings
from tests.integration.events.catalogue import drafting
from tests.integration.events.stage import MENUS, TIP_MENUS, OfferCaller
from tests.support.callers import Caller, new_id
from tests.support.user_tokens import UserTokenMint

INTERNAL: list[tuple[str, str, Any]] = [
    ("GET", "/internal/events", None),
    ("GET", f"/internal/personal-data/{new_id()}/menus", None),
    ("POST", f"/internal/personal-data/{new_id()}/erase", {}),
    ("POST", "/internal/events", drafting()),
    ("POST", "/internal/events/lookup", {"event_ids": []}),
    ("GET", f"/internal/events/{new_id()}", None),
    ("POST", f"/internal/events/{new_id()}/publish", {"request_id": new_id()}),
    ("POST", f"/internal/events/{new_id()}/edit", {"request_id": new_id(), "name": "New"}),
    ("POST", f"/internal/events/{new_id()}/cancel", {"request_id": new_id()}),
    ("POST", f"/internal/events/{new_id()}/discard", {"request_id": new_id(), "undoes_request_id": new_id()}),
    ("POST", "/internal/performers/lookup", {"performer_ids": []}),
    ("GET", f"/internal/performers/{new_id()}", None),
    ("GET", f"/internal/performers/{new_id()}/menus", None),
    ("GET", f"/internal/menu-items/{new_id()}", None),
    ("GET", f"/internal/menus/{new_id()}", None),
    ("GET", "/internal/articles", None),
    ("POST", "/internal/articles", {}),
    ("GET", f"/internal/articles/{new_id()}", None),
    ("POST", "/internal/products/lookup", {"product_ids": []}),
    ("POST", "/internal/products/take-stock", {}),
    ("POST", "/internal/products/return-stock", {}),
]
OPEN_TO_ALL = ["/api/venues", "/api/performers", "/api/articles", "/api/products"]
OPEN_BY_ID = {
    f"/api/performers/{new_id()}": "PERFORMER_NOT_FOUND",
    f"/api/tip-grid/{new_id()}": "PERFORMER_NOT_FOUND",
    "/api/articles/no-such-article": "NOT_FOUND",
}
OF_OWNERS = [("PATCH", "/api/articles/{slug}")]  # test_articles.py::TestChange
# test_products.py::TestManaging
OF_ADMINS = [("GET", "/api/admin/products"), ("POST", "/api/admin/products"), ("PATCH", "/api/admin/products/{id}")]
_OF_MENUS = [
    ("GET", "{kind}", None),
    ("POST", "{kind}", {"name": "Encore"}),
    ("PATCH", f"{{kind}}/{new_id()}", {"name": "Encore"}),
    ("DELETE", f"{{kind}}/{new_id()}", None),
    ("POST", f"{{kind}}/{new_id()}/items", {"name": "Wave", "price": "1.00"}),
    ("PATCH", f"{{kind}}/{new_id()}/items/{new_id()}", {"name": "Wave"}),
    ("DELETE", f"{{kind}}/{new_id()}/items/{new_id()}", None),
]
MANAGED: list[tuple[str, str, Any]] = [
    ("GET", "profile", None),
    ("PATCH", "profile", {"display_name": "Nova"}),
    ("GET", "menu-templates", None),
    ("POST", "menu-templates/quick-fun/apply", None),
    ("GET", f"menus/{new_id()}/whitelist", None),
    ("POST", f"menus/{new_id()}/whitelist", {"user_id": new_id()}),
    ("DELETE", f"menus/{new_id()}/whitelist/{new_id()}", None),
    *((method, path.format(kind=kind), body) for kind in (TIP_MENUS, MENUS) for method, path, body in _OF_MENUS),
]

internal_routes = pytest.mark.parametrize(("method", "path", "body"), INTERNAL, ids=lambda each: str(each)[-8:])


def test_every_route_is_covered(app: FastAPI) -> None:
    documented = [(method, path) for path, item in app.openapi()["paths"].items() for method in item]

    of_users = len(OF_OWNERS) + len(OF_ADMINS) + 2 * len(MANAGED)
    assert len(documented) == len(INTERNAL) + len(OPEN_TO_ALL) + len(OPEN_BY_ID) + of_users


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


@pytest.mark.parametrize(("path", "code"), OPEN_BY_ID.items())
async def test_public_routes_by_id_need_no_token(anonymous: Caller, path: str, code: str) -> None:
    assert (await anonymous.get(path)).json()["error_code"] == code


@pytest.mark.parametrize(("method", "path", "body"), MANAGED, ids=lambda each: str(each)[:12])
async def test_only_performers_manage_their_menus_and_only_admins_those_of_others(
    *, app: FastAPI, mint: UserTokenMint, anonymous: Caller, admin: Caller, method: str, path: str, body: Any
) -> None:
    other_id = uuid.uuid4()
    assert (await OfferCaller(anonymous, other_id).call(method, path, body)).status_code == 401
    assert (await OfferCaller.of_admin(anonymous, other_id).call(method, path, body)).status_code == 401
    assert (await OfferCaller(admin, other_id).call(method, path, body)).status_code == 403
    for roles in [(Role.CUSTOMER,), (Role.STAFF, Role.ORGANISER), (Role.PERFORMER,)]:
        async with Caller(app, mint.token(uuid.uuid4(), *roles)) as user:
            refused = await OfferCaller.of_admin(user, other_id).call(method, path, body)
            assert (refused.status_code, refused.json()["error_code"]) == (403, "FORBIDDEN"), roles
            if Role.PERFORMER not in roles:
                assert (await OfferCaller(user, other_id).call(method, path, body)).status_code == 403, roles


async def test_other_method_is_405_with_the_allowed_ones(anonymous: Caller) -> None:
    answer = await anonymous.request("DELETE", "/api/venues")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["success"] is False
