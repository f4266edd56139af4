"""The undo of an opening: even if the opening never arrived, arrives later, or is in progress."""

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import ParticipantRequest
from orders.ticket_orders.schemas import OpenOrder
from orders.ticket_orders.statements import OPEN
from orders.ticket_orders.status import OrderStatus
from tests.integration.orders.orders_caller import OrdersCaller, opening
from tests.support.callers import new_id
from tests.support.waiting import eventually


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
class TestEnd:
    async def test_ends_a_pending_order(self, orders_caller: OrdersCaller, status: str) -> None:
        body = await orders_caller.opened()

        answer = await orders_caller.end(body["order_id"], undoes=body["request_id"], status=status)

        assert answer.json()["data"] == {"order_id": body["order_id"], "status": status}
        order = (await orders_caller.find(body["order_id"])).json()["data"]
        assert order["status"] == status
        assert order["reason"] == "HOLD_EXPIRED"
        assert order["ended_at"] > order["created_at"]
        assert order["confirmed_at"] is None

    async def test_repetition_under_another_id_gets_the_same_response(
        self, orders_caller: OrdersCaller, status: str
    ) -> None:
        body = await orders_caller.opened()

        answers = [
            await orders_caller.end(body["order_id"], undoes=body["request_id"], status=status) for _ in range(2)
        ]

        assert answers[0].status_code == 200
        assert answers[0].json() == answers[1].json()

    async def test_ending_an_unknown_order_succeeds(self, orders_caller: OrdersCaller, status: str) -> None:
        order_id = new_id()

        answer = await orders_caller.end(order_id, undoes=new_id(), status=status)

        assert answer.status_code == 200
        assert answer.json()["data"] == {"order_id": order_id, "status": None}

    async def test_late_opening_is_refused(self, orders_caller: OrdersCaller, status: str) -> None:
        body = opening()
        await orders_caller.end(body["order_id"], undoes=body["request_id"], status=status)

        late, repeated = await orders_caller.open(body), await orders_caller.open(body)

        assert late.status_code == repeated.status_code == 409
        assert late.json()["error_code"] == repeated.json()["error_code"] == "REQUEST_UNDONE"
        assert (await orders_caller.find(body["order_id"])).status_code == 404

    async def test_ending_a_refused_opening_finds_no_order(self, orders_caller: OrdersCaller, status: str) -> None:
        taken = await orders_caller.opened()
        refused = opening(order_id=taken["order_id"])
        await orders_caller.open(refused)
        other_order_id = new_id()

        answer = await orders_caller.end(other_order_id, undoes=refused["request_id"], status=status)

        assert answer.json()["data"] == {"order_id": other_order_id, "status": None}


class TestRepeated:
    async def test_response_is_stored(self, orders_caller: OrdersCaller) -> None:
        order_id, undone, request_id = new_id(), new_id(), new_id()
        first = await orders_caller.end(order_id, undoes=undone, request_id=request_id)
        await orders_caller.opened(order_id=order_id)

        repeated = await orders_caller.end(order_id, undoes=undone, request_id=request_id)

        assert repeated.json() == first.json()
        assert (await orders_caller.find(order_id)).json()["data"]["status"] == "PENDING"

    async def test_refusal_is_stored(self, orders_caller: OrdersCaller) -> None:
        body, request_id = await orders_caller.opened(status=OrderStatus.CONFIRMED), new_id()
        first = await orders_caller.end(body["order_id"], undoes=body["request_id"], request_id=request_id)
        await orders_caller.refund(body["order_id"])

        repeated = await orders_caller.end(body["order_id"], undoes=body["request_id"], request_id=request_id)

        assert first.status_code == repeated.status_code == 409
        assert first.json()["details"] == repeated.json()["details"] == {"status": "CONFIRMED"}

    async def test_request_id_with_other_arguments_is_refused(self, orders_caller: OrdersCaller) -> None:
        body, request_id = await orders_caller.opened(), new_id()
        await orders_caller.end(body["order_id"], undoes=body["request_id"], request_id=request_id)

        answer = await orders_caller.end(
            body["order_id"], undoes=body["request_id"], request_id=request_id, status="CANCELLED"
        )

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"

    @pytest.mark.parametrize("same_id", [True, False])
    async def test_fifty_concurrent_requests_end_the_order_once(
        self, orders_caller: OrdersCaller, database: Database, *, same_id: bool
    ) -> None:
        body, request_id = await orders_caller.opened(), new_id()

        answers = await asyncio.gather(
            *(
                orders_caller.end(
                    body["order_id"], undoes=body["request_id"], request_id=request_id if same_id else None
                )
                for _ in range(50)
            )
        )

        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["data"]["status"] for answer in answers} == {"FAILED"}
        moves = await database.fetch_all(
            text("SELECT to_status FROM order_history WHERE order_id = :order_id ORDER BY history_id"),
            {"order_id": body["order_id"]},
        )
        assert [move["to_status"] for move in moves] == ["PENDING", "FAILED"]

    async def test_fifty_concurrent_requests_end_an_unknown_order(self, orders_caller: OrdersCaller) -> None:
        body = opening()

        answers = await asyncio.gather(
            *(orders_caller.end(body["order_id"], undoes=body["request_id"]) for _ in range(50))
        )

        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["data"]["status"] for answer in answers} == {None}
        assert (await orders_caller.open(body)).json()["error_code"] == "REQUEST_UNDONE"


