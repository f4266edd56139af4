"""A fan buys tickets (T1 to T5, T11, T14)."""

from datetime import UTC, datetime

from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.user_client import Concert, UserClient


async def seat_states(anonymous: UserClient, concert: Concert) -> dict[str, str]:
    seats = (await anonymous.get(f"/events/{concert.event_id}")).data["seats"]
    return {seat["seat_id"]: seat["status"] for seat in seats}


async def test_fan_buys_two_seats(fan: UserClient, anonymous: UserClient, concert: Concert) -> None:
    first, second, *_ = concert.seats["CAT1"]
    held = await fan.reserve(concert.event_id, first, second)
    assert held.status == 200
    assert held.data["status"] == "HELD"
    assert set(held.data["seat_ids"]) == {first, second}
    assert held.data["total"] == "700.00"
    assert 290 <= held.data["ttl_seconds"] <= 300
    assert datetime.fromisoformat(held.data["held_until"]) > datetime.now(UTC)
    assert (await seat_states(anonymous, concert))[first] == "HELD"

    paid = await fan.pay(held.data["order_id"])
    assert paid.status == 200
    assert paid.data["status"] == "CONFIRMED"
    assert paid.data["credits_charged"] == "700.00"
    assert paid.data["remaining_balance"] == "300.00"
    assert {ticket["seat_id"] for ticket in paid.data["tickets"]} == {first, second}
    assert not {"qr_payload", "seat_id"} & set(paid.data)
    assert await fan.balance() == "300.00"
    assert (await seat_states(anonymous, concert))[second] == "SOLD"


async def test_single_seat_has_its_own_fields(fan: UserClient, concert: Concert) -> None:
    seat = concert.seats["CAT2"][0]
    held = await fan.post("/reserve", {"event_id": concert.event_id, "seat_id": seat})
    assert held.data["seat_id"] == seat
    paid = await fan.pay(held.data["order_id"])
    assert paid.data["seat_id"] == seat
    assert paid.data["qr_payload"] == paid.data["tickets"][0]["qr_payload"]


async def test_tickets_and_orders_are_listed(fan: UserClient, new_fan: MakeFan, concert: Concert) -> None:
    seat = concert.seats["CAT2"][3]
    order_id = (await fan.reserve(concert.event_id, seat)).data["order_id"]
    await fan.pay(order_id)
    tickets = await fan.get("/tickets")
    assert tickets.body["pagination"]["total"] == 1
    ticket = tickets.data[0]
    assert (ticket["seat_id"], ticket["row_number"], ticket["seat_number"]) == (seat, "B", 4)
    assert (ticket["status"], ticket["price_paid"]) == ("SOLD", "100.00")
    assert ticket["event"]["name"] == "Jazz at the Bay"
    assert ticket["event"]["venue"]["name"] == "Esplanade"
    order = (await fan.get(f"/orders/{order_id}")).data
    assert order["status"] == "CONFIRMED"
    assert [move["to_status"] for move in order["history"]] == ["PENDING", "CONFIRMED"]
    stranger = await new_fan()
    assert (await stranger.get("/tickets")).data == []
    assert (await stranger.get("/orders")).data == []
    assert (await stranger.get(f"/orders/{order_id}")).refused() == (403, "FORBIDDEN")


async def test_owner_gets_a_new_code_each_time(fan: UserClient, new_fan: MakeFan, concert: Concert) -> None:
    seat = concert.seats["CAT2"][0]
    await fan.pay((await fan.reserve(concert.event_id, seat)).data["order_id"])
    codes = [(await fan.get(f"/tickets/{seat}/qr")).data for _ in range(2)]
    assert codes[0]["qr_payload"] != codes[1]["qr_payload"]
    assert codes[0]["ttl_seconds"] == 60
    stranger = await new_fan()
    assert (await stranger.get(f"/tickets/{seat}/qr")).refused() == (403, "NOT_SEAT_OWNER")


