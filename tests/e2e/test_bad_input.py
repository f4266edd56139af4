"""Invalid input gets the contract's error code and changes nothing."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from devstack.home import Home
from devstack.keys import keys_of
from devstack.stack import Stack
from gateway.routing import ROUTES, Access
from tests.e2e.access_rules import RULES, Audience, body_of, path_of
from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.performer import Performer
from tests.e2e.user_client import Concert, UserClient
from tests.support.waiting import eventually

UNKNOWN = str(uuid.uuid4())


class TestReserve:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"event_id": "not-a-uuid", "seat_ids": [UNKNOWN]}, "INVALID_UUID"),
            ({"event_id": UNKNOWN, "seat_ids": ["not-a-uuid"]}, "INVALID_UUID"),
            ({"event_id": UNKNOWN, "seat_id": "5"}, "INVALID_UUID"),
            ({"event_id": UNKNOWN, "seat_ids": []}, "VALIDATION_ERROR"),
            ({"event_id": UNKNOWN, "seat_ids": [str(uuid.uuid4()) for _ in range(11)]}, "VALIDATION_ERROR"),
            ({"event_id": UNKNOWN, "seat_ids": [UNKNOWN, UNKNOWN]}, "VALIDATION_ERROR"),
            ({"event_id": UNKNOWN, "seat_ids": [UNKNOWN], "seat_id": UNKNOWN}, "VALIDATION_ERROR"),
            ({"event_id": UNKNOWN, "seat_ids": UNKNOWN}, "VALIDATION_ERROR"),
            ({"event_id": UNKNOWN}, "VALIDATION_ERROR"),
            ({}, "VALIDATION_ERROR"),
        ],
    )
    async def test_malformed(self, fan: UserClient, body: dict[str, Any], code: str) -> None:
        assert (await fan.post("/reserve", body)).refused() == (400, code)

    @pytest.mark.parametrize("quantity", [0, -1, 11, "many", 1.5])
    async def test_best_available_quantity(self, fan: UserClient, concert: Concert, quantity: object) -> None:
        wanted = {"event_id": concert.event_id, "category": "CAT1", "quantity": quantity}
        assert (await fan.post("/reserve/best-available", wanted)).refused() == (400, "VALIDATION_ERROR")

    async def test_category_with_nul_is_refused(self, fan: UserClient, concert: Concert) -> None:
        wanted = {"event_id": concert.event_id, "category": "CAT1\0", "quantity": 1}
        assert (await fan.post("/reserve/best-available", wanted)).refused() == (400, "VALIDATION_ERROR")

    async def test_unknown_event(self, fan: UserClient) -> None:
        assert (await fan.reserve(UNKNOWN, UNKNOWN)).refused() == (404, "EVENT_NOT_FOUND")

    async def test_unknown_seat(self, fan: UserClient, concert: Concert) -> None:
        known = concert.seats["CAT1"][0]
        assert (await fan.reserve(concert.event_id, known, UNKNOWN)).refused() == (404, "SEAT_NOT_FOUND")
        assert (await fan.reserve(concert.event_id, known)).status == 200

    async def test_seats_of_two_events(self, fan: UserClient, new_concert: MakeConcert) -> None:
        one, other = await new_concert(), await new_concert()
        refused = await fan.reserve(one.event_id, one.seats["CAT1"][0], other.seats["CAT1"][0])
        assert refused.refused() == (400, "VALIDATION_ERROR")

    async def test_ended_event(self, fan: UserClient, new_concert: MakeConcert) -> None:
        ended = await new_concert(event_date=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
        assert (await fan.reserve(ended.event_id, ended.seats["CAT1"][0])).refused() == (410, "EVENT_ENDED")


class TestOrders:
    @pytest.mark.parametrize(
        ("order_id", "refusal"),
        [("not-a-uuid", (400, "INVALID_UUID")), (UNKNOWN, (404, "ORDER_NOT_FOUND"))],
    )
    async def test_unknown_order(self, fan: UserClient, order_id: str, refusal: tuple[int, str]) -> None:
        assert (await fan.pay(order_id)).refused() == refusal
        assert (await fan.post(f"/orders/{order_id}/cancel")).refused() == refusal
        assert (await fan.get(f"/orders/{order_id}")).refused() == refusal

    async def test_another_fans_order_returns_403(self, fan: UserClient, new_fan: MakeFan, concert: Concert) -> None:
        order_id = (await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
        stranger = await new_fan()
        assert (await stranger.pay(order_id)).refused() == (403, "FORBIDDEN")
        assert (await stranger.post(f"/orders/{order_id}/cancel")).refused() == (403, "FORBIDDEN")
        assert (await stranger.get(f"/orders/{order_id}")).refused() == (403, "FORBIDDEN")
        assert (await fan.pay(order_id)).status == 200

    async def test_saga_of_another_kind_is_not_an_order(self, admin: UserClient, concert: Concert) -> None:
        """Putting an event on sale is an admin's own saga; its id has the form of an order id."""
        assert (await admin.pay(concert.event_id)).refused() == (404, "ORDER_NOT_FOUND")
        assert (await admin.post(f"/orders/{concert.event_id}/cancel")).refused() == (404, "ORDER_NOT_FOUND")