class TestRaces:
    """Whichever comes first, nothing that was undone remains."""

    async def test_concurrent_opening_and_undo(self, orders_caller: OrdersCaller) -> None:
        for _ in range(50):
            body = opening()

            opened, ended = await asyncio.gather(
                orders_caller.open(body), orders_caller.end(body["order_id"], undoes=body["request_id"])
            )

            assert ended.status_code == 200
            found = await orders_caller.find(body["order_id"])
            if opened.status_code == 200:
                assert ended.json()["data"]["status"] == "FAILED"
                assert found.json()["data"]["status"] == "FAILED"
            else:
                assert opened.json()["error_code"] == "REQUEST_UNDONE"
                assert ended.json()["data"]["status"] is None
                assert found.status_code == 404

    async def test_undo_waits_for_the_uncommitted_opening(
        self, orders_caller: OrdersCaller, database: Database
    ) -> None:
        body = opening()
        async with database.transaction() as connection:
            await connection.execute(OPEN, _opening_parameters(body))
            ending = asyncio.create_task(orders_caller.end(body["order_id"], undoes=body["request_id"]))
            await eventually(partial(_is_waiting_for_a_lock, database))

        answer = await ending

        assert answer.json()["data"] == {"order_id": body["order_id"], "status": "FAILED"}
        assert (await orders_caller.find(body["order_id"])).json()["data"]["status"] == "FAILED"

    async def test_undo_of_an_opening_that_rolls_back(self, orders_caller: OrdersCaller, database: Database) -> None:
        body = opening()
        async with database.transaction() as connection:
            await connection.execute(OPEN, _opening_parameters(body))
            ending = asyncio.create_task(orders_caller.end(body["order_id"], undoes=body["request_id"]))
            await eventually(partial(_is_waiting_for_a_lock, database))
            await connection.rollback()

        answer = await ending

        assert answer.json()["data"] == {"order_id": body["order_id"], "status": None}
        assert (await orders_caller.open(body)).json()["error_code"] == "REQUEST_UNDONE"

    async def test_concurrent_confirmation_and_end(self, orders_caller: OrdersCaller) -> None:
        for _ in range(50):
            body = await orders_caller.opened()

            confirmed, ended = await asyncio.gather(
                orders_caller.confirm(body["order_id"]), orders_caller.end(body["order_id"], undoes=body["request_id"])
            )

            assert sorted([confirmed.status_code, ended.status_code]) == [200, 409]
            status = (await orders_caller.find(body["order_id"])).json()["data"]["status"]
            assert status == ("CONFIRMED" if confirmed.status_code == 200 else "FAILED")


@pytest.mark.parametrize("status", ["PENDING", "CONFIRMED", "REFUNDED", "", None])
async def test_other_end_status_is_refused(orders_caller: OrdersCaller, status: Any) -> None:
    body = await orders_caller.opened()

    answer = await orders_caller.end(body["order_id"], undoes=body["request_id"], status=status)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "VALIDATION_ERROR"


async def _is_waiting_for_a_lock(database: Database) -> bool:
    waiting = await database.fetch_one(
        text(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS waits"
        )
    )
    return bool(waiting and waiting["waits"])


def _opening_parameters(body: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with which the service runs `OPEN` for this body."""
    order = OpenOrder.model_validate(body)
    request = ParticipantRequest.of(order.request_id, "open", **order.model_dump(exclude={"request_id"}))
    columns = order.model_dump(include={"order_id", "user_id", "event_id", "total", "held_until"})
    return {**columns, **request.parameters, "seats": [seat.model_dump(mode="json") for seat in order.seats]}
