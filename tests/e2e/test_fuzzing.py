"""What the description allows, and what it does not, sent through the gateway: no 5xx, and every answer as described.

`FUZZ_EXAMPLES=100` looks deeper than a run of all tests has time for.
"""

import os
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)

from devstack.seed import PASSWORD
from devstack.stack import Stack
from gateway.routing import ROUTES, Route

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "3"))
# That no route ignores who calls is shown in `test_access`.
WANTED: Final = [not_a_server_error, content_type_conformance, response_schema_conformance]
# Ends the session that all other calls are made with.
LOGOUT: Final = "/api/auth/logout"
NOBODY: Final = ""
FUZZED: Final = [route for route in ROUTES if route.path != LOGOUT]
CALLERS: Final = (NOBODY, "user1@example.com", "admin@example.com")
OFTEN: Final = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def api(description: dict[str, Any]) -> BaseSchema:
    return schemathesis.openapi.from_dict(description)


@pytest.fixture(scope="module")
def tokens(platform: Stack) -> dict[str, str]:
    found = {NOBODY: ""}
    with httpx.Client(base_url=platform.urls.gateway) as http:
        for email in filter(None, CALLERS):
            login = http.post("/api/auth/login", json={"email": email, "password": PASSWORD})
            found[email] = login.json()["data"]["access_token"]
    return found


@pytest.mark.parametrize("caller", CALLERS, ids=["nobody", "fan", "admin"])
@pytest.mark.parametrize("route", FUZZED, ids=lambda route: f"{route.method} {route.path}")
def test_nothing_surprises_the_platform(
    api: BaseSchema, tokens: dict[str, str], *, platform: Stack, route: Route, caller: str
) -> None:
    headers = {"authorization": f"Bearer {tokens[caller]}"} if caller else {}

    @OFTEN
    @given(case=api[route.path][route.method].as_strategy())
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(base_url=platform.urls.gateway, headers=headers, checks=WANTED)

    ask()
