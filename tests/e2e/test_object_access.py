"""Every id that a client can send is sent by another user: the request is refused and changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from devstack.stack import Stack
from gateway.routing import ROUTES, Route
from tests.e2e.access_rules import WITHOUT_ACCESS_TOKEN, Audience, body_of, is_unrouted, path_of, rule_of, schema_of
from tests.e2e.commissions import order_text, until
from tests.e2e.conftest import MakeFan
from tests.e2e.digital_orders import order_goods
from tests.e2e.performer import Performer
from tests.e2e.test_access import name_of
from tests.e2e.user_client import USER_PASSWORD, Concert, UserClient
from tests.support.http_client import http_client

# Ids of things with an owner. An id in none of these sets fails the test below.
OWNED: Final = frozenset(
    {"order_id", "seat_id", "transfer_id", "listing_id", "payment_id", "reference_id", "user_id", "session_id"}
    | {"purchase_id", "purchased_item_id", "queue_request_id"}
)
# Public ids, and ids of another user that a request needs.
PUBLIC: Final = frozenset(
    {
        "event_id",
        "venue_id",
        "hall_id",
        "organiser_user_id",
        "assigned_hall_id",
        "assigned_venue_id",
        "seat_ids",
        "seller_user_id",
        "buyer_user_id",
    }
    | {"price_currency_id", "performer_id"}
    # The number of a version, of an order that belongs to the caller.
    | {"number"}
    # A performer reaches their own menus only: tests/integration/events/test_menus.py::TestOwnership.
    | {"menu_id", "item_id", "menu_item_id", "template"}
    # Any fan may buy a tip; the conversation is the client's own.
    | {"tip_menu_item_id", "conversation_id"}
    # A backlink into another customer's article needs its owner's consent: tests/e2e/test_commission_payments.py.
    | {"article_id"}
    # Only its owner changes an article: tests/integration/events/test_articles.py::TestChange.
    | {"slug"}
    # Any fan orders a product, and only admins change one.
    | {"product_id"}
)
# Ids shown to admins, or to staff, only; `test_access` shows that no other user reaches them.
ADMIN_IDS: Final = frozenset(
    {"scan_id", "saga_id", "job_id", "parked_id", "webhook_id", "subscription_id", "delivery_id"}
    | {"supplier_product_id"}
)
# A reservation names a seat that is for sale, which has no owner yet.
NOT_OWNER_CHECKED: Final = frozenset(
    {("POST /api/reserve", "seat_id"), ("GET /api/marketplace/listings/{listing_id}", "listing_id")}
    # Any fan except the seller may buy a listing.
    | {("POST /api/marketplace/buy", "listing_id")}
)
REFUSALS: Final = {
    (403, "FORBIDDEN"),
    (403, "NOT_SEAT_OWNER"),
    (404, "ORDER_NOT_FOUND"),
    (404, "TRANSFER_NOT_FOUND"),
    (404, "LISTING_NOT_FOUND"),
    (404, "ITEM_NOT_FOUND"),
    (404, "NOT_FOUND"),  # of payments and sessions, see `is_unrouted`
}
# The parties of a transfer. They are not owned things, but a user may not name two other users.
PARTIES: Final = "seller_user_id and buyer_user_id"
# Optional ids are in no example; these bodies contain them.
WITH_OPTIONAL_ID: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("POST /api/payments/crypto", "reference_id"): {"purpose": "order", "pay_currency": "btc", "reference_id": ""}
}
USER_ROUTES: Final = [
    route
    for route in ROUTES
    if route.access not in WITHOUT_ACCESS_TOKEN and rule_of(route) in {Audience.USER, Audience.OWNER}
]


Offers = Mapping[str, Mapping[str, str]]


@pytest.fixture
async def offers_in_queue(performer: Performer) -> Offers:
    """A menu item and a tip that wait for their performer: the bodies of their purchases, by path."""
    menu_id, tomorrow = await performer.add_menu(), datetime.now(UTC) + timedelta(days=1)
    tip = {"tip_menu_item_id": await performer.add_tip(), "performer_id": performer.performer_id}
    return {
        "/menu/purchase": {"menu_id": menu_id, "menu_item_id": await performer.add_menu_item(menu_id)},
        "/tip-grid/purchase": tip | {"scheduled_for": tomorrow.isoformat()},
    }


def ids_in(body: Any) -> Iterator[str]:
    if isinstance(body, Mapping):
        for name, value in body.items():
            if name.endswith(("_id", "_ids")):
                yield name
            yield from ids_in(value)


def ids_of(route: Route, openapi: Mapping[str, Any]) -> set[str]:
    """Return the ids in a route's path and body, including optional ones."""
    in_path = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
    optional = schema_of(route, openapi).get("properties", {})
    return in_path | set(ids_in(body_of(route, openapi))) | set(ids_in(optional))


