"""The orchestrator's lookups: orders by seat; orders, transfers and listings of an event, oldest first."""

from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from orders.ticket_orders.status import OrderStatus
from tests.integration.orders.deal_caller import DealCaller, ListingCaller, TransferCaller
from tests.integration.orders.orders_caller import OrdersCaller, a_seat
from tests.support.callers import new_id

LISTS = ["/internal/orders", "/internal/transfers", "/internal/listings"]


class TestBySeat:
    async def test_order_of_the_seat_is_found(self, orders_caller: OrdersCaller) -> None:
        seat = a_seat()
        body = await orders_caller.opened(status=OrderStatus.CONFIRMED, seats=[a_seat(), seat])

        answer = await _by_seat(orders_caller, seat)

        assert answer.status_code == 200
        assert answer.json()["data"] == {
            "order_id": body["order_id"],
            "user_id": body["user_id"],
            "event_id": body["event_id"],
            "status": "CONFIRMED",
        }

    async def test_confirmed_order_is_preferred_to_later_ones(self, orders_caller: OrdersCaller) -> None:
        seat = a_seat()
        confirmed = await orders_caller.opened(status=OrderStatus.CONFIRMED, seats=[seat])
        for status in (OrderStatus.FAILED, OrderStatus.REFUNDED, OrderStatus.PENDING):
            await orders_caller.opened(status=status, seats=[seat])

        assert (await _by_seat(orders_caller, seat)).json()["data"]["order_id"] == confirmed["order_id"]

    async def test_latest_order_is_found_if_none_is_confirmed(self, orders_caller: OrdersCaller) -> None:
        seat = a_seat()
        await orders_caller.opened(status=OrderStatus.PENDING, seats=[seat])
        latest = await orders_caller.opened(status=OrderStatus.REFUNDED, seats=[seat])

        answer = await _by_seat(orders_caller, seat)

        assert answer.json()["data"]["order_id"] == latest["order_id"]
        assert answer.json()["data"]["status"] == "REFUNDED"

    async def test_seat_without_an_order_is_not_found(self, orders_caller: OrdersCaller) -> None:
        answer = await _by_seat(orders_caller, a_seat())

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "ORDER_NOT_FOUND"

    async def test_a_malformed_id(self, orders_caller: OrdersCaller) -> None:
        answer = await orders_caller.orchestrator.get("/internal/orders/by-seat/42")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_UUID"


class TestOrdersOfAnEvent:
    async def test_rows_are_complete_and_oldest_first(self, orders_caller: OrdersCaller) -> None:
        event_id = new_id()
        order_ids = [(await orders_caller.opened(event_id=event_id))["order_id"] for _ in range(3)]
        await orders_caller.opened()

        answer = await orders_caller.orchestrator.get("/internal/orders", event_id=event_id)

        assert [order["order_id"] for order in answer.json()["data"]] == order_ids
        assert answer.json()["data"][0] == (await orders_caller.find(order_ids[0])).json()["data"]

    @pytest.mark.parametrize("status", list(OrderStatus))
    async def test_filter_by_status(self, orders_caller: OrdersCaller, status: OrderStatus) -> None:
        event_id = new_id()
        for each in OrderStatus:
            await orders_caller.opened(event_id=event_id, status=each)

        answer = await orders_caller.orchestrator.get("/internal/orders", event_id=event_id, status=status)

        assert [order["status"] for order in answer.json()["data"]] == [status]

    async def test_limit_is_applied(self, orders_caller: OrdersCaller) -> None:
        event_id = new_id()
        order_ids = [(await orders_caller.opened(event_id=event_id))["order_id"] for _ in range(3)]

        answer = await orders_caller.orchestrator.get("/internal/orders", event_id=event_id, limit=2)

        assert [order["order_id"] for order in answer.json()["data"]] == order_ids[:2]

    async def test_offset_is_applied(self, orders_caller: OrdersCaller) -> None:
        event_id = new_id()
        order_ids = [(await orders_caller.opened(event_id=event_id))["order_id"] for _ in range(3)]

        pages = [
            (
                await orders_caller.orchestrator.get("/internal/orders", event_id=event_id, limit=2, offset=offset)
            ).json()["data"]
            for offset in (0, 2, 4)
        ]

        assert [[order["order_id"] for order in page] for page in pages] == [order_ids[:2], order_ids[2:], []]

    @pytest.mark.parametrize("offset", [-1, 1_000_001, "x"])
    async def test_offset_is_bounded(self, orders_caller: OrdersCaller, offset: object) -> None:
        answer = await orders_caller.orchestrator.get("/internal/orders", event_id=new_id(), offset=offset)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"

    async def test_counts_by_status(self, orders_caller: OrdersCaller) -> None:
        event_id = new_id()
        for status in (OrderStatus.CONFIRMED, OrderStatus.CONFIRMED, OrderStatus.FAILED):
            await orders_caller.opened(event_id=event_id, status=status)

        answer = await orders_caller.orchestrator.get("/internal/orders/counts", event_id=event_id)

        assert answer.json()["data"] == {"PENDING": 0, "CONFIRMED": 2, "FAILED": 1, "CANCELLED": 0, "REFUNDED": 0}

    async def test_query_uses_the_index(self, orders_caller: OrdersCaller, database: Database) -> None:
        await orders_caller.opened(event_id=new_id())
        of_event = f"FROM orders WHERE event_id = '{new_id()}'"
        async with database.transaction() as connection:
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
            plans = [
                "\n".join((await connection.execute(text(f"EXPLAIN SELECT {query}"))).scalars())
                for query in (
                    f"* {of_event} AND status = 'CONFIRMED' ORDER BY created_at, order_id LIMIT 200",
                    f"status, count(*) {of_event} GROUP BY status",
                )
            ]

        assert all("ix_orders_event_oldest" in plan for plan in plans)
        assert "Sort" not in plans[0]


