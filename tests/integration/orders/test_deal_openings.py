"""Opening a transfer or a listing: once per request id, and one open deal per seat."""

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import TextClause, text

from common.db.engine import Database
from orders.listings.schemas import OpenListing
from orders.listings.statements import OPEN as OPEN_LISTING
from orders.transfers.schemas import OpenTransfer
from orders.transfers.statements import OPEN as OPEN_TRANSFER
from tests.integration.orders.deal_caller import DealCaller, ListingCaller, TransferCaller, listing, transfer
from tests.support.callers import new_id
from tests.support.waiting import eventually

KINDS: tuple[type[DealCaller], ...] = (TransferCaller, ListingCaller)
# While it has one of these, a seat can have no other transfer or listing; and the code of the refusal.
OCCUPYING = [
    *((TransferCaller, status, "TRANSFER_IN_PROGRESS") for status in ("PENDING_OTP", "DISPUTED", "REVERSING")),
    *(
        (ListingCaller, status, "LISTING_INVALID_STATE")
        for status in ("OPENING", "ACTIVE", "PENDING_TRANSFER", "WITHDRAWING")
    ),
]
LEAVING = [
    *((TransferCaller, status) for status in ("FAILED", "COMPLETED", "REVERSED")),
    *((ListingCaller, status) for status in ("COMPLETED", "CANCELLED")),
]

each_kind = pytest.mark.parametrize("kind", KINDS, indirect=True, ids=lambda kind: kind.__name__)


@pytest.fixture
def other(request: pytest.FixtureRequest, transfers: TransferCaller, listings: ListingCaller) -> DealCaller:
    return transfers if request.param is TransferCaller else listings


async def test_returns_the_transfer(transfers: TransferCaller) -> None:
    body = transfer()

    answer = await transfers.open(body)

    assert answer.status_code == 200
    opened = answer.json()["data"]
    assert opened.pop("created_at").endswith("Z")
    assert opened == {field: value for field, value in body.items() if field != "request_id"} | {
        "status": "PENDING_OTP",
        "waiting_for": ["seller", "buyer"],
        "completed_at": None,
        "ended_at": None,
        "reason": None,
        "disputed_by_user_id": None,
        "dispute_reason": None,
        "disputed_at": None,
    }


async def test_returns_the_listing(listings: ListingCaller) -> None:
    body = listing()

    answer = await listings.open(body)

    assert answer.status_code == 200
    opened = answer.json()["data"]
    assert opened.pop("created_at").endswith("Z")
    assert opened == {field: value for field, value in body.items() if field != "request_id"} | {
        "status": "OPENING",
        "buyer_user_id": None,
        "sale_id": None,
        "expires_at": None,
        "completed_at": None,
        "ended_at": None,
    }


@each_kind
class TestRepeated:
    async def test_repetition_gets_the_first_response_even_after_later_actions(self, kind: DealCaller) -> None:
        body = kind.opening()
        first = await kind.open(body)
        await kind.perform(body[kind.key], kind.actions[0].name)

        repeated = await kind.open(body)

        assert repeated.status_code == 200
        assert repeated.json() == first.json()

    async def test_fifty_concurrent_repetitions_open_one(self, kind: DealCaller, database: Database) -> None:
        body = kind.opening()

        answers = await asyncio.gather(*(kind.open(body) for _ in range(50)))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        noted = await database.fetch_all(
            text(f"SELECT to_status FROM {kind.key[:-3]}_history WHERE {kind.key} = :key"),  # noqa: S608 - a constant
            {"key": body[kind.key]},
        )
        assert [entry["to_status"] for entry in noted] == [kind.first_status]

    @pytest.mark.parametrize("changed", ["seat_id", "order_id", "event_id", "category"])
    async def test_repetition_with_other_arguments_is_refused(self, kind: DealCaller, changed: str) -> None:
        deal = await kind.at(kind.first_status)

        answer = await kind.open({**deal.body, changed: new_id()})

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"

    async def test_refusal_is_stored(self, kind: DealCaller) -> None:
        deal = await kind.at(kind.first_status)
        late = kind.opening(**ticket_of(deal.body))
        refused = await kind.open(late)
        await kind.undo(deal.key, kind.undos[0].name, undoes=deal.request_ids["open"])

        repeated = await kind.open(late)

        assert refused.status_code == repeated.status_code == 409
        assert refused.json()["error_code"] == repeated.json()["error_code"]
        assert await kind.status_of(late[kind.key]) is None


