"""Every route by which staff or admins change something has an action on the audit trail."""

import re
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from common.http.auth import ADMIN_ONLY
from orchestrator.features.check_in.routes import _staff_or_admin
from orchestrator.http.audit import auditor
from tests.architecture.compose import ROOT
from tests.support.openapi import public_apps

CHANGING: Final = {"POST", "PUT", "PATCH", "DELETE"}
GUARDS: Final = {ADMIN_ONLY.dependency, _staff_or_admin}
# A scan is logged by the inventory, with its staff member, hall and result.
EXEMPT: Final = {"POST /api/verify"}
# What the users service reports; the orchestrator's routes have the dependency `Audit`.
REPORTED: Final = {
    "PATCH /api/admin/users/{user_id}": "user.change",
    "POST /api/admin/receivables/{user_id}/settle": "wallet.",
    "POST /api/admin/receivables/{user_id}/write-off": "wallet.",
    "POST /api/admin/users/{user_id}/adjustments": "wallet.",
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
    return {name: calls for name, calls in found.items() if calls & GUARDS or name in ALSO_BY_ADMINS}


@pytest.fixture(scope="module")
async def routes() -> dict[str, set[Any]]:
    return {name: calls for app in public_apps().values() for name, calls in routes_of(app).items()}


def test_guarded_routes_are_found(routes: dict[str, set[Any]]) -> None:
    assert {"POST /api/admin/jobs/{job_id}/retry", "POST /api/verify/undo", *REPORTED} <= routes.keys()


def test_every_change_is_audited(routes: dict[str, set[Any]]) -> None:
    silent = [name for name, calls in routes.items() if auditor not in calls and name not in EXEMPT | REPORTED.keys()]
    assert silent == []


def test_reported_actions_exist() -> None:
    written = "".join(file.read_text() for file in (ROOT / "users").rglob("*.py"))
    assert [action for action in REPORTED.values() if f'"{action}' not in written] == []


def test_every_action_has_one_name() -> None:
    """Two routes that record the same action could not be told apart."""
    written = "".join(file.read_text() for file in (ROOT / "orchestrator").rglob("routes.py"))
    actions = re.findall(r'audit\.record\(\s*"([\w.]+)"', written)
    assert len(actions) == len(set(actions)) >= 20
