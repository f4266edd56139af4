"""Every id that a client can send, sent by somebody whose it is not: refused, and nothing happens."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
import pytest

from devstack.stack import Stack
from gateway.routing import ROUTES, Route
from tests.e2e.access import BY_OTHER_MEANS, Who, body_of, path_of, rule_of
from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.people import Person
from tests.e2e.test_access import called

# What belongs to somebody. An id in no list fails the test below: say whose it is.
OWNED: Final = frozenset({"order_id", "seat_id", "transfer_id", "listing_id", "payment_id", "reference_id", "user_id"})
# What everybody may name: it is public, or it says who the other one is.
PUBLIC: Final = frozenset(
    {"event_id", "venue_id", "hall_id", "seat_ids", "seller_user_id", "buyer_user_id", "price_currency_id"}
)
# An id that is shown to admins only is theirs whoever made it; `test_access` shows that nobody else gets in.
OF_ADMINS: Final = frozenset({"saga_id", "job_id", "parked_id", "webhook_id", "subscription_id", "delivery_id"})
# Reserving names a seat that is for sale: whose it is, is what the request decides.
FREE_TO_NAME: Final = frozenset(
    {("POST /api/reserve", "seat_id"), ("GET /api/marketplace/listings/{listing_id}", "listing_id")}
    # Anybody may buy what is listed, but its own seller.
    | {("POST /api/marketplace/buy", "listing_id")}
)
REFUSALS: Final = {
    (403, "FORBIDDEN"),
    (403, "NOT_SEAT_OWNER"),
    (404, "ORDER_NOT_FOUND"),
    (404, "TRANSFER_NOT_FOUND"),
    (404, "LISTING_NOT_FOUND"),
    (404, "NOT_FOUND"),
}
FOR_PEOPLE: Final = [
    route for route in ROUTES if route.access not in BY_OTHER_MEANS and rule_of(route) in {Who.USER, Who.ONESELF}
]


def ids_in(body: Any) -> Iterator[str]:
    if isinstance(body, Mapping):
        for name, value in body.items():
            if name.endswith(("_id", "_ids")):
                yield name
            yield from ids_in(value)


def ids_of(route: Route, body: Any) -> set[str]:
    in_path = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
    return in_path | set(ids_in(body))


@pytest.fixture
async def things(new_fan: MakeFan, new_concert: MakeConcert) -> tuple[Person, dict[str, str]]:
    """Somebody who has one of everything, and its ids."""
    concert = await new_concert()
    owner, friend = await new_fan(), await new_fan()
    seats = concert.seats["CAT2"][:3]
    paid = (await owner.reserve(concert.event_id, *seats[:2])).data["order_id"]
    assert (await owner.pay(paid)).status == 200
    held = (await owner.reserve(concert.event_id, seats[2])).data["order_id"]
    offer = {"seat_id": seats[0], "seller_user_id": owner.user_id, "buyer_user_id": friend.user_id}
    transfer = (await owner.post("/transfer/initiate", offer | {"credits_amount": "10.00"})).data["transfer_id"]
    listing = (await owner.post("/marketplace/list", {"seat_id": seats[1], "asking_price": "90.00"})).data["listing_id"]
    payment = (await owner.post("/credits/topup", {"amount": "10.00"})).data["payment_id"]
    return owner, {
        "order_id": held,
        "seat_id": seats[0],
        "transfer_id": transfer,
        "listing_id": listing,
        "payment_id": payment,
        "reference_id": held,
        "user_id": owner.user_id,
    }


async def possessions(owner: Person) -> list[Any]:
    """Everything that the owner is shown, but for what changes by itself."""
    shown = [
        (await owner.get(path)).data
        for path in ("/orders", "/tickets", "/transfers", "/listings", "/payments", "/credits/balance")
    ]
    return [*shown, (await owner.get(f"/users/{owner.user_id}")).data]


async def test_every_id_belongs_to_somebody(description: dict[str, Any]) -> None:
    known = OWNED | PUBLIC | OF_ADMINS
    strange = {
        (called(route), name)
        for route in ROUTES
        if route.access not in BY_OTHER_MEANS and rule_of(route) is not Who.ANYBODY
        for name in ids_of(route, body_of(route, description))
    }
    assert {each for each in strange if each[1] not in known} == set()


async def test_strangers_are_refused_and_change_nothing(
    platform: Stack, description: dict[str, Any], things: tuple[Person, dict[str, str]], new_fan: MakeFan
) -> None:
    owner, ids = things
    stranger = await new_fan()
    before = await possessions(owner)
    tried = 0
    async with httpx.AsyncClient(
        base_url=platform.urls.gateway, headers={"authorization": f"Bearer {stranger.token}"}
    ) as http:
        for route in FOR_PEOPLE:
            body = body_of(route, description)
            owned = {n for n in ids_of(route, body) & OWNED if (called(route), n) not in FREE_TO_NAME}
            if not owned:
                continue
            if isinstance(body, dict):
                body = {**body, **{name: ids[name] for name in owned if name in body}}
                body |= dict.fromkeys(set(body) & {"seller_user_id"}, owner.user_id)
                body |= dict.fromkeys(set(body) & {"buyer_user_id"}, owner.user_id)
            answer = await http.request(route.method, path_of(route, ids), json=body)
            tried += 1
            refusal = (answer.status_code, answer.json().get("error_code"))
            assert refusal in REFUSALS, (called(route), refusal, answer.text)
            assert owner.email not in answer.text, called(route)
    assert tried >= len(OWNED)
    assert await possessions(owner) == before