class TestReserve:
    async def test_seats_held_by_another_fan_return_409(
        self, fan: UserClient, new_fan: MakeFan, concert: Concert
    ) -> None:
        first, second, third, *_ = concert.seats["CAT1"]
        await fan.reserve(concert.event_id, first, second)
        other = await new_fan()
        refused = await other.reserve(concert.event_id, second, third)
        assert refused.refused() == (409, "SEAT_UNAVAILABLE")
        assert refused.body["details"]["seat_ids"] == [second]
        assert (await other.reserve(concert.event_id, third)).status == 200

    async def test_reserving_own_held_seats_returns_the_same_hold(self, fan: UserClient, concert: Concert) -> None:
        first, second, *_ = concert.seats["CAT1"]
        held = await fan.reserve(concert.event_id, first, second)
        again = await fan.reserve(concert.event_id, second, first)
        assert again.status == 200
        assert again.data["order_id"] == held.data["order_id"]
        assert again.data["held_until"] == held.data["held_until"]

    async def test_sold_seat(self, fan: UserClient, new_fan: MakeFan, concert: Concert) -> None:
        seat = concert.seats["CAT2"][0]
        await fan.pay((await fan.reserve(concert.event_id, seat)).data["order_id"])
        other = await new_fan()
        assert (await other.reserve(concert.event_id, seat)).refused() == (409, "SEAT_ALREADY_SOLD")

    async def test_best_available_seats_are_adjacent(self, fan: UserClient, concert: Concert) -> None:
        row = concert.seats["CAT1"]
        await fan.reserve(concert.event_id, row[1])
        wanted = {"event_id": concert.event_id, "category": "CAT1", "quantity": 3}
        best = await fan.post("/reserve/best-available", wanted)
        assert set(best.data["seat_ids"]) == set(row[2:5])

    async def test_best_available_with_too_few_seats_returns_409(
        self, fan: UserClient, new_fan: MakeFan, concert: Concert
    ) -> None:
        await (await new_fan()).reserve(concert.event_id, *concert.seats["CAT1"][:10])
        wanted = {"event_id": concert.event_id, "category": "CAT1", "quantity": 3}
        assert (await fan.post("/reserve/best-available", wanted)).refused() == (409, "SEAT_UNAVAILABLE")
        wanted["category"] = "CAT9"
        assert (await fan.post("/reserve/best-available", wanted)).refused() == (404, "SEAT_NOT_FOUND")

    async def test_general_admission(self, fan: UserClient, new_concert: MakeConcert) -> None:
        concert = await new_concert(layout=[{"category": "FLOOR", "price": "20.00", "general_admission": 5}])
        wanted = {"event_id": concert.event_id, "category": "FLOOR", "quantity": 4}
        assert (await fan.post("/reserve/best-available", wanted)).data["total"] == "80.00"
        assert (await fan.post("/reserve/best-available", wanted)).refused() == (409, "SEAT_UNAVAILABLE")


