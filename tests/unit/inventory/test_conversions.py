"""Strict parsing of requests and plain conversion of responses."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from common.errors import InvalidRequest
from inventory.conversions import (
    InvalidId,
    read_amount,
    read_between,
    read_id,
    read_ids,
    read_layout,
    read_optional_id,
    write_hold,
    write_sale,
    write_scan_result,
    write_seat,
)
from inventory.schemas import Hold, LayoutRow, Sale, ScanResult, Seat, SeatStatus
from proto.inventory.v1 import inventory_pb2 as pb

FIRST, SECOND = sorted(uuid.uuid4() for _ in range(2))


class TestIds:
    def test_ids_are_uuids(self) -> None:
        assert read_id(str(FIRST), "seat_id") == FIRST
        with pytest.raises(InvalidId) as refusal:
            read_id("seat 1", "seat_id")
        assert (refusal.value.code, refusal.value.details) == ("INVALID_UUID", {"field": "seat_id"})

    def test_optional_ids_may_be_missing(self) -> None:
        assert read_optional_id("", "undoes_request_id") is None
        assert read_optional_id(str(FIRST), "undoes_request_id") == FIRST

    def test_are_sorted_in_lock_order(self) -> None:
        assert read_ids([str(SECOND), str(FIRST)], "seat_ids", most=2) == [FIRST, SECOND]

    @pytest.mark.parametrize("texts", [[], [FIRST, FIRST], [FIRST, SECOND, uuid.uuid4()]])
    def test_ids_are_distinct_and_limited(self, texts: list[uuid.UUID]) -> None:
        with pytest.raises(InvalidRequest):
            read_ids([str(seat_id) for seat_id in texts], "seat_ids", most=2)

    def test_ids_are_equal_in_any_spelling(self) -> None:
        with pytest.raises(InvalidRequest):
            read_ids([str(FIRST), FIRST.hex.upper()], "seat_ids", most=2)


class TestAmounts:
    @pytest.mark.parametrize(("text", "amount"), [("350.00", "350.00"), ("0", "0.00"), ("1.5", "1.50")])
    def test_amounts_have_two_decimals(self, text: str, amount: str) -> None:
        assert str(read_amount(text, "price")) == amount

    @pytest.mark.parametrize("text", ["", "x", "-0.01", "1.001", "NaN", "Infinity", "1e13", "1,50"])
    def test_invalid_amount_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidRequest):
            read_amount(text, "price")


@pytest.mark.parametrize(("number", "is_fine"), [(0, False), (1, True), (10, True), (11, False)])
def test_numbers_have_bounds(number: int, is_fine: bool) -> None:  # noqa: FBT001 - a table's column
    def read() -> int:
        return read_between(number, "quantity", least=1, most=10)

    assert read() == number if is_fine else refuses(read)


def refuses(read: Callable[[], object]) -> bool:
    with pytest.raises(InvalidRequest):
        read()
    return True


def test_layout_keeps_its_order() -> None:
    layout = read_layout(
        [
            pb.LayoutCategory(category="B", price="2", rows=[pb.LayoutRow(row_number="Z", seats=3)]),
            pb.LayoutCategory(category="A", price="1.5", general_admission=7),
        ]
    )

    assert [(c.category, c.price, c.general_admission) for c in layout] == [
        ("B", Decimal("2.00"), 0),
        ("A", Decimal("1.50"), 7),
    ]
    assert layout[0].rows == [LayoutRow(row_number="Z", seats=3)]


class TestAnswers:
    SEAT = Seat(
        seat_id=FIRST,
        event_id=SECOND,
        category="CAT1",
        row_number="A",
        seat_number=7,
        price=Decimal(350),
        status=SeatStatus.AVAILABLE,
    )

    def test_missing_seat_fields_are_empty(self) -> None:
        written = write_seat(self.SEAT)
        assert (written.price, written.owner_user_id, written.price_paid, written.purchased_at) == (
            "350.00",
            "",
            "",
            "",
        )

    @pytest.mark.parametrize("status", SeatStatus)
    def test_every_status_is_converted(self, status: SeatStatus) -> None:
        seat = Seat(
            seat_id=FIRST,
            event_id=SECOND,
            category="CAT1",
            row_number="A",
            seat_number=7,
            price=Decimal(1),
            status=status,
        )
        assert pb.SeatStatus.Name(write_seat(seat).status) == status.value

    @pytest.mark.parametrize("result", ScanResult)
    def test_every_scan_result_is_converted(self, result: ScanResult) -> None:
        assert pb.ScanResult.Name(write_scan_result(result)) == result.value

    def test_times_are_in_utc(self) -> None:
        singapore = datetime(2026, 11, 20, 20, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
        hold = Hold(hold_id=FIRST, event_id=SECOND, user_id=FIRST, held_until=singapore, seats=[self.SEAT])
        sale = Sale(hold_id=FIRST, event_id=SECOND, purchased_at=datetime(2026, 11, 20, 12, tzinfo=UTC), seat_ids=[])

        assert write_hold(hold).held_until == "2026-11-20T12:00:00.000005Z"
        assert write_sale(sale).purchased_at == "2026-11-20T12:00:00Z"
