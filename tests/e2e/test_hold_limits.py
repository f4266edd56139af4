"""What one account may hold (T2), and what one hall may have (T15), as clients see it."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.e2e.conftest import MakeConcert
from tests.e2e.user_client import Concert, UserClient


async def test_account_holds_no_more_than_ten_seats_of_an_event(fan: UserClient, concert: Concert) -> None:
    """Nor if it asks for them at once, under different keys."""
    seats = concert.seats["CAT1"] + concert.seats["CAT2"]
    answers = await asyncio.gather(
        *(fan.reserve(concert.event_id, *seats[first : first + 4], key=f"seats-{first}") for first in range(0, 24, 4))
    )

    assert sorted(answer.status for answer in answers) == [200] * 2 + [409] * 4
    refused = next(answer for answer in answers if answer.status == 409)
    assert refused.refused() == (409, "PURCHASE_LIMIT_REACHED")
    assert refused.body["details"] == {"scope": "event", "limit": 10, "held": 8}


async def test_cancelling_again_and_again_begins_a_cooldown(fan: UserClient, concert: Concert) -> None:
    seat = concert.seats["CAT1"][0]
    for _ in range(3):
        order_id = (await fan.reserve(concert.event_id, seat)).data["order_id"]
        assert (await fan.post(f"/orders/{order_id}/cancel")).status == 200

    refused = await fan.reserve(concert.event_id, seat, key="again")
    repeated = await fan.reserve(concert.event_id, seat, key="again")
    best = await fan.post("/reserve/best-available", {"event_id": concert.event_id, "category": "CAT1", "quantity": 1})

    for answer in (refused, repeated, best):
        assert answer.refused() == (429, "HOLD_COOLDOWN")
        assert 1 <= int(answer.headers["retry-after"]) <= 300


async def test_purchases_begin_no_cooldown(fan: UserClient, new_concert: MakeConcert) -> None:
    concert = await new_concert(layout=[{"category": "CAT1", "price": "1", "rows": [{"row_number": "A", "seats": 5}]}])
    for seat in concert.seats["CAT1"]:
        order_id = (await fan.reserve(concert.event_id, seat)).data["order_id"]
        assert (await fan.pay(order_id)).status == 200


async def test_second_event_in_a_hall_gets_409(admin: UserClient, new_concert: MakeConcert) -> None:
    date = datetime.now(UTC) + timedelta(days=400)
    concert = await new_concert(event_date=date.isoformat(), name="First")
    venue_id = (await admin.get(f"/events/{concert.event_id}")).data["venue"]["venue_id"]
    event = {
        "name": "Second",
        "venue_id": venue_id,
        "hall_id": "HALL-A",
        "event_date": (date + timedelta(hours=3)).isoformat(),
        "total_seats": 10,
        "pricing_tiers": {"CAT1": "10.00"},
    }

    refused = await admin.post("/admin/events", event)
    elsewhere = await admin.post("/admin/events", event | {"hall_id": "HALL-B"})
    later = await admin.post("/admin/events", event | {"event_date": (date + timedelta(hours=4)).isoformat()})

    assert refused.refused() == (409, "EVENT_CONFLICT")
    assert (refused.body["details"]["event_id"], refused.body["details"]["name"]) == (concert.event_id, "First")
    assert elsewhere.refused() == (404, "NOT_FOUND")  # the venue has one hall
    assert later.status == 201


async def test_tickets_name_the_section(fan: UserClient, new_concert: MakeConcert) -> None:
    row = {"row_number": "A", "seats": 2}
    layout = [
        {"category": "CAT1", "price": "20", "rows": [{"section": "Stalls", **row}]},
        {"category": "CAT2", "price": "10", "rows": [{"section": "Balcony, on the left of the stage", **row}]},
    ]
    concert = await new_concert(layout=layout)
    order_id = (await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
    assert (await fan.pay(order_id)).status == 200

    [ticket] = (await fan.get("/tickets")).data

    assert (ticket["row_number"], ticket["seat_number"]) == ("Balcony, on the left of the stage A", 1)