@dataclass(frozen=True, kw_only=True)
class Possessions:
    """A user who has one of each owned thing, and their ids.

    `of_paths` has the ids that mean something else under paths that begin so: an order may be one of commissions, or of goods.
    """

    owner: UserClient
    ids: Mapping[str, str]
    of_paths: Mapping[str, Mapping[str, str]]

    def id_for(self, route: Route, name: str) -> str:
        for path, ids in self.of_paths.items():
            if route.path.startswith(path):
                return ids.get(name, self.ids[name])
        return self.ids[name]


async def create_possessions(
    new_fan: MakeFan, concert: Concert, seats: Sequence[str], *, offers_in_queue: Offers
) -> Possessions:
    owner, friend = await new_fan(), await new_fan()
    paid = (await owner.reserve(concert.event_id, *seats[:2])).data["order_id"]
    assert (await owner.pay(paid)).status == 200
    held = (await owner.reserve(concert.event_id, seats[2])).data["order_id"]
    offer = {"seat_id": seats[0], "seller_user_id": owner.user_id, "buyer_user_id": friend.user_id}
    transfer = (await owner.post("/transfer/initiate", offer | {"credits_amount": "10.00"})).data["transfer_id"]
    listing = (await owner.post("/marketplace/list", {"seat_id": seats[1], "asking_price": "90.00"})).data["listing_id"]
    bought = {path: (await owner.post(path, body)).data for path, body in offers_in_queue.items()}
    payment = (await owner.post("/credits/topup", {"amount": "10.00"})).data["payment_id"]
    async with await owner.log_in(owner.email, USER_PASSWORD) as elsewhere:
        sessions = (await elsewhere.get("/auth/sessions")).data
    ids = {
        "session_id": next(each["session_id"] for each in sessions if each["is_current"]),
        "order_id": held,
        "seat_id": seats[0],
        "transfer_id": transfer,
        "listing_id": listing,
        "payment_id": payment,
        "purchase_id": bought["/menu/purchase"]["purchase_id"],
        "purchased_item_id": bought["/menu/purchase"]["purchase_id"],
        "queue_request_id": bought["/tip-grid/purchase"]["queue_request_id"],
        "reference_id": held,
        "user_id": owner.user_id,
    }
    written = (await order_text(owner, concert.event_id)).data["order_id"]
    unpaid = (await order_text(owner, concert.event_id, pay_with="stripe")).data
    await until(owner, written, "QUALITY_CHECK")
    of_goods = {"order_id": await order_goods(owner)}
    of_paths: dict[str, Mapping[str, str]] = {
        "/api/commissions": {"order_id": written, "session_id": unpaid["checkout_url"].rpartition("/")[2]},
        "/api/digital-orders": of_goods,
        "/api/fulfillment": of_goods,
    }
    return Possessions(owner=owner, ids=ids, of_paths=of_paths)


def request_of(
    route: Route, openapi: Mapping[str, Any], foreign_id: str, *, by: Possessions, of: Possessions
) -> tuple[str, Any]:
    """Return the path and body of a request with one id of another user; all other ids are the caller's own."""
    ids = {name: (of if name == foreign_id else by).id_for(route, name) for name in OWNED}
    body = body_of(route, openapi)
    if isinstance(body, dict):
        body = WITH_OPTIONAL_ID.get((name_of(route), foreign_id), body)
        assert foreign_id in {*body, PARTIES} or foreign_id in route.path
        body = {**body, **{name: ids[name] for name in OWNED & set(body)}}
        if "seller_user_id" in body:
            seller = of if foreign_id == PARTIES else by
            body |= {"seller_user_id": seller.owner.user_id, "buyer_user_id": of.owner.user_id}
    return path_of(route, ids), body


async def visible_state(owner: UserClient) -> list[Any]:
    """Return everything that the owner is shown, except what changes by itself."""
    shown = [
        (await owner.get(path)).data
        for path in (
            "/orders",
            "/tickets",
            "/transfers",
            "/listings",
            "/payments",
            "/credits/balance",
            "/purchased-items",
            "/commissions",
            "/digital-orders",
        )
    ]
    return [*shown, (await owner.get(f"/users/{owner.user_id}")).data]


