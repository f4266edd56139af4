"""What users read: their own orders, newest first, with history; an admin reads all orders."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from orders.ticket_orders.status import OrderStatus
from tests.integration.orders.orders_caller import OrdersCaller
from tests.support.callers import Caller, new_id


class TestList:
    async def test_user_lists_own_orders_newest_first(self, orders_caller: OrdersCaller, fan: Caller) -> None:
        mine = [(await orders_caller.opened(user_id=fan.user_id))["order_id"] for _ in range(3)]
        await orders_caller.opened()

        answer = await fan.get("/api/orders")

        assert answer.status_code == 200
        assert [order["order_id"] for order in answer.json()["data"]] == mine[::-1]
        assert answer.json()["pagination"] == {"page": 1, "per_page": 20, "total": 3, "total_pages": 1}

    async def test_list_and_detail_show_the_same_order(self, orders_caller: OrdersCaller, fan: Caller) -> None:
        body = await orders_caller.opened(user_id=fan.user_id, status=OrderStatus.CONFIRMED)

        listed = (await fan.get("/api/orders")).json()["data"]

        assert listed == [(await orders_caller.find(body["order_id"])).json()["data"]]

    async def test_new_user_has_no_orders(self, fan: Caller) -> None:
        answer = await fan.get("/api/orders")

        assert answer.json()["data"] == []
        assert answer.json()["pagination"] == {"page": 1, "per_page": 20, "total": 0, "total_pages": 0}

    async def test_admin_lists_all_orders(self, orders_caller: OrdersCaller, admin: Caller) -> None:
        order_ids = [(await orders_caller.opened())["order_id"] for _ in range(2)]

        answer = await admin.get("/api/orders", per_page=2)

        assert [order["order_id"] for order in answer.json()["data"]] == order_ids[::-1]
        assert answer.json()["pagination"]["total"] >= 2

    @pytest.mark.parametrize("status", list(OrderStatus))
    async def test_filters_by_status(self, orders_caller: OrdersCaller, fan: Caller, status: OrderStatus) -> None:
        for each in OrderStatus:
            await orders_caller.opened(user_id=fan.user_id, status=each)

        answer = await fan.get("/api/orders", status=status)

        assert [order["status"] for order in answer.json()["data"]] == [status]
        assert answer.json()["pagination"]["total"] == 1

    @pytest.mark.parametrize(
        ("page", "expected", "pages"), [(1, [4, 3], 3), (2, [2, 1], 3), (3, [0], 3), (4, [], 3), (1_000_000, [], 3)]
    )
    async def test_pages(
        self, orders_caller: OrdersCaller, fan: Caller, *, page: int, expected: list[int], pages: int
    ) -> None:
        mine = [(await orders_caller.opened(user_id=fan.user_id))["order_id"] for _ in range(5)]

        answer = await fan.get("/api/orders", page=page, per_page=2)

        assert [mine.index(order["order_id"]) for order in answer.json()["data"]] == expected
        expected_numbers = {"page": page, "per_page": 2, "total": 5, "total_pages": pages}
        assert answer.json()["pagination"].items() >= expected_numbers.items()

    async def test_pages_of_orders_with_equal_timestamps_neither_repeat_nor_miss_one(
        self, orders_caller: OrdersCaller, fan: Caller, database: Database
    ) -> None:
        mine = {(await orders_caller.opened(user_id=fan.user_id))["order_id"] for _ in range(6)}
        await database.execute(
            text("UPDATE orders SET created_at = '2026-12-01T00:00:00Z' WHERE user_id = :user_id"),
            {"user_id": uuid.UUID(fan.user_id)},
        )

        pages = [(await fan.get("/api/orders", page=page, per_page=1)).json()["data"] for page in range(1, 7)]

        assert [page[0]["order_id"] for page in pages] == sorted(mine, reverse=True)

    @pytest.mark.parametrize(
        "query",
        [
            {"page": 0},
            {"page": -1},
            {"page": 1_000_001},
            {"page": "one"},
            {"per_page": 0},
            {"per_page": 101},
            {"status": "SOLD"},
            {"status": "pending"},
            {"status": "\x00"},
        ],
        ids=str,
    )
    async def test_invalid_query_is_refused(self, fan: Caller, query: dict[str, Any]) -> None:
        answer = await fan.get("/api/orders", **query)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"


class TestShow:
    async def test_shows_the_order_with_its_history(self, orders_caller: OrdersCaller, fan: Caller) -> None:
        body = await orders_caller.opened(user_id=fan.user_id, status=OrderStatus.CONFIRMED)
        await orders_caller.refund(body["order_id"], reason="Rained out")

        order = (await fan.get(f"/api/orders/{body['order_id']}")).json()["data"]

        history = order.pop("history")
        assert order == (await orders_caller.find(body["order_id"])).json()["data"]
        assert history == [
            {"from_status": None, "to_status": "PENDING", "at": order["created_at"], "reason": None},
            {"from_status": "PENDING", "to_status": "CONFIRMED", "at": order["confirmed_at"], "reason": None},
            {"from_status": "CONFIRMED", "to_status": "REFUNDED", "at": order["ended_at"], "reason": "Rained out"},
        ]

    async def test_resource_of_another_user_is_403(self, orders_caller: OrdersCaller, fan: Caller) -> None:
        body = await orders_caller.opened()

        answer = await fan.get(f"/api/orders/{body['order_id']}")

        assert answer.status_code == 403
        assert answer.json()["error_code"] == "FORBIDDEN"
        assert "data" not in answer.json()

    async def test_admin_reads_any_order(self, orders_caller: OrdersCaller, admin: Caller) -> None:
        body = await orders_caller.opened()

        answer = await admin.get(f"/api/orders/{body['order_id']}")

        assert answer.json()["data"]["user_id"] == body["user_id"]

    async def test_an_unknown_order(self, fan: Caller) -> None:
        answer = await fan.get(f"/api/orders/{new_id()}")

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "ORDER_NOT_FOUND"

    @pytest.mark.parametrize("order_id", ["42", "g" * 36, "%00", new_id()[:-1]])
    async def test_a_malformed_id(self, fan: Caller, order_id: str) -> None:
        answer = await fan.get(f"/api/orders/{order_id}")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_UUID"