class TestEvents:
    async def test_unknown_and_malformed(self, anonymous: UserClient) -> None:
        for path in ("", "/availability"):
            assert (await anonymous.get(f"/events/{UNKNOWN}{path}")).refused() == (404, "EVENT_NOT_FOUND")
            assert (await anonymous.get(f"/events/nonsense{path}")).refused() == (400, "INVALID_UUID")

    @pytest.mark.parametrize(
        "query", [{"page": 0}, {"per_page": 0}, {"per_page": 101}, {"page": "x"}, {"from": "x"}, {"from": "0"}]
    )
    async def test_paging(self, anonymous: UserClient, query: dict[str, Any]) -> None:
        assert (await anonymous.get("/events", **query)).refused() == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize(
        "change",
        [
            {"event_date": 4102444800},
            {"event_date": "9999-12-31T23:00:00Z"},
            {"ends_at": "2030-01-01T12:00:00Z"},
            {"doors_open_at": "2030-01-01T12:00:01Z"},
            {"name": "Jazz\0"},
            {"hall_id": "\0"},
        ],
    )
    async def test_event_with_invalid_values_is_refused(self, admin: UserClient, change: dict[str, Any]) -> None:
        event = {
            "name": "Jazz",
            "venue": {"name": "Esplanade"},
            "hall_id": "HALL-A",
            "event_date": "2030-01-01T12:00:00Z",
            "total_seats": 10,
            "pricing_tiers": {"CAT1": "10.00"},
        }
        assert (await admin.post("/admin/events", event | change)).refused() == (400, "VALIDATION_ERROR")

    async def test_only_admins_put_events_on_sale(self, fan: UserClient, anonymous: UserClient) -> None:
        assert (await fan.post("/admin/events", {})).refused() == (403, "FORBIDDEN")
        assert (await anonymous.post("/admin/events", {})).refused() == (401, "UNAUTHORIZED")

    async def test_only_admins_see_sagas(self, fan: UserClient, admin: UserClient) -> None:
        assert (await fan.get("/admin/sagas")).refused() == (403, "FORBIDDEN")
        assert (await fan.post(f"/admin/sagas/{UNKNOWN}/retry")).refused() == (403, "FORBIDDEN")
        assert (await fan.post("/admin/sagas/retry-all")).refused() == (403, "FORBIDDEN")
        assert (await admin.post(f"/admin/sagas/{UNKNOWN}/retry")).refused() == (404, "NOT_FOUND")
        assert (await admin.post("/admin/sagas/retry-all")).data == {"made_due": 0}
        assert (await admin.get("/admin/sagas", state="NONSENSE")).refused() == (400, "VALIDATION_ERROR")