async def test_every_id_has_an_ownership_rule(openapi: dict[str, Any]) -> None:
    known = OWNED | PUBLIC | ADMIN_IDS
    seen = {
        (name_of(route), name)
        for route in ROUTES
        if route.access not in WITHOUT_ACCESS_TOKEN and rule_of(route) is not Audience.PUBLIC
        for name in ids_of(route, openapi)
    }
    assert {each for each in seen if each[1] not in known} == set()


async def test_another_users_ids_are_refused_and_change_nothing(
    *, platform: Stack, openapi: dict[str, Any], new_fan: MakeFan, concert: Concert, offers_in_queue: Offers
) -> None:
    """Only one id is another user's, so that the check of one id cannot hide a missing check of another."""
    seats = concert.seats["CAT2"]
    owners = await create_possessions(new_fan, concert, seats[:3], offers_in_queue=offers_in_queue)
    strangers = await create_possessions(new_fan, concert, seats[3:6], offers_in_queue=offers_in_queue)
    before = await visible_state(owners.owner)
    async with http_client(platform.urls.gateway, headers={"authorization": f"Bearer {strangers.owner.token}"}) as http:
        for route, foreign_id in owned_ids(openapi):
            path, body = request_of(route, openapi, foreign_id, by=strangers, of=owners)
            answer = await http.request(route.method, path, json=body)
            refusal = (answer.status_code, answer.json().get("error_code"))
            assert refusal in REFUSALS, (name_of(route), foreign_id, refusal, answer.text)
            assert not is_unrouted(route, answer), (name_of(route), foreign_id, answer.text)
            assert owners.owner.email not in answer.text, name_of(route)
    assert await visible_state(owners.owner) == before


async def test_owners_are_not_refused(
    *, platform: Stack, openapi: dict[str, Any], new_fan: MakeFan, concert: Concert, offers_in_queue: Offers
) -> None:
    """Shows that the requests above are valid when the owner sends them."""
    owners = await create_possessions(new_fan, concert, concert.seats["CAT2"][:3], offers_in_queue=offers_in_queue)
    async with http_client(platform.urls.gateway, headers={"authorization": f"Bearer {owners.owner.token}"}) as http:
        for route, foreign_id in owned_ids(openapi):
            path, body = request_of(route, openapi, foreign_id, by=owners, of=owners)
            answer = await http.request(route.method, path, json=body)
            refusal = (answer.status_code, answer.json().get("error_code") if answer.is_error else "")
            assert refusal not in REFUSALS, (name_of(route), foreign_id, answer.text)
            assert not is_unrouted(route, answer), (name_of(route), foreign_id, answer.text)


@pytest.mark.parametrize(
    ("path", "context", "name"),
    [
        ("/verify-otp", "transfer", "transfer_id"),
        ("/resend-otp", "transfer", "transfer_id"),
        ("/resend-otp", "marketplace", "listing_id"),
    ],
)
async def test_one_time_codes_require_a_participant(
    *, new_fan: MakeFan, concert: Concert, offers_in_queue: Offers, path: str, context: str, name: str
) -> None:
    """References to other things than orders, which are covered above."""
    owners = await create_possessions(new_fan, concert, concert.seats["CAT2"][:3], offers_in_queue=offers_in_queue)
    stranger = await new_fan()
    code = {"otp_code": "123456"} if path == "/verify-otp" else {}
    body = code | {"context": context, "reference_id": owners.ids[name]}
    before = await visible_state(owners.owner)
    assert (await stranger.post(path, body)).refused() == (403, "FORBIDDEN")
    assert await visible_state(owners.owner) == before
    owned = await owners.owner.post(path, body)
    assert (owned.status, owned.code) not in REFUSALS


def owned_ids(openapi: Mapping[str, Any]) -> list[tuple[Route, str]]:
    """Return every id of every route that must belong to the caller."""
    found = [
        (route, name)
        for route in USER_ROUTES
        for name in sorted(ids_of(route, openapi) & OWNED)
        if (name_of(route), name) not in NOT_OWNER_CHECKED
    ]
    found += [(route, PARTIES) for route in USER_ROUTES if "seller_user_id" in ids_of(route, openapi)]
    assert {name for _, name in found} == OWNED | {PARTIES}
    return found
