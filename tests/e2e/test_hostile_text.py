"""Text that contains SQL, LIKE patterns and escapes is stored, shown and searched verbatim."""

import copy
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

import httpx
import pytest

from devstack.stack import Stack
from gateway.routing import ROUTES
from tests.e2e.access_rules import WITHOUT_ACCESS_TOKEN, body_of, operation_of, path_of
from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.deal_calls import DealCalls
from tests.e2e.scanner import ScannerClient, Ticket
from tests.e2e.test_access import name_of
from tests.e2e.user_client import SANDBOX_OTP, Concert, UserClient
from tests.support.http_client import http_client

# As long as the shortest field allows, which names a row.
HOSTILE_TEXT: Final = "'\"\\%_;--$1 :n %s {}"
# PostgreSQL's text has no NUL (https://www.postgresql.org/docs/current/datatype-character.html).
WITH_NUL: Final = f"{HOSTILE_TEXT[:10]}\0"
TEXTS: Final = (HOSTILE_TEXT, "'", "''; DROP TABLE events; --", WITH_NUL)
# Wrong passwords would lock the seeded accounts; `test_account_text_is_stored_verbatim` covers these routes.
ACCOUNTS: Final = frozenset({"POST /api/auth/register", "POST /api/auth/login"})
CALLED: Final = [
    route for route in ROUTES if route.access not in WITHOUT_ACCESS_TOKEN and name_of(route) not in ACCOUNTS
]

Place = Sequence[str | int]


@pytest.fixture
async def http(platform: Stack, admin: UserClient) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {admin.token}"}
    async with http_client(platform.urls.gateway, headers=headers) as http:
        yield http


def is_text(schema: Mapping[str, Any]) -> bool:
    kinds = [schema, *schema.get("anyOf", ())]
    return any(kind.get("type") == "string" and not {"format", "enum", "const"} & set(kind) for kind in kinds)


def text_queries(operation: Mapping[str, Any]) -> list[str]:
    return [
        parameter["name"]
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and is_text(parameter["schema"])
    ]


def text_places(body: Any, place: Place = ()) -> Iterator[Place]:
    """Yield where a body has text."""
    if isinstance(body, str):
        yield place
    for name, value in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        yield from text_places(value, (*place, name))


def with_text(body: Any, place: Place, text: str) -> Any:
    changed = copy.deepcopy(body)
    part = changed
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = text
    return changed


async def test_query_text_causes_no_server_error(http: httpx.AsyncClient, openapi: dict[str, Any]) -> None:
    covered = set()
    for route in CALLED:
        for name in text_queries(operation_of(route, openapi)):
            for text in TEXTS:
                answer = await http.request(route.method, path_of(route), params={name: text})
                assert answer.status_code < 500, (name_of(route), name, text, answer.text)
                covered.add((name_of(route), name))
    assert covered >= {
        ("GET /api/events", "q"),
        ("GET /api/admin/jobs", "kind"),
        ("GET /api/credits/statement", "cursor"),
    }


async def test_body_text_causes_no_server_error(http: httpx.AsyncClient, openapi: dict[str, Any]) -> None:
    sent = set()
    for route in CALLED:
        body = body_of(route, openapi)
        for place in text_places(body):
            for text in TEXTS:
                sent_body = with_text(body | dict.fromkeys({"nonce"} & set(body), uuid.uuid4().hex), place, text)
                answer = await http.request(route.method, path_of(route), json=sent_body)
                assert answer.status_code < 500, (name_of(route), place, text, answer.text)
                sent.add((name_of(route), place))
    assert sent >= {("POST /api/admin/events", ("venue", "name")), ("POST /api/transfer/dispute", ("reason",))}


async def test_account_text_is_stored_verbatim(anonymous: UserClient) -> None:
    email = f"o'hara-{uuid.uuid4().hex[:12]}@example.com"
    account = {
        "email": email,
        "phone": f"+658{uuid.uuid4().int % 10**11:011}",
        "password": HOSTILE_TEXT,
        "name": HOSTILE_TEXT,
    }
    refused = await anonymous.post("/auth/register", account | {"name": WITH_NUL})
    assert refused.refused() == (400, "VALIDATION_ERROR")
    user_id = (await anonymous.post("/auth/register", account)).data["user_id"]
    assert (
        await anonymous.post("/auth/verify-registration", {"user_id": user_id, "otp_code": SANDBOX_OTP})
    ).status == 200
    async with await anonymous.log_in(email, HOSTILE_TEXT) as fan:
        profile = (await fan.get(f"/users/{user_id}")).data
    assert (profile["email"], profile["name"]) == (email, HOSTILE_TEXT)


