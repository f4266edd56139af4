"""An organiser manages its own events, and no other (T15)."""

import uuid
from typing import Any, Final

import pytest

from devstack.stack import Stack
from gateway.routing import ROUTES, Route
from tests.e2e.access_rules import WITHOUT_ACCESS_TOKEN, Audience, body_of, path_of, rule_of
from tests.e2e.conftest import MakeConcert, MakeFan, MakeOrganiser
from tests.e2e.scanner import buy
from tests.e2e.test_access import name_of
from tests.e2e.user_client import Concert, UserClient
from tests.support.http_client import http_client

OF_ONE_EVENT: Final = [
    route
    for route in ROUTES
    if route.access not in WITHOUT_ACCESS_TOKEN and rule_of(route) is Audience.ORGANISER and "{event_id}" in route.path
]


@pytest.fixture
async def organiser(new_organiser: MakeOrganiser) -> UserClient:
    return await new_organiser()


@pytest.fixture
async def own(new_concert: MakeConcert, organiser: UserClient) -> Concert:
    """An event that the organiser has created."""
    return await new_concert(by=organiser)


async def managed(user: UserClient, **query: Any) -> list[str]:
    return [event["event_id"] for event in (await user.get("/admin/events", per_page=100, **query)).data]


class TestOwnEvents:
    async def test_organiser_lists_its_own_events(
        self, *, admin: UserClient, organiser: UserClient, own: Concert, concert: Concert
    ) -> None:
        assert await managed(organiser) == [own.event_id]
        assert await managed(organiser, organiser_user_id=admin.user_id) == [own.event_id]
        assert await managed(admin, organiser_user_id=organiser.user_id) == [own.event_id]
        assert (await organiser.get("/admin/events")).data[0]["organiser_user_id"] == organiser.user_id
        cancelled = (await organiser.post(f"/admin/events/{own.event_id}/cancel")).status
        assert cancelled in {200, 202}
        assert await managed(organiser, status="CANCELLED") == [own.event_id]
        assert await managed(organiser, status="PUBLISHED") == []
        assert concert.event_id not in await managed(organiser)

    async def test_organiser_runs_its_event(self, *, organiser: UserClient, fan: UserClient, own: Concert) -> None:
        path, seat = f"/admin/events/{own.event_id}", own.seats["CAT2"][0]
        await buy(fan, own, own.seats["CAT2"][1])
        assert (await organiser.post(f"{path}/seats/block", {"seat_ids": [seat]})).data == {"seats_changed": 1}
        assert (await organiser.post(f"{path}/seats/unblock", {"seat_ids": [seat]})).data == {"seats_changed": 1}
        assert (await organiser.patch(path, {"name": "Renamed"})).data["name"] == "Renamed"
        assert (await organiser.get(f"{path}/dashboard")).data["stats"]["seats_sold"] == 1
        assert (await organiser.get(f"{path}/scans")).data == []

    async def test_organiser_refunds_orders_of_its_event(
        self, *, organiser: UserClient, new_organiser: MakeOrganiser, fan: UserClient, own: Concert
    ) -> None:
        order_id = (await fan.reserve(own.event_id, own.seats["CAT2"][0])).data["order_id"]
        assert (await fan.pay(order_id)).status == 200
        refused = await (await new_organiser()).post(f"/orders/{order_id}/refund")
        assert refused.refused() == (403, "FORBIDDEN")
        refunded = await organiser.post(f"/orders/{order_id}/refund")
        assert refunded.data["status"] == "REFUNDED"
        assert (await fan.get(f"/orders/{order_id}")).data["reason"] == "granted by the organiser"

    async def test_former_role_gives_no_access(
        self, *, admin: UserClient, organiser: UserClient, new_fan: MakeFan, own: Concert
    ) -> None:
        """The organiser's id alone is not enough."""
        fan = await new_fan()
        assigned = await admin.patch(f"/admin/events/{own.event_id}", {"organiser_user_id": fan.user_id})
        assert assigned.data["organiser_user_id"] == fan.user_id
        for user in (fan, organiser):
            assert (await user.get(f"/admin/events/{own.event_id}/dashboard")).refused() == (403, "FORBIDDEN")


class TestForeignEvents:
    @pytest.mark.parametrize("route", OF_ONE_EVENT, ids=name_of)
    async def test_foreign_event_is_refused(
        self, *, platform: Stack, openapi: dict[str, Any], organiser: UserClient, route: Route, concert: Concert
    ) -> None:
        before = (await organiser.get(f"/events/{concert.event_id}")).data
        path = path_of(route, {"event_id": concert.event_id})
        async with http_client(platform.urls.gateway, headers={"authorization": f"Bearer {organiser.token}"}) as http:
            refused = await http.request(route.method, path, json=body_of(route, openapi))
        assert (refused.status_code, refused.json()["error_code"]) == (403, "FORBIDDEN")
        assert (await organiser.get(f"/events/{concert.event_id}")).data == before


class TestAssignment:
    async def test_admin_assigns_and_removes_the_organiser(
        self, admin: UserClient, organiser: UserClient, concert: Concert
    ) -> None:
        path = f"/admin/events/{concert.event_id}"
        assert (await admin.patch(path, {"organiser_user_id": organiser.user_id})).status == 200
        assert (await organiser.get(f"{path}/dashboard")).status == 200
        assert (await admin.patch(path, {"organiser_user_id": None})).data["organiser_user_id"] is None
        assert (await organiser.get(f"{path}/dashboard")).refused() == (403, "FORBIDDEN")

    async def test_organiser_assigns_nobody(self, admin: UserClient, organiser: UserClient, own: Concert) -> None:
        for user_id in (admin.user_id, organiser.user_id, None):
            refused = await organiser.patch(f"/admin/events/{own.event_id}", {"organiser_user_id": user_id})
            assert refused.refused() == (403, "FORBIDDEN")

    async def test_unknown_user_is_refused(self, admin: UserClient, concert: Concert) -> None:
        refused = await admin.patch(f"/admin/events/{concert.event_id}", {"organiser_user_id": str(uuid.uuid4())})
        assert refused.refused() == (404, "USER_NOT_FOUND")
