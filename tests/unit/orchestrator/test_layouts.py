from typing import Any

import pytest
from pydantic import ValidationError

from orchestrator.features.events.schemas import NewEvent
from orchestrator.features.events.service.layouts import draft_of, row_name

EVENT: dict[str, Any] = {
    "name": "Jazz",
    "venue": {"name": "Esplanade"},
    "hall_id": "HALL-A",
    "event_date": "2030-01-01T12:00:00Z",
}
ROWS = [{"row_number": "A", "seats": 3}, {"row_number": "B", "seats": 4}]


@pytest.mark.parametrize(("index", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (702, "AAA")])
def test_row_names_follow_the_alphabet(index: int, name: str) -> None:
    assert row_name(index) == name


def test_every_seat_belongs_to_a_tier() -> None:
    event = NewEvent.model_validate(EVENT | {"total_seats": 101, "pricing_tiers": {"CAT1": "350.00", "CAT2": "1"}})
    draft = draft_of(event)
    assert draft.capacity == 101
    assert [category.capacity for category in draft.layout] == [51, 50]
    rows = [row.row_number for category in draft.layout for row in category.rows]
    assert len(set(rows)) == len(rows)


def test_layout_takes_prices_from_the_tiers() -> None:
    layout = [{"category": "CAT1", "rows": ROWS}, {"category": "GA", "price": "20.00", "general_admission": 500}]
    draft = draft_of(NewEvent.model_validate(EVENT | {"layout": layout, "pricing_tiers": {"CAT1": "99.50"}}))
    assert [str(category.price) for category in draft.layout] == ["99.50", "20.00"]
    assert draft.capacity == 507


def test_sections_are_part_of_the_rows_names() -> None:
    layout = [
        {"category": "CAT1", "price": "90", "rows": [{"section": "Stalls", **row} for row in ROWS]},
        {"category": "CAT2", "price": "60", "rows": [{"section": "Balcony", **row} for row in ROWS]},
    ]
    draft = draft_of(NewEvent.model_validate(EVENT | {"layout": layout}))
    rows = [row.row_number for category in draft.layout for row in category.rows]
    assert rows == ["Stalls A", "Stalls B", "Balcony A", "Balcony B"]


def test_total_halls_is_the_number_of_named_halls_when_omitted() -> None:
    venue = {"name": "Esplanade", "halls": ["HALL-A", "HALL-B"]}
    draft = draft_of(NewEvent.model_validate(EVENT | {"total_seats": 1, "pricing_tiers": {"A": "1"}, "venue": venue}))
    assert draft.venue is not None
    assert (draft.venue.total_halls, draft.venue.halls) == (2, ("HALL-A", "HALL-B"))


def test_draft_without_new_fields_is_stored_as_by_the_previous_release() -> None:
    """A request's fingerprint is made of it."""
    event = NewEvent.model_validate(EVENT | {"total_seats": 1, "pricing_tiers": {"A": "1"}})
    assert draft_of(event).model_dump(mode="json") == {
        "name": "Jazz",
        "venue": {"name": "Esplanade", "address": "", "total_halls": 1},
        "venue_id": None,
        "hall_id": "HALL-A",
        "event_date": "2030-01-01T12:00:00Z",
        "layout": [
            {
                "category": "A",
                "price": "1.00",
                "rows": [{"row_number": "A", "seats": 1}],
                "general_admission": 0,
            }
        ],
        "resale_cap_percent": None,
        "refund_deadline_hours": None,
    }


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"total_seats": 10},
        {"total_seats": 1, "pricing_tiers": {"A": "1", "B": "2"}},
        {"total_seats": 100_001, "pricing_tiers": {"A": "1"}},
        {"layout": []},
        {"layout": [{"category": "A", "rows": ROWS}]},
        {"layout": [{"category": "A", "price": "1", "rows": ROWS}], "total_seats": 8},
        {"layout": [{"category": "A", "price": "1"}]},
        {"layout": [{"category": "A", "price": "1", "rows": ROWS, "general_admission": 5}]},
        {"layout": [{"category": "A", "price": "1", "rows": [ROWS[0], ROWS[0]]}]},
        {"layout": [{"category": "A", "price": "1", "rows": ROWS}] * 2},
        {"layout": [{"category": "A", "price": "-1", "rows": ROWS}]},
        {"layout": [{"category": "A", "price": "1", "rows": ROWS}, {"category": "B", "price": "1", "rows": ROWS[:1]}]},
        {"layout": [{"category": "A", "price": "1", "rows": ROWS}], "pricing_tiers": {"A": "1.50"}},
        {"layout": [{"category": "A", "price": "1", "rows": ROWS}], "pricing_tiers": {"A": "1", "B": "1"}},
        {"total_seats": 1, "pricing_tiers": {"A": "1"}, "venue": {"name": "E", "halls": ["HALL-B"]}},
        {"total_seats": 1, "pricing_tiers": {"A": "1"}, "venue": {"name": "E", "halls": ["HALL-A", "Hall-a"]}},
        {"total_seats": 1, "pricing_tiers": {"A": "1"}, "venue": {"name": "E", "total_halls": 1, "halls": ["HALL-A", "B"]}},
        {"layout": [{"category": "A", "price": "1", "general_admission": 100_000}, {"category": "B", "price": "1", "rows": ROWS}]},
        {"total_seats": 10, "pricing_tiers": {"A": "1"}, "venue_id": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1"},
        {"total_seats": 10, "pricing_tiers": {"A": "1"}, "event_date": "2030-01-01T12:00:00"},
    ],
)  # fmt: skip
def test_invalid_hall_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewEvent.model_validate(EVENT | change)