class TestEvent:
    async def test_names_are_stored_and_shown_verbatim(self, fan: UserClient, new_concert: MakeConcert) -> None:
        row = {"row_number": HOSTILE_TEXT, "seats": 2}
        concert = await new_concert(
            name=HOSTILE_TEXT,
            venue={"name": HOSTILE_TEXT, "address": HOSTILE_TEXT},
            hall_id=HOSTILE_TEXT,
            layout=[{"category": HOSTILE_TEXT, "price": "100.00", "rows": [row]}],
        )
        shown = (await fan.get(f"/events/{concert.event_id}")).data
        assert (shown["name"], shown["venue"]["name"], shown["venue"]["address"]) == (HOSTILE_TEXT,) * 3
        assert {(seat["category"], seat["row_number"]) for seat in shown["seats"]} == {(HOSTILE_TEXT, HOSTILE_TEXT)}
        wanted = {"event_id": concert.event_id, "category": HOSTILE_TEXT, "quantity": 2}
        order_id = (await fan.post("/reserve/best-available", wanted)).data["order_id"]
        assert (await fan.pay(order_id)).status == 200
        assert {ticket["row_number"] for ticket in (await fan.get("/tickets")).data} == {HOSTILE_TEXT}

    async def test_search_treats_the_query_as_literal_text(
        self, anonymous: UserClient, new_concert: MakeConcert
    ) -> None:
        mark = uuid.uuid4().hex
        named = (await new_concert(name=f"{HOSTILE_TEXT} {mark}")).event_id
        await new_concert(name=f"Jazz {mark}")

        async def found(text: str) -> list[str]:
            return [event["event_id"] for event in (await anonymous.get("/events", q=text)).data]

        assert len(await found(mark)) == 2
        for part in range(len(HOSTILE_TEXT)):
            assert await found(f"{HOSTILE_TEXT[part:]} {mark}") == [named]
        for pattern in (f"%{mark}", f"_{mark}", f"\\{mark}", f"{mark}' OR 'a' = 'a"):
            assert await found(pattern) == []


async def test_refund_reason_is_stored_verbatim(fan: UserClient, concert: Concert) -> None:
    order_id = (await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
    assert (await fan.pay(order_id)).status == 200
    refused = await fan.post(f"/orders/{order_id}/refund", {"reason": WITH_NUL})
    assert refused.refused() == (400, "VALIDATION_ERROR")
    assert (await fan.post(f"/orders/{order_id}/refund", {"reason": HOSTILE_TEXT})).status == 200
    assert (await fan.get(f"/orders/{order_id}")).data["reason"] == HOSTILE_TEXT


async def test_dispute_reason_is_stored_verbatim(fan: UserClient, new_fan: MakeFan, ticket: Ticket) -> None:
    buyer = await new_fan()
    transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
    refused = await buyer.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": WITH_NUL})
    assert refused.refused() == (400, "VALIDATION_ERROR")
    assert (await buyer.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": HOSTILE_TEXT})).status == 200
    assert (await buyer.get(f"/transfers/{transfer_id}")).data["dispute_reason"] == HOSTILE_TEXT


async def test_hall_id_is_stored_verbatim(
    *, admin: UserClient, fan: UserClient, scanner: ScannerClient, ticket: Ticket, payload: str
) -> None:
    refused = await admin.patch(f"/admin/users/{fan.user_id}", {"assigned_hall_id": WITH_NUL})
    assert refused.refused() == (400, "VALIDATION_ERROR")
    assert (await admin.patch(f"/admin/users/{fan.user_id}", {"assigned_hall_id": HOSTILE_TEXT})).status == 200
    assert (await admin.get(f"/users/{fan.user_id}")).data["assigned_hall_id"] == HOSTILE_TEXT
    assert await scanner.result_of(payload, by=admin, hall=HOSTILE_TEXT) == "WRONG_HALL"
    assert [scan["hall_presented"] for scan in await scanner.scans_of(ticket.event_id)] == [HOSTILE_TEXT]


async def test_idempotency_key_is_compared_verbatim(fan: UserClient, concert: Concert) -> None:
    key = HOSTILE_TEXT.replace(" ", "")
    first, other = concert.seats["CAT1"][:2]
    order_id = (await fan.reserve(concert.event_id, first, key=key)).data["order_id"]
    assert (await fan.reserve(concert.event_id, first, key=key)).data["order_id"] == order_id
    assert (await fan.reserve(concert.event_id, other, key=key[:-1])).data["order_id"] != order_id