class TestEventsOnMarket:
    async def test_each_event_with_an_active_listing_is_named_once_in_order(self, listings: ListingCaller) -> None:
        event_ids = sorted(new_id() for _ in range(3))
        for event_id in (*event_ids, event_ids[0]):
            await listings.at("ACTIVE", event_id=event_id)
        ended = new_id()
        for status in listings.paths.keys() - {"ACTIVE"}:
            await listings.at(status, event_id=ended)

        found: list[str] = []
        while page := await self._page(listings, after=found[-1] if found else None):
            assert len(page) <= 2
            found += page

        assert found == sorted(set(found))
        assert [event_id for event_id in found if event_id in {*event_ids, ended}] == event_ids

    async def test_query_reads_active_listings_only(self, database: Database) -> None:
        fill = text(
            """
            INSERT INTO listings (listing_id, seat_id, order_id, event_id, category, row_number, seat_number, face_value,
                asking_price, seller_user_id, status, moved_by_request_id, ended_at)
            SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'CAT1', 'A', 1, 1, 1,
                gen_random_uuid(), CASE WHEN n > 50 THEN 'CANCELLED' ELSE 'ACTIVE' END, gen_random_uuid(),
                CASE WHEN n > 50 THEN now() END
            FROM generate_series(1, 5000) AS n
            """
        )
        query = "SELECT DISTINCT event_id FROM listings WHERE status = 'ACTIVE' ORDER BY event_id LIMIT 20"
        async with database.transaction() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
            await connection.execute(fill)
            await connection.execute(text("ANALYZE listings"))
            plan = "\n".join((await connection.execute(text(f"EXPLAIN {query}"))).scalars())
            await connection.rollback()

        assert "ix_listings_on_market" in plan
        assert "Sort" not in plan

    async def _page(self, listings: ListingCaller, *, after: str | None) -> list[str]:
        query = {"limit": 2} | ({"after": after} if after else {})
        page: list[str] = (await listings.orchestrator.get("/internal/listings/events-on-market", **query)).json()[
            "data"
        ]
        return page


@pytest.mark.parametrize("kind", [TransferCaller, ListingCaller], indirect=True, ids=lambda kind: kind.__name__)
class TestDealsOfAnEvent:
    async def test_rows_are_complete_and_oldest_first(self, kind: DealCaller) -> None:
        event_id = new_id()
        keys = [(await kind.at(kind.first_status, event_id=event_id)).key for _ in range(3)]
        await kind.at(kind.first_status)

        answer = await kind.orchestrator.get(kind.path, event_id=event_id)

        assert [each[kind.key] for each in answer.json()["data"]] == keys
        assert answer.json()["data"][0] == (await kind.find(keys[0])).json()["data"]

    async def test_filter_by_status(self, kind: DealCaller) -> None:
        event_id = new_id()
        for status in kind.paths:
            await kind.at(status, event_id=event_id)

        for status in kind.paths:
            answer = await kind.orchestrator.get(kind.path, event_id=event_id, status=status)

            assert [each["status"] for each in answer.json()["data"]] == [status]

    async def test_counts_by_status(self, kind: DealCaller) -> None:
        event_id = new_id()
        for status in [*kind.paths, kind.first_status]:
            await kind.at(status, event_id=event_id)

        answer = await kind.orchestrator.get(f"{kind.path}/counts", event_id=event_id)

        counts = {status: count for status, count in answer.json()["data"].items() if count}
        assert counts == dict.fromkeys(kind.paths, 1) | {kind.first_status: 2}

    async def test_limit_is_applied(self, kind: DealCaller) -> None:
        event_id = new_id()
        keys = [(await kind.at(kind.first_status, event_id=event_id)).key for _ in range(3)]

        answer = await kind.orchestrator.get(kind.path, event_id=event_id, limit=2)

        assert [each[kind.key] for each in answer.json()["data"]] == keys[:2]


async def test_orders_with_a_disputed_ticket(transfers: TransferCaller) -> None:
    event_id, order_id, other_order_id = new_id(), new_id(), new_id()
    for status in ("DISPUTED", "REVERSING"):
        await transfers.at(status, event_id=event_id, order_id=order_id)
    for status in ("PENDING_OTP", "COMPLETED", "REVERSED"):
        await transfers.at(status, event_id=event_id)
    await transfers.at("DISPUTED", order_id=other_order_id)

    answer = await transfers.orchestrator.get("/internal/transfers/disputed-orders", event_id=event_id)

    assert answer.json()["data"] == [order_id]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "VALIDATION_ERROR"),
        ({"event_id": "42"}, "INVALID_UUID"),
        ({"event_id": new_id(), "limit": 0}, "VALIDATION_ERROR"),
        ({"event_id": new_id(), "limit": 201}, "VALIDATION_ERROR"),
        ({"event_id": new_id(), "status": "SOLD"}, "VALIDATION_ERROR"),
    ],
    ids=str,
)
async def test_query_with_invalid_values_is_refused(
    orders_caller: OrdersCaller, path: str, query: dict[str, Any], code: str
) -> None:
    answer = await orders_caller.orchestrator.get(path, **query)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == code


async def _by_seat(orders_caller: OrdersCaller, seat: dict[str, Any]) -> Any:
    return await orders_caller.orchestrator.get(f"/internal/orders/by-seat/{seat['seat_id']}")
