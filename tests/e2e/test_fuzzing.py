"""Valid and invalid requests generated from OpenAPI: no 5xx, and every response is documented.

Callers without access are refused before anything else, so they send one request. `FUZZ_EXAMPLES=100` searches deeper
than the whole suite has time for. Runs with the same number of examples send the same requests.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from devstack.seed import PASSWORD
from devstack.stack import Stack
from gateway.routing import ROUTES, Route
from tests.e2e.access_rules import WITHOUT_ACCESS_TOKEN, Audience, rule_of
from tests.e2e.user_client import USER_PASSWORD, UserClient
from tests.support.http_client import http_client

pytest_plugins = ["schemathesis.pytest.plugin"]

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "3"))
# `test_access` shows that every route checks its caller.
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# They end the session of all other calls.
ENDS_LOGINS: Final = {("POST", "/api/auth/logout"), ("DELETE", "/api/auth/sessions")}
ANONYMOUS: Final = ""
FUZZED: Final = [route for route in ROUTES if (route.method, route.path) not in ENDS_LOGINS]
FAN: Final = "user1@example.com"
ADMIN: Final = "admin@example.com"
ORGANISER: Final = "organiser@example.com"
PERFORMER: Final = "a new performer"  # the seeded one's profile and menus are read by other tests
CALLERS: Final = (ANONYMOUS, FAN, PERFORMER, ORGANISER, ADMIN)
ACCEPTED_CALLERS: Final = {
    Audience.PUBLIC: {ANONYMOUS},
    Audience.USER: {FAN, ADMIN},
    Audience.OWNER: {FAN, ADMIN},
    Audience.PERFORMER: {PERFORMER},
    Audience.STAFF: {ADMIN},
    Audience.ORGANISER: {ORGANISER, ADMIN},
    Audience.ADMIN: {ADMIN},
}
REPEATABLE: Final = settings(
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def api(openapi: dict[str, Any]) -> BaseSchema:
    return schemathesis.openapi.from_dict(openapi)


@pytest.fixture(scope="module")
async def tokens(platform: Stack, admin: UserClient) -> dict[str, str]:
    found = {ANONYMOUS: "", PERFORMER: await token_of_new_performer(platform, admin)}
    async with http_client(platform.urls.gateway) as http:
        for email in set(CALLERS) - found.keys():
            login = await http.post("/api/auth/login", json={"email": email, "password": PASSWORD})
            found[email] = login.json()["data"]["access_token"]
    return found


async def token_of_new_performer(platform: Stack, admin: UserClient) -> str:
    async with UserClient(platform) as anonymous, await anonymous.register() as fan:
        assert (await admin.patch(f"/admin/users/{fan.user_id}", {"roles": ["customer", "performer"]})).status == 200
        async with await fan.log_in(fan.email, USER_PASSWORD) as performer:
            assert (await performer.patch("/performer/profile", {"display_name": "Nova"})).status == 200
            return str(performer.token)


@pytest.mark.parametrize("caller", CALLERS, ids=["anonymous", "fan", "performer", "organiser", "admin"])
@pytest.mark.parametrize("route", FUZZED, ids=lambda route: f"{route.method} {route.path}")
def test_generated_requests_get_documented_responses(
    api: BaseSchema, tokens: dict[str, str], *, platform: Stack, route: Route, caller: str
) -> None:
    headers = {"authorization": f"Bearer {tokens[caller]}"} if caller else {}
    case_settings = settings(REPEATABLE, max_examples=EXAMPLES if caller in accepted_callers(route) else 1)
    operation = api[route.path][route.method]
    for mode in modes_of(operation.definition.raw, headers):

        @case_settings
        @given(case=operation.as_strategy(mode, headers=headers))
        def send_case(case: Case[Any]) -> None:
            case.call_and_validate(base_url=platform.urls.gateway, checks=CHECKS)

        send_case()


def modes_of(operation: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[GenerationMode]:
    """Yield the generation modes: an invalid request exists only if the route takes something beyond the given headers."""
    yield GenerationMode.POSITIVE
    if "requestBody" in operation or {parameter["name"] for parameter in operation.get("parameters", ())} - set(
        headers
    ):
        yield GenerationMode.NEGATIVE


def accepted_callers(route: Route) -> set[str]:
    return {ANONYMOUS} if route.access in WITHOUT_ACCESS_TOKEN else ACCEPTED_CALLERS[rule_of(route)]
