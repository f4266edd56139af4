"""Opening an order: once per request id, under concurrency and repetition."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.orders.orders_caller import OrdersCaller, a_seat, opening
from tests.support.callers import new_id


class TestOpen:
    async def test_returns_the_pending_order(self, orders_caller: OrdersCaller) -> None:
        body = opening()

        answer = await orders_caller.open(body)

        assert answer.status_code == 200
        order = answer.json()["data"]
        assert order.pop("created_at").endswith("Z")
        assert order == {
            "order_id": body["order_id"],
            "user_id": body["user_id"],
            "event_id": body["event_id"],
            "status": "PENDING",
            "total": "600.00",
            "held_until": "2027-01-01T10:05:00Z",
            "confirmed_at": None,
            "ended_at": None,
            "reason": None,
            "seats": [{**seat, "refunded_at": None} for seat in body["seats"]],
        }

    async def test_lists_seats_in_hall_order(self, orders_caller: OrdersCaller) -> None:
        seats = [a_seat(row_number="B", seat_number=1), a_seat(seat_number=10), a_seat(seat_number=9)]

        order = (await orders_caller.open(opening(seats=seats))).json()["data"]

        assert [(seat["row_number"], seat["seat_number"]) for seat in order["seats"]] == [("A", 9), ("A", 10), ("B", 1)]

    async def test_keeps_every_cent(self, orders_caller: OrdersCaller) -> None:
        seats = [a_seat(price="999999999999.99")]

        order = (await orders_caller.open(opening(total="999999999999.99", seats=seats))).json()["data"]

        assert order["total"] == "999999999999.99"
        assert order["seats"][0]["price"] == "999999999999.99"

    async def test_numeric_amounts_and_any_utc_offset_are_accepted(self, orders_caller: OrdersCaller) -> None:
        body = opening(total=0.1, held_until="2027-01-01T18:05:00.250+08:00", seats=[a_seat(price=0.1)])

        order = (await orders_caller.open(body)).json()["data"]

        assert order["total"] == "0.10"
        assert order["held_until"] == "2027-01-01T10:05:00.250000Z"

    async def test_repetition_gets_the_first_response_even_after_later_transitions(
        self, orders_caller: OrdersCaller
    ) -> None:
        body = opening()
        first = await orders_caller.open(body)
        await orders_caller.confirm(body["order_id"])

        repeated = await orders_caller.open(body)

        assert repeated.status_code == 200
        assert repeated.json() == first.json()

    async def test_fifty_concurrent_repetitions_open_one_order(
        self, orders_caller: OrdersCaller, database: Database
    ) -> None:
        body = opening()

        answers = await asyncio.gather(*(orders_caller.open(body) for _ in range(50)))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        counts = await database.fetch_one(
            text(
                """
                SELECT (SELECT count(*) FROM orders WHERE order_id = :order_id) AS orders,
                       (SELECT count(*) FROM order_seats WHERE order_id = :order_id) AS seats,
                       (SELECT count(*) FROM order_history WHERE order_id = :order_id) AS history
                """
            ),
            {"order_id": body["order_id"]},
        )
        assert counts is not None
        assert dict(counts) == {"orders": 1, "seats": 2, "history": 1}

    @pytest.mark.parametrize(
        "other",
        [
            {"total": "1.00"},
            {"user_id": new_id()},
            {"event_id": new_id()},
            {"seats": [a_seat()]},
            {"order_id": new_id()},
        ],
        ids=lambda other: next(iter(other)),
    )
    async def test_the_same_id_with_other_arguments_is_refused(
        self, orders_caller: OrdersCaller, other: dict[str, Any]
    ) -> None:
        body = await orders_caller.opened()

        answer = await orders_caller.open({**body, **other})

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"

    async def test_order_opened_by_another_request_is_refused_permanently(self, orders_caller: OrdersCaller) -> None:
        body = await orders_caller.opened()
        again = {**body, "request_id": new_id(), "total": "1.00"}

        first, repeated = await orders_caller.open(again), await orders_caller.open(again)

        assert first.status_code == repeated.status_code == 409
        assert first.json()["error_code"] == repeated.json()["error_code"] == "ORDER_INVALID_STATE"
        assert (await orders_caller.find(body["order_id"])).json()["data"]["total"] == "600.00"

    async def test_exactly_one_of_fifty_requests_for_one_order_id_wins(self, orders_caller: OrdersCaller) -> None:
        order_id = new_id()

        answers = await asyncio.gather(*(orders_caller.open(opening(order_id=order_id)) for _ in range(50)))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"order_id": "12"}, "INVALID_UUID"),
            ({"request_id": "not-a-uuid"}, "INVALID_UUID"),
            ({"order_id": "12", "total": "-1"}, "VALIDATION_ERROR"),
            ({"total": "-0.01"}, "VALIDATION_ERROR"),
            ({"total": "0.001"}, "VALIDATION_ERROR"),
            ({"total": "NaN"}, "VALIDATION_ERROR"),
            ({"total": "1e12"}, "VALIDATION_ERROR"),
            ({"total": True}, "VALIDATION_ERROR"),
            ({"held_until": "2027-01-01T10:05:00"}, "VALIDATION_ERROR"),
            ({"held_until": 1_800_000_000}, "VALIDATION_ERROR"),
            ({"held_until": "1800000000"}, "VALIDATION_ERROR"),
            ({"held_until": None}, "VALIDATION_ERROR"),
            ({"held_until": "0001-01-01T00:00:00+14:00"}, "VALIDATION_ERROR"),
            ({"seats": []}, "VALIDATION_ERROR"),
            ({"seats": [a_seat() for _ in range(11)]}, "VALIDATION_ERROR"),
            ({"seats": [a_seat(seat_id="5" * 32)] * 2}, "VALIDATION_ERROR"),
            ({"seats": [a_seat(category="")]}, "VALIDATION_ERROR"),
            ({"seats": [a_seat(category="C\x00")]}, "VALIDATION_ERROR"),
            ({"seats": [a_seat(row_number="A" * 101)]}, "VALIDATION_ERROR"),
            ({"seats": [a_seat(seat_number=-1)]}, "VALIDATION_ERROR"),
            ({"seats": [a_seat(seat_number=2**31)]}, "VALIDATION_ERROR"),
            ({"seats": [a_seat(seat_number="1")]}, "VALIDATION_ERROR"),
            ({"seats": [a_seat(price="-1")]}, "VALIDATION_ERROR"),
        ],
        ids=str,
    )
    async def test_invalid_request_is_refused(
        self, orders_caller: OrdersCaller, wrong: dict[str, Any], code: str
    ) -> None:
        answer = await orders_caller.open(opening(**wrong))

        assert answer.status_code == 400
        assert answer.json()["error_code"] == code

    @pytest.mark.parametrize("missing", sorted(opening()))
    async def test_missing_field_is_refused(self, orders_caller: OrdersCaller, missing: str) -> None:
        body = opening()
        del body[missing]

        answer = await orders_caller.open(body)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"

    async def test_body_that_is_not_json_is_refused(self, orders_caller: OrdersCaller) -> None:
        answer = await orders_caller.orchestrator.request(
            "POST", "/internal/orders", content=b"{", headers={"content-type": "application/json"}
        )

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"
