"""The attendee file: RFC 4180, without cells that a spreadsheet evaluates."""

import csv
import io
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.features.event_admin.adapters.attendee_csv import COLUMNS, cells_of, csv_of, escape_formula
from orchestrator.features.event_admin.schemas import AttendeeView


def attendee(*, name: str | None, email: str | None = "fan@example.com") -> AttendeeView:
    return AttendeeView(
        seat_id=uuid.UUID(int=1),
        category="CAT1",
        row_number="A",
        seat_number=7,
        status="SOLD",
        user_id=uuid.UUID(int=2),
        name=name,
        email=email,
        price_paid=Decimal("350.00"),
        purchased_at=datetime(2027, 3, 1, 20, 0, tzinfo=UTC),
        created_at=None,
        updated_at=None,
    )


def test_row_has_every_column() -> None:
    assert dict(zip(COLUMNS, cells_of(attendee(name="Ada"), time_zone="Asia/Singapore"), strict=True)) == {
        "category": "CAT1",
        "row_number": "A",
        "seat_number": "7",
        "status": "SOLD",
        "name": "Ada",
        "email": "fan@example.com",
        "price_paid": "350.00",
        "purchased_at": "2027-03-02T04:00:00+08:00",
        "time_zone": "Asia/Singapore",
        "seat_id": str(uuid.UUID(int=1)),
        "user_id": str(uuid.UUID(int=2)),
    }


def test_unknown_attendee_has_empty_cells() -> None:
    cells = dict(zip(COLUMNS, cells_of(attendee(name=None, email=None), time_zone="UTC"), strict=True))
    assert (cells["name"], cells["email"]) == ("", "")


def test_special_characters_are_quoted_and_lines_end_with_crlf() -> None:
    assert csv_of([["a", 'say "hi"', "x,y", "two\nlines"]]) == b'a,"say ""hi""","x,y","two\nlines"\r\n'


@pytest.mark.parametrize(
    "cell", ['=HYPERLINK("http://example.com")', "+1", "-1", "@SUM(A1)", "\tcmd", "\r=1+1", "=1,2", '="x"']
)
def test_formula_is_escaped_as_text(cell: str) -> None:
    assert escape_formula(cell) == f"'{cell}"
    [[read]] = csv.reader(io.StringIO(csv_of([[cell]]).decode(), newline=""))
    assert read == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ada", "1-2", "a=b", "fan+tag@example.com", "'quoted'"])
def test_other_text_is_unchanged(cell: str) -> None:
    assert escape_formula(cell) == cell


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=2, max_size=5))
def test_any_row_round_trips_and_starts_no_formula(row: list[str]) -> None:
    [read] = csv.reader(io.StringIO(csv_of([row]).decode(), newline=""))
    assert [cell.removeprefix("'") for cell in read] == [cell.removeprefix("'") for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in read)


def test_name_has_its_joiners_and_no_marks_of_direction() -> None:
    cells = dict(zip(COLUMNS, cells_of(attendee(name="ශ්\u200dරී\u202e =1"), time_zone="UTC"), strict=True))
    assert cells["name"] == "ශ්\u200dරී =1"
