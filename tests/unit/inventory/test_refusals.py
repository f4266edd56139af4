"""Reasons of refusals."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from inventory.schemas import ReclaimSeats, Seat, SeatState, SeatStatus
from inventory.service.refusals import (
    refusal_to_confirm,
    refusal_to_move,
    refusal_to_reclaim,
    refusal_to_reserve,
    refusal_to_take,
    refusal_to_unblock,
)

EVENT, OTHER_EVENT, USER, STRANGER, ORDER, OTHER_ORDER = (uuid.uuid4() for _ in range(6))
FIRST, SECOND = sorted(uuid.uuid4() for _ in range(2))


def state(seat_id: uuid.UUID = FIRST, status: SeatStatus = SeatStatus.AVAILABLE, **facts: Any) -> SeatState:
    available = {"is_held": False, "hold_id": None, "held_by_user_id": None, "hold_size": None, "is_closed": False}
    return SeatState(**{"seat_id": seat_id, "event_id": EVENT, "status": status, **available, **facts})


class TestRefusalToHold:
    @pytest.mark.parametrize(
        ("states", "code", "named"),
        [
            ([state()], "SEAT_NOT_FOUND", [SECOND]),
            ([], "SEAT_NOT_FOUND", [FIRST, SECOND]),
            ([state(), state(SECOND, event_id=OTHER_EVENT)], "VALIDATION_ERROR", [SECOND]),
            ([state(event_id=OTHER_EVENT)], "SEAT_NOT_FOUND", [SECOND]),
            ([state(), state(SECOND, SeatStatus.HELD, is_held=True)], "SEAT_UNAVAILABLE", [SECOND]),
            ([state(), state(SECOND, SeatStatus.BLOCKED)], "SEAT_UNAVAILABLE", [SECOND]),
            ([state(), state(SECOND, SeatStatus.SOLD)], "SEAT_ALREADY_SOLD", [SECOND]),
            ([state(), state(SECOND, SeatStatus.LISTED)], "SEAT_ALREADY_SOLD", [SECOND]),
            ([state(), state(SECOND, SeatStatus.CHECKED_IN)], "SEAT_ALREADY_SOLD", [SECOND]),
            (
                [state(status=SeatStatus.HELD, is_held=True), state(SECOND, SeatStatus.SOLD)],
                "SEAT_ALREADY_SOLD",
                [FIRST, SECOND],
            ),
            # Available by now: another transaction was changing one of the seats, and which is unknown.
            ([state(), state(SECOND)], "SEAT_UNAVAILABLE", [FIRST, SECOND]),
            ([state(), state(SECOND, SeatStatus.HELD, is_held=False)], "SEAT_UNAVAILABLE", [FIRST, SECOND]),
        ],
    )
    def test_names_the_seats(self, states: list[SeatState], code: str, named: list[uuid.UUID]) -> None:
        refusal = refusal_to_take(EVENT, [FIRST, SECOND], states)
        assert refusal.code == code
        assert refusal.details == {"seat_ids": [str(seat_id) for seat_id in named]}


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([state(), state(SECOND)], "SEAT_UNAVAILABLE"),
        ([state(is_closed=True), state(SECOND, SeatStatus.SOLD, is_closed=True)], "EVENT_ENDED"),
        ([state(), state(SECOND, event_id=OTHER_EVENT, is_closed=True)], "VALIDATION_ERROR"),
    ],
)
def test_refusal_to_reserve(states: list[SeatState], code: str) -> None:
    assert refusal_to_reserve(EVENT, [FIRST, SECOND], states).code == code


class TestRefusalToUnblock:
    def test_names_the_seats_that_are_not_blocked(self) -> None:
        states = [state(status=SeatStatus.BLOCKED), state(SECOND)]
        refusal = refusal_to_unblock(EVENT, [FIRST, SECOND], states)
        assert (refusal.code, refusal.details) == ("SEAT_UNAVAILABLE", {"seat_ids": [str(SECOND)]})

    def test_unknown_seats_are_refused(self) -> None:
        assert refusal_to_unblock(EVENT, [FIRST], []).code == "SEAT_NOT_FOUND"


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([], "HOLD_EXPIRED"),
        ([state(status=SeatStatus.HELD, held_by_user_id=USER)], "HOLD_EXPIRED"),
        ([state(status=SeatStatus.HELD, held_by_user_id=STRANGER, is_held=True)], "SEAT_NOT_HELD"),
        ([state(status=SeatStatus.SOLD)], "SEAT_ALREADY_SOLD"),
        ([state(status=SeatStatus.HELD, held_by_user_id=USER, is_closed=True)], "EVENT_ENDED"),
        ([state(status=SeatStatus.HELD, held_by_user_id=STRANGER, is_closed=True)], "SEAT_NOT_HELD"),
        ([state(status=SeatStatus.SOLD, is_closed=True)], "SEAT_ALREADY_SOLD"),
    ],
)
def test_refusal_to_confirm(states: list[SeatState], code: str) -> None:
    assert refusal_to_confirm(USER, states).code == code


def ticket(status: SeatStatus, owner: uuid.UUID | None, *, order_id: uuid.UUID = ORDER) -> Seat:
    return Seat(
        seat_id=FIRST,
        event_id=EVENT,
        category="CAT1",
        row_number="A",
        seat_number=1,
        price=Decimal("1.00"),
        status=status,
        owner_user_id=owner,
        order_id=order_id if owner else None,
    )


@pytest.mark.parametrize(
    ("seat", "is_closed", "code"),
    [
        (None, False, "SEAT_NOT_FOUND"),
        (ticket(SeatStatus.AVAILABLE, None), False, "NOT_SEAT_OWNER"),
        (ticket(SeatStatus.SOLD, STRANGER), False, "NOT_SEAT_OWNER"),
        (ticket(SeatStatus.SOLD, USER, order_id=OTHER_ORDER), False, "NOT_SEAT_OWNER"),
        (ticket(SeatStatus.CHECKED_IN, USER), False, "SEAT_UNAVAILABLE"),
        (ticket(SeatStatus.SOLD, USER), False, "SEAT_UNAVAILABLE"),
        (ticket(SeatStatus.SOLD, USER), True, "EVENT_ENDED"),
    ],
)
def test_refusal_to_change_owner(seat: Seat | None, *, is_closed: bool, code: str) -> None:
    assert refusal_to_move(seat, owner_user_id=USER, order_id=ORDER, is_closed=is_closed).code == code


@pytest.mark.parametrize(
    ("seats", "is_forced", "code", "message"),
    [
        ([], False, "SEAT_NOT_HELD", "The order has no seats."),
        ([], True, "SEAT_NOT_HELD", "The order has no seats."),
        ([ticket(SeatStatus.CHECKED_IN, USER)], False, "SEAT_UNAVAILABLE", "A ticket was used."),
        ([ticket(SeatStatus.SOLD, STRANGER)], False, "NOT_SEAT_OWNER", "The ticket belongs to another user."),
        # The former owner does not learn what the new owner did.
        ([ticket(SeatStatus.CHECKED_IN, STRANGER)], False, "NOT_SEAT_OWNER", "The ticket belongs to another user."),
        ([ticket(SeatStatus.LISTED, USER)], False, "SEAT_UNAVAILABLE", "A ticket is listed for resale."),
        (
            [ticket(SeatStatus.CHECKED_IN, STRANGER), ticket(SeatStatus.LISTED, STRANGER)],
            True,
            "SEAT_UNAVAILABLE",
            "A ticket is listed for resale.",
        ),
    ],
)
def test_refusal_to_reclaim(seats: list[Seat], *, is_forced: bool, code: str, message: str) -> None:
    command = ReclaimSeats(request_id=USER, order_id=USER, buyer_user_id=USER, is_forced=is_forced)
    refusal = refusal_to_reclaim(command, seats)
    assert (refusal.code, refusal.public_message) == (code, message)
