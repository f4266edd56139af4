"""Concurrent requests through the gateway: exactly one wins. The benchmarks measure their latency."""

import asyncio
from collections import Counter

from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.user_client import Concert, UserClient


async def test_fifty_requests_for_one_seat_create_one_order(new_fan: MakeFan, concert: Concert) -> None:
    fans = [await new_fan(balance="0") for _ in range(10)]
    seat = concert.seats["CAT1"][0]
    answers = await asyncio.gather(*(fans[i % 10].reserve(concert.event_id, seat, key=f"k{i}") for i in range(50)))
    winners = {answer.data["order_id"] for answer in answers if answer.status == 200}
    assert len(winners) == 1
    # The winner's repetitions find the existing hold.
    winner = next(i % 10 for i, answer in enumerate(answers) if answer.status == 200)
    assert all(answer.status == 409 for i, answer in enumerate(answers) if i % 10 != winner)


async def test_one_of_fifty_fans_gets_the_seat(new_fan: MakeFan, concert: Concert) -> None:
    fans = await asyncio.gather(*(new_fan(balance="0") for _ in range(50)))
    seat = concert.seats["CAT1"][0]
    answers = await asyncio.gather(*(fan.reserve(concert.event_id, seat) for fan in fans))
    assert Counter(answer.status for answer in answers) == {200: 1, 409: 49}
    assert {answer.code for answer in answers if answer.status == 409} == {"SEAT_UNAVAILABLE"}


async def test_hundred_concurrent_reserves_with_one_key_create_one_order(fan: UserClient, concert: Concert) -> None:
    """Not of named seats: those would be returned without the key, too, because the fan holds them."""
    wanted = {"event_id": concert.event_id, "category": "CAT1", "quantity": 2}
    answers = await asyncio.gather(*(fan.post("/reserve/best-available", wanted, key="k") for _ in range(100)))
    assert {a.status for a in answers} <= {200, 409}
    assert len({a.data["order_id"] for a in answers if a.status == 200}) == 1
    assert {a.code for a in answers if a.status == 409} <= {"REQUEST_IN_PROGRESS"}
    assert (await fan.get("/orders")).body["pagination"]["total"] == 1


async def test_hundred_concurrent_payments_with_one_key_charge_once(fan: UserClient, concert: Concert) -> None:
    order_id = (await fan.reserve(concert.event_id, concert.seats["CAT1"][0])).data["order_id"]
    answers = await asyncio.gather(*(fan.pay(order_id, key="k") for _ in range(100)))
    assert {a.status for a in answers} <= {200, 409}
    assert {a.code for a in answers if a.status == 409} <= {"REQUEST_IN_PROGRESS"}
    assert all(a.headers["retry-after"] for a in answers if a.status == 409)
    assert len({a.data["tickets"][0]["qr_payload"] for a in answers if a.status == 200}) == 1
    assert await fan.balance() == "650.00"


async def test_pay_against_cancel(new_fan: MakeFan, concert: Concert) -> None:
    for seat in concert.seats["CAT2"][:6]:
        fan = await new_fan(balance="100.00")
        order_id = (await fan.reserve(concert.event_id, seat)).data["order_id"]
        paid, cancelled = await asyncio.gather(fan.pay(order_id), fan.post(f"/orders/{order_id}/cancel"))
        assert [paid.status, cancelled.status].count(200) == 1
        assert await fan.balance() == ("0.00" if paid.status == 200 else "100.00")


async def test_concurrent_payments_never_overdraw_the_wallet(new_fan: MakeFan, concert: Concert) -> None:
    fan = await new_fan(balance="350.00")
    orders = [(await fan.reserve(concert.event_id, seat)).data["order_id"] for seat in concert.seats["CAT2"][:6]]
    answers = await asyncio.gather(*(fan.pay(order_id) for order_id in orders))
    assert Counter(answer.status for answer in answers) == {200: 3, 402: 3}
    assert await fan.balance() == "50.00"


async def test_concurrent_best_available_requests_get_distinct_seats(
    new_fan: MakeFan, new_concert: MakeConcert
) -> None:
    rows = [{"row_number": name, "seats": 10} for name in "ABCD"]
    concert = await new_concert(layout=[{"category": "CAT1", "price": "1.00", "rows": rows}])
    fans = await asyncio.gather(*(new_fan(balance="0") for _ in range(25)))
    wanted = {"event_id": concert.event_id, "category": "CAT1", "quantity": 2}
    answers = await asyncio.gather(*(fan.post("/reserve/best-available", wanted) for fan in fans))
    won = [seat for answer in answers if answer.status == 200 for seat in answer.data["seat_ids"]]
    assert len(won) == len(set(won)) == 40
    assert Counter(answer.status for answer in answers) == {200: 20, 409: 5}
