"""What an export shows of a user's orders, transfers and listings, and what of them is open."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from orders.personal_data import service as personal_data_service
from tests.integration.orders.deal_caller import listing, transfer
from tests.integration.orders.orders_caller import OrdersCaller
from tests.support.callers import Caller


@pytest.fixture
def orchestrator(orders_caller: OrdersCaller) -> Caller:
    return orders_caller.orchestrator


@pytest.fixture
def user_id() -> str:
    return str(uuid.uuid4())


async def section(orchestrator: Caller, user_id: str, name: str) -> list[dict[str, Any]]:
    items, after = [], None
    while True:
        query: dict[str, str] = {} if after is None else {"after": after}
        part = (await orchestrator.get(f"/internal/personal-data/{user_id}/{name}", **query)).json()["data"]
        items += part["items"]
        if (after := part["next"]) is None:
            return items


async def test_deals_are_shown_with_the_users_own_part(orchestrator: Caller, user_id: str) -> None:
    sold, bought = transfer(seller_user_id=user_id), transfer(buyer_user_id=user_id)
    offered = listing(seller_user_id=user_id)
    for path, body in (("transfers", sold), ("transfers", bought), ("listings", offered)):
        assert (await orchestrator.post(f"/internal/{path}", body)).status_code == 200

    transfers, listings = [await section(orchestrator, user_id, name) for name in ("transfers", "listings")]

    assert [(item["transfer_id"], item["role"]) for item in transfers] == [
        (bought["transfer_id"], "buyer"),
        (sold["transfer_id"], "seller"),
    ]
    assert [(item["listing_id"], item["role"]) for item in listings] == [(offered["listing_id"], "seller")]
    assert not {bought["seller_user_id"], sold["buyer_user_id"]} & set(str(transfers).split("'"))


async def test_all_parts_together_are_complete(
    orchestrator: Caller, orders_caller: OrdersCaller, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal_data_service, "PAGE", 2)
    made = [(await orders_caller.opened(user_id=user_id))["order_id"] for _ in range(4)]
    other = await orders_caller.opened()

    listed = [item["order_id"] for item in await section(orchestrator, user_id, "orders")]

    assert listed == made[::-1]
    assert other["order_id"] not in listed


async def test_unreadable_row_ends_no_section(
    *,
    orchestrator: Caller,
    orders_caller: OrdersCaller,
    user_id: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(personal_data_service, "PAGE", 2)
    made = [(await orders_caller.opened(user_id=user_id))["order_id"] for _ in range(5)]
    await spoil(database, made[3])

    listed = [item["order_id"] for item in await section(orchestrator, user_id, "orders")]

    assert listed == [made[number] for number in (4, 2, 1, 0)]


async def test_page_with_an_unreadable_row_leads_to_the_next_one(
    orders_caller: OrdersCaller, fan: Caller, database: Database
) -> None:
    made = [(await orders_caller.opened(user_id=fan.user_id))["order_id"] for _ in range(3)]
    await spoil(database, made[1])

    first = (await fan.get("/api/orders", per_page=2)).json()
    second = (await fan.get("/api/orders", per_page=2, after=first["pagination"]["next"])).json()

    assert [[order["order_id"] for order in page["data"]] for page in (first, second)] == [[made[2]], [made[0]]]


async def spoil(database: Database, order_id: str) -> None:
    await database.execute(text("UPDATE orders SET total = 'NaN' WHERE order_id = :key"), {"key": uuid.UUID(order_id)})


async def test_open_deals_are_counted(orchestrator: Caller, orders_caller: OrdersCaller, user_id: str) -> None:
    path = f"/internal/personal-data/{user_id}/open-deals"
    assert (await orchestrator.get(path)).json()["data"] == {"orders": 0, "transfers": 0, "listings": 0}
    await orders_caller.opened(user_id=user_id)
    await orchestrator.post("/internal/transfers", transfer(buyer_user_id=user_id))
    await orchestrator.post("/internal/listings", listing(seller_user_id=user_id))
    assert (await orchestrator.get(path)).json()["data"] == {"orders": 1, "transfers": 1, "listings": 1}


async def test_users_may_not_call_it(fan: Caller, user_id: str) -> None:
    assert (await fan.get(f"/internal/personal-data/{user_id}/orders")).status_code == 401