class TestTokens:
    async def test_missing(self, anonymous: UserClient) -> None:
        assert (await anonymous.post("/reserve", {})).refused() == (401, "UNAUTHORIZED")
        assert (await anonymous.get("/tickets")).refused() == (401, "UNAUTHORIZED")

    async def test_expired(self, platform: Stack, fan: UserClient, user_clients: Any) -> None:
        token = _resigned(platform, fan.token, exp=1)
        expired = await user_clients.enter_async_context(UserClient(platform, token))
        assert (await expired.get("/tickets")).refused() == (401, "TOKEN_EXPIRED")

    async def test_tampered_payload(self, platform: Stack, fan: UserClient, user_clients: Any) -> None:
        header, payload, signature = fan.token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        claims["roles"] = ["admin"]
        forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        forger = await user_clients.enter_async_context(UserClient(platform, f"{header}.{forged}.{signature}"))
        assert (await forger.get("/tickets")).refused() == (401, "UNAUTHORIZED")

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    async def test_wrong_algorithm(self, platform: Stack, fan: UserClient, user_clients: Any, algorithm: str) -> None:
        claims = jwt.decode(fan.token, options={"verify_signature": False})
        key_id = jwt.get_unverified_header(fan.token)["kid"]
        secret = "" if algorithm == "none" else "a secret of at least thirty-two bytes"
        token = jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": key_id})
        forger = await user_clients.enter_async_context(UserClient(platform, token))
        assert (await forger.get("/tickets")).refused() == (401, "UNAUTHORIZED")

    async def test_logged_out(self, fan: UserClient) -> None:
        assert (await fan.post("/auth/logout")).status == 200

        async def is_out() -> bool:
            return (await fan.get("/tickets")).status == 401

        assert await eventually(is_out)  # long before the token expires
        assert (await fan.get("/tickets")).refused() == (401, "UNAUTHORIZED")


class TestBodies:
    async def test_unknown_field_is_refused_by_its_name(
        self, admin: UserClient, performer: Performer, openapi: dict[str, Any]
    ) -> None:
        for route in ROUTES:
            body = body_of(route, openapi)
            if route.method == "GET" or route.access is Access.SIGNED or not body:
                continue
            path = path_of(route).removeprefix("/api")
            is_performers = f"{route.method} {route.path}" in RULES[Audience.PERFORMER]
            user = performer.client if is_performers else admin
            refused = await user.call(route.method, path, body | {"sea_ids": []})
            assert refused.refused() == (400, "VALIDATION_ERROR"), route.path
            assert "body.sea_ids" in refused.body["details"]["fields"], route.path

    async def test_unknown_field_of_a_part_is_refused(self, admin: UserClient) -> None:
        venue = {"name": "Esplanade", "address": "", "adress": ""}
        refused = await admin.post("/admin/events", {"name": "Jazz", "venue": venue})
        assert "body.venue.adress" in refused.body["details"]["fields"]

    @pytest.mark.parametrize("name", [b"\\ud800", b"x" * 100_000, b"\\u202e"])
    async def test_any_name_of_an_unknown_field_is_refused(self, fan: UserClient, name: bytes) -> None:
        refused = await fan.send("/pay", b'{"order_id": "%s", "%s": 1}' % (UNKNOWN.encode(), name))
        assert refused.refused() == (400, "VALIDATION_ERROR")
        assert len(str(refused.body)) < 1_000

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"text"'])
    async def test_malformed_json_is_refused(self, fan: UserClient, content: bytes) -> None:
        assert (await fan.send("/reserve", content)).refused() == (400, "VALIDATION_ERROR")

    async def test_form_body_is_refused(self, fan: UserClient) -> None:
        refused = await fan.send("/reserve", b"event_id=1", content_type="application/x-www-form-urlencoded")
        assert refused.refused() == (400, "VALIDATION_ERROR")

    async def test_oversized(self, fan: UserClient) -> None:
        assert (await fan.send("/reserve", b"x" * 1_048_577)).refused() == (413, "VALIDATION_ERROR")

    async def test_deeply_nested(self, fan: UserClient) -> None:
        body = b'{"event_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        assert (await fan.send("/reserve", body)).refused() == (400, "VALIDATION_ERROR")

    async def test_overlong_key(self, fan: UserClient, concert: Concert) -> None:
        refused = await fan.reserve(concert.event_id, concert.seats["CAT1"][0], key="k" * 256)
        assert refused.refused() == (400, "VALIDATION_ERROR")


def _resigned(platform: Stack, token: str, **changes: Any) -> str:
    """Sign a token's claims again with the platform's key."""
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    return jwt.encode(claims | changes, keys_of(Home(platform.home)).jwt_private_key, algorithm="EdDSA", headers=header)