@each_kind
class TestDuplicateId:
    async def test_for_another_seat_is_refused(self, kind: DealCaller) -> None:
        deal = await kind.at(kind.first_status)
        again = kind.opening(**{kind.key: deal.key})

        answers = [await kind.open(again) for _ in range(2)]

        assert {answer.status_code for answer in answers} == {409}
        assert {answer.json()["error_code"] for answer in answers} == {kind.invalid_state}
        assert (await kind.find(deal.key)).json()["data"]["seat_id"] == deal.body["seat_id"]

    async def test_exactly_one_of_twenty_requests_wins(self, kind: DealCaller) -> None:
        key = new_id()

        answers = await asyncio.gather(*(kind.open(kind.opening(**{kind.key: key})) for _ in range(20)))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
        assert {answer.json().get("error_code") for answer in answers} == {None, kind.invalid_state}


class TestOneSeat:
    @pytest.mark.parametrize(("other", "status", "code"), OCCUPYING, indirect=["other"], ids=str)
    @each_kind
    async def test_seat_with_an_open_deal_is_refused(
        self, kind: DealCaller, other: DealCaller, *, status: str, code: str
    ) -> None:
        deal = await other.at(status)
        body = kind.opening(**ticket_of(deal.body))

        answer = await kind.open(body)

        assert answer.status_code == 409
        assert answer.json()["error_code"] == code
        assert await kind.status_of(body[kind.key]) is None
        assert await other.status_of(deal.key) == status

    @pytest.mark.parametrize(("other", "status"), LEAVING, indirect=["other"], ids=str)
    @each_kind
    async def test_seat_is_free_after_the_deal_ends(self, kind: DealCaller, other: DealCaller, status: str) -> None:
        deal = await other.at(status)

        answer = await kind.open(kind.opening(**ticket_of(deal.body)))

        assert answer.status_code == 200

    @pytest.mark.parametrize("status", ["PENDING_OTP", "DISPUTED", "REVERSING"])
    @each_kind
    async def test_transfer_of_a_former_order_does_not_occupy_the_seat(
        self, kind: DealCaller, transfers: TransferCaller, status: str
    ) -> None:
        deal = await transfers.at(status)

        answer = await kind.open(kind.opening(seat_id=deal.body["seat_id"]))

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("other", "status", "code"),
        [each for each in OCCUPYING if each[0] is ListingCaller],
        indirect=["other"],
        ids=str,
    )
    @each_kind
    async def test_listing_occupies_the_seat_for_any_order(
        self, kind: DealCaller, other: DealCaller, *, status: str, code: str
    ) -> None:
        deal = await other.at(status)

        answer = await kind.open(kind.opening(seat_id=deal.body["seat_id"]))

        assert answer.status_code == 409
        assert answer.json()["error_code"] == code

    @each_kind
    async def test_discarded_listing_frees_the_seat(self, kind: DealCaller, listings: ListingCaller) -> None:
        deal = await listings.at("OPENING")
        await listings.undo(deal.key, "discard", undoes=deal.request_ids["open"])

        answer = await kind.open(kind.opening(seat_id=deal.body["seat_id"]))

        assert answer.status_code == 200

    async def test_exactly_one_of_twenty_openings_of_both_kinds_wins(
        self, transfers: TransferCaller, listings: ListingCaller
    ) -> None:
        for _ in range(10):
            ticket = {"seat_id": new_id(), "order_id": new_id()}
            openings = [kind.open(kind.opening(**ticket)) for kind in (transfers, listings) for _ in range(10)]

            answers = await asyncio.gather(*openings)

            assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
            codes = {answer.json().get("error_code") for answer in answers}
            assert codes in ({None, "TRANSFER_IN_PROGRESS"}, {None, "LISTING_INVALID_STATE"})


