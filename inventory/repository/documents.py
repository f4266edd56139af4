"""Seats, holds and sales as they are read from rows, and from stored results, where ids and amounts are text."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from pydantic import TypeAdapter

from inventory.schemas import Hold, HolderState, Sale, Seat, SeatState, SeatStatus

__all__ = ["document_of", "read_hold", "read_holder", "read_sale", "read_seat", "read_seats", "read_states"]

# Twice as fast as constructing the dataclasses field by field.
read_seat: Final = TypeAdapter(Seat).validate_python
read_seats: Final = TypeAdapter(list[Seat]).validate_python
read_sale: Final = TypeAdapter(Sale).validate_python
read_states: Final = TypeAdapter(list[SeatState]).validate_python
read_holder: Final = TypeAdapter(HolderState).validate_python
_read_hold: Final = TypeAdapter(Hold).validate_python

HELD_SEAT_FIELDS: Final = ("seat_id", "category", "row_number", "seat_number", "price")


def read_hold(document: Mapping[str, Any]) -> Hold:
    """Read a hold, whose seats have only the fields that differ."""
    shared = {"event_id": document["event_id"], "status": SeatStatus.HELD}
    return _read_hold({**document, "seats": [{**seat, **shared} for seat in document["seats"]]})


def document_of(hold: Hold) -> dict[str, Any]:
    """Return the hold as it is stored, as `read_hold` reads it."""
    seats = [{field: getattr(seat, field) for field in HELD_SEAT_FIELDS} for seat in hold.seats]
    return asdict(hold) | {"seats": seats}
