"""Every route by which staff, organisers or admins change something has an action on the audit trail."""

import re
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from common.auth.principal import Role
from common.http.auth import ADMIN_ONLY
from orchestrator.http.audit import auditor
from tests.architecture.compose import ROOT
from tests.support.openapi import public_apps

CHANGING: Final = {"POST", "PUT", "PATCH", "DELETE"}
ADMIN_PATH: Final = "/api/admin/"
# A scan is logged by the inventory, with its staff member, hall and result.
EXEMPT: Final = {"POST /api/verify"}
_OF_PERFORMERS: Final = "/api/admin/performers/{performer_id}"
# What the events service reports.
REPORTED_BY_EVENTS: Final = {
    "POST /api/admin/products": "product.create",
    "PATCH /api/admin/products/{product_id}": "product.change",
    f"PATCH {_OF_PERFORMERS}/profile": "performer.change",
    f"POST {_OF_PERFORMERS}/menu-templates/{{template}}/apply": "menu.create",
    f"POST {_OF_PERFORMERS}/menus/{{menu_id}}/whitelist": "menu_whitelist.add",
    f"DELETE {_OF_PERFORMERS}/menus/{{menu_id}}/whitelist/{{user_id}}": "menu_whitelist.remove",
} | {
    f"{method} {_OF_PERFORMERS}/{menus}{path}": action
    for menus in ("tip-menus", "menus")
    for method, path, action in (
        ("POST", "", "menu.create"),
        ("PATCH", "/{menu_id}", "menu.change"),
        ("DELETE", "/{menu_id}", "menu.delete"),
        ("POST", "/{menu_id}/items", "menu_item.create"),
        ("PATCH", "/{menu_id}/items/{item_id}", "menu_item.change"),
        ("DELETE", "/{menu_id}/items/{item_id}", "menu_item.delete"),
    )
}
# What the users service reports; the orchestrator's routes have the dependency `Audit`.
REPORTED: Final = {
    "PATCH /api/admin/users/{user_id}": "user.change",
    "POST /api/admin/receivables/{user_id}/settle": "wallet.",
    "POST /api/admin/receivables/{user_id}/write-off": "wallet.",
    "POST /api/admin/users/{user_id}/adjustments": "wallet.",
    **REPORTED_BY_EVENTS,
}
ALSO_BY_ADMINS: Final = {"POST /api/orders/{order_id}/refund"}


def calls_of(dependant: Dependant) -> set[Any]:
    """Return the functions that a route depends on."""
    return {dependant.call}.union(*(calls_of(inner) for inner in dependant.dependencies))


def routes_of(app: FastAPI) -> dict[str, set[Any]]:
    """Return what the changing routes of staff and admins depend on."""
    found = {
        f"{method} {route.path}": calls_of(route.dependant)
        for route in iter_route_contexts(app.routes)
        if hasattr(route, "dependant")
        for method in (route.methods or set()) & CHANGING
    }
    return {
        name: calls
        for name, calls in found.items()
        if ADMIN_PATH in name or needs_role(calls) or name in ALSO_BY_ADMINS
    }


def needs_role(calls: set[Any]) -> bool:
    """Return whether one of the dependencies is of `require_role`. Performers act on what is theirs, as fans do."""
    guards = [call for call in calls if getattr(call, "__code__", None) is ADMIN_ONLY.dependency.__code__]
    return any(guard.__closure__[0].cell_contents != (Role.PERFORMER,) for guard in guards)


@pytest.fixture(scope="module")
async def routes() -> dict[str, set[Any]]:
    return {name: calls for app in public_apps().values() for name, calls in routes_of(app).items()}


def test_guarded_routes_are_found(routes: dict[str, set[Any]]) -> None:
    managed = {
        "PATCH /api/admin/events/{event_id}",
        "POST /api/admin/events",
        "POST /api/admin/events/{event_id}/cancel",
    }
    assert {"POST /api/admin/jobs/{job_id}/retry", "POST /api/verify/undo", *managed, *REPORTED} <= routes.keys()
    assert {name for name, calls in routes.items() if ADMIN_PATH not in name and needs_role(calls)} == {
        "POST /api/verify",
        "POST /api/verify/undo",
        "POST /api/transfer/reverse",
        "POST /api/transfer/dismiss",
    }


def test_every_change_is_audited(routes: dict[str, set[Any]]) -> None:
    silent = [name for name, calls in routes.items() if auditor not in calls and name not in EXEMPT | REPORTED.keys()]
    assert silent == []


def test_reported_actions_exist() -> None:
    written = "".join(file.read_text() for service in ("users", "events") for file in (ROOT / service).rglob("*.py"))
    assert [action for action in REPORTED.values() if f'"{action}' not in written] == []


def test_every_action_has_one_name() -> None:
    """Two routes that record the same action could not be told apart."""
    written = "".join(file.read_text() for file in (ROOT / "orchestrator").rglob("routes.py"))
    actions = re.findall(r'audit\.record\(\s*"([\w.]+)"', written)
    assert len(actions) == len(set(actions)) >= 20