class TestPay:
    async def test_repeated_payment_returns_the_first_response(self, fan: UserClient, concert: Concert) -> None:
        order_id = (await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
        first = await fan.pay(order_id, key="one")
        again = await fan.pay(order_id, key="one")
        keyless = await fan.pay(order_id)
        assert first.data == again.data == keyless.data
        assert await fan.balance() == "900.00"
        assert (await fan.pay(order_id, key="two")).refused() == (409, "ORDER_ALREADY_CONFIRMED")

    async def test_too_few_credits_keep_the_hold(self, new_fan: MakeFan, concert: Concert) -> None:
        poor = await new_fan(balance="99.99")
        order_id = (await poor.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
        assert (await poor.pay(order_id, key="first")).refused() == (402, "INSUFFICIENT_CREDITS")
        assert await poor.balance() == "99.99"
        assert (await poor.get(f"/orders/{order_id}")).data["status"] == "PENDING"
        assert (await poor.pay(order_id, key="first")).refused() == (402, "INSUFFICIENT_CREDITS")
        await poor.top_up("0.01")
        paid = await poor.pay(order_id, key="first")
        assert paid.data["remaining_balance"] == "0.00"
        assert (await poor.pay(order_id, key="first")).data == paid.data


class TestCancel:
    async def test_cancelling_releases_the_seats(self, fan: UserClient, new_fan: MakeFan, concert: Concert) -> None:
        seat = concert.seats["CAT2"][0]
        order_id = (await fan.reserve(concert.event_id, seat)).data["order_id"]
        cancelled = await fan.post(f"/orders/{order_id}/cancel")
        assert cancelled.data == {"order_id": order_id, "status": "CANCELLED"}
        assert (await fan.post(f"/orders/{order_id}/cancel")).data == cancelled.data
        assert (await fan.get(f"/orders/{order_id}")).data["status"] == "CANCELLED"
        assert (await fan.pay(order_id)).refused() == (409, "ORDER_INVALID_STATE")
        assert (await (await new_fan()).reserve(concert.event_id, seat)).status == 200

    async def test_paid_order_cannot_be_cancelled(self, fan: UserClient, concert: Concert) -> None:
        order_id = (await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
        await fan.pay(order_id)
        assert (await fan.post(f"/orders/{order_id}/cancel")).refused() == (409, "ORDER_ALREADY_CONFIRMED")


class TestIdempotencyKey:
    async def test_repeated_reserve_is_the_same_order(self, fan: UserClient, concert: Concert) -> None:
        seat = concert.seats["CAT2"][0]
        first = await fan.reserve(concert.event_id, seat, key="reserve one")
        assert first.refused() == (400, "VALIDATION_ERROR")  # a key has no spaces
        first = await fan.reserve(concert.event_id, seat, key="reserve-one")
        again = await fan.reserve(concert.event_id, seat, key="reserve-one")
        assert first.data["order_id"] == again.data["order_id"]

    async def test_other_body_is_refused(self, fan: UserClient, concert: Concert) -> None:
        first, second, *_ = concert.seats["CAT2"]
        order_id = (await fan.reserve(concert.event_id, first, key="k")).data["order_id"]
        assert (await fan.reserve(concert.event_id, second, key="k")).refused() == (422, "IDEMPOTENCY_KEY_REUSED")
        other_order = (await fan.reserve(concert.event_id, second, key="l")).data["order_id"]
        await fan.pay(order_id, key="p")
        assert (await fan.pay(other_order, key="p")).refused() == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_refusal_is_repeated(self, fan: UserClient, new_fan: MakeFan, concert: Concert) -> None:
        seat = concert.seats["CAT2"][0]
        order_id = (await fan.reserve(concert.event_id, seat)).data["order_id"]
        other = await new_fan()
        assert (await other.reserve(concert.event_id, seat, key="k")).refused() == (409, "SEAT_UNAVAILABLE")
        await fan.post(f"/orders/{order_id}/cancel")
        assert (await other.reserve(concert.event_id, seat, key="k")).refused() == (409, "SEAT_UNAVAILABLE")
        assert (await other.reserve(concert.event_id, seat, key="new")).status == 200

    async def test_key_belongs_to_one_operation(self, fan: UserClient, concert: Concert) -> None:
        chosen = await fan.reserve(concert.event_id, concert.seats["CAT2"][0], key="k")
        wanted = {"event_id": concert.event_id, "category": "CAT1", "quantity": 1}
        best = await fan.post("/reserve/best-available", wanted, key="k")
        assert best.status == chosen.status == 200
        assert (await fan.pay(best.data["order_id"], key="k")).status == 200

    async def test_reserve_is_not_held_after_cancellation(self, fan: UserClient, concert: Concert) -> None:
        seat = concert.seats["CAT2"][0]
        first = await fan.reserve(concert.event_id, seat, key="k")
        await fan.post(f"/orders/{first.data['order_id']}/cancel")
        again = await fan.reserve(concert.event_id, seat, key="k")
        assert again.refused() == (409, "ORDER_INVALID_STATE")
        assert (await fan.reserve(concert.event_id, seat, key="new")).data["status"] == "HELD"

    async def test_reserve_is_not_held_after_payment(self, fan: UserClient, concert: Concert) -> None:
        seat = concert.seats["CAT2"][0]
        first = await fan.reserve(concert.event_id, seat, key="k")
        await fan.pay(first.data["order_id"])
        again = await fan.reserve(concert.event_id, seat, key="k")
        assert again.refused() == (409, "ORDER_ALREADY_CONFIRMED")
        assert again.body["details"] == {"order_id": first.data["order_id"]}

    async def test_keys_are_scoped_to_the_user(self, fan: UserClient, new_fan: MakeFan, concert: Concert) -> None:
        first, second, *_ = concert.seats["CAT2"]
        mine = await fan.reserve(concert.event_id, first, key="k")
        buyer_inbox = await (await new_fan()).reserve(concert.event_id, second, key="k")
        assert mine.data["order_id"] != buyer_inbox.data["order_id"]
