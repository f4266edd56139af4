"""Reserve, confirm, release: one buyer at a time."""

import pytest

from common.errors import Conflict, Gone
from tests.integration.inventory.box_office import BoxOffice, new_id, rows


async def test_a_hold_has_the_seats_it_was_asked_for(box_office: BoxOffice) -> None:
    hall = await box_office.provision(rows("CAT1", "350.00", A=5), rows("CAT2", "250.00", B=5))
    first, last = hall.seat_ids[0], hall.seat_ids[9]

    hold = await box_office.reserve(hall.event_id, last, first)

    assert [(s.seat_id, s.category, s.row_number, s.seat_number, s.price) for s in hold.seats] == [
        (first, "CAT1", "A", 1, "350.00"),
        (last, "CAT2", "B", 5, "250.00"),
    ]
    assert await box_office.status(first) == "HELD"
    counts = await box_office.availability(hall.event_id)
    assert (counts["CAT1"].available, counts["CAT1"].held, counts["CAT1"].total) == (4, 1, 5)


async def test_a_live_hold_is_sold_once(box_office: BoxOffice) -> None:
    hall = await box_office.provision()
    user_id = new_id()
    hold = await box_office.reserve(hall.event_id, *hall.seat_ids[:2], user_id=user_id)

    sale = await box_office.confirm(hold.hold_id, user_id)

    assert sorted(sale.seat_ids) == sorted(hall.seat_ids[:2])
    seat = await box_office.seat(hall.seat_ids[0])
    assert (seat.owner_user_id, seat.price_paid) == (user_id, "350.00")
    with pytest.raises(Conflict) as refused:
        await box_office.confirm(hold.hold_id, user_id)
    assert refused.value.code == "SEAT_ALREADY_SOLD"


async def test_a_release_frees_the_seats(box_office: BoxOffice) -> None:
    hall = await box_office.provision()
    hold = await box_office.reserve(hall.event_id, *hall.seat_ids[:3])

    assert await box_office.release(hold.hold_id) == 3

    assert await box_office.status(hall.seat_ids[0]) == "AVAILABLE"
    assert await box_office.release(hold.hold_id) == 0
    with pytest.raises(Gone):
        await box_office.confirm(hold.hold_id, hold.user_id)