class TestInFlight:
    """An opening that is not committed yet."""

    @each_kind
    async def test_second_opening_waits_and_is_refused_after_the_commit(
        self, kind: DealCaller, database: Database
    ) -> None:
        ticket = {"seat_id": new_id(), "order_id": new_id()}
        async with database.transaction() as connection:
            await connection.execute(*_first(transfer(**ticket)))
            second = asyncio.create_task(kind.open(kind.opening(**ticket)))
            await eventually(partial(_is_waiting_for_a_lock, database))

        answer = await second

        assert answer.status_code == 409
        assert answer.json()["error_code"] == "TRANSFER_IN_PROGRESS"

    @each_kind
    async def test_second_opening_succeeds_after_a_rollback(self, kind: DealCaller, database: Database) -> None:
        seat_id = new_id()
        async with database.transaction() as connection:
            await connection.execute(*_first(listing(seat_id=seat_id)))
            second = asyncio.create_task(kind.open(kind.opening(seat_id=seat_id)))
            await eventually(partial(_is_waiting_for_a_lock, database))
            await connection.rollback()

        assert (await second).status_code == 200

    @each_kind
    async def test_undo_waits_for_the_opening_and_reverses_it(self, kind: DealCaller, database: Database) -> None:
        body = kind.opening()
        async with database.transaction() as connection:
            await connection.execute(*_first(body))
            undoing = asyncio.create_task(kind.undo(body[kind.key], kind.undos[0].name, undoes=body["request_id"]))
            await eventually(partial(_is_waiting_for_a_lock, database))

        answer = await undoing

        assert answer.json()["data"]["status"] == kind.undos[0].to_status
        assert await kind.status_of(body[kind.key]) == kind.undos[0].to_status


COMMON_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"seat_id": "12"}, "INVALID_UUID"),
    ({"request_id": "not-a-uuid"}, "INVALID_UUID"),
    ({"category": ""}, "VALIDATION_ERROR"),
    ({"row_number": "A" * 101}, "VALIDATION_ERROR"),
    ({"row_number": "A\x00"}, "VALIDATION_ERROR"),
    ({"seat_number": -1}, "VALIDATION_ERROR"),
    ({"seat_number": "1"}, "VALIDATION_ERROR"),
]
SAME = new_id()
MISTAKES: list[tuple[type[DealCaller], dict[str, Any], str]] = [
    *((kind, wrong, code) for kind in KINDS for wrong, code in COMMON_MISTAKES),
    (TransferCaller, {"credits_amount": "-0.01"}, "VALIDATION_ERROR"),
    (TransferCaller, {"credits_amount": "0.001"}, "VALIDATION_ERROR"),
    (TransferCaller, {"expires_at": "2027-01-01T10:05:00"}, "VALIDATION_ERROR"),
    (TransferCaller, {"seller_user_id": SAME, "buyer_user_id": SAME}, "VALIDATION_ERROR"),
    (TransferCaller, {"initiated_by_user_id": new_id()}, "VALIDATION_ERROR"),
    (ListingCaller, {"face_value": "-0.01"}, "VALIDATION_ERROR"),
    (ListingCaller, {"asking_price": "NaN"}, "VALIDATION_ERROR"),
    (ListingCaller, {"asking_price": None}, "VALIDATION_ERROR"),
]


@pytest.mark.parametrize(("kind", "wrong", "code"), MISTAKES, indirect=["kind"], ids=str)
async def test_invalid_request_is_refused(kind: DealCaller, wrong: dict[str, Any], code: str) -> None:
    answer = await kind.open(kind.opening(**wrong))

    assert answer.status_code == 400
    assert answer.json()["error_code"] == code


@pytest.mark.parametrize(
    ("kind", "missing"), [(kind, field) for kind in KINDS for field in kind.opening()], indirect=["kind"], ids=str
)
async def test_missing_field_is_refused(kind: DealCaller, missing: str) -> None:
    body = kind.opening()
    del body[missing]

    answer = await kind.open(body)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "VALIDATION_ERROR"


def ticket_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("seat_id", "order_id")}


def _first(body: dict[str, Any]) -> tuple[TextClause, dict[str, Any]]:
    """Return the statement that the service runs for this opening, and its parameters."""
    model, statement = (OpenTransfer, OPEN_TRANSFER) if "transfer_id" in body else (OpenListing, OPEN_LISTING)
    return statement, {**model.model_validate(body).model_dump(), "fingerprint": "first"}


async def _is_waiting_for_a_lock(database: Database) -> bool:
    waiting = await database.fetch_one(
        text(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock') AS waits"
        )
    )
    return bool(waiting and waiting["waits"])
