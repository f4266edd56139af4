"""Refunds of orders, and cancelled events (T7)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.deal_calls import DealCalls
from tests.e2e.scanner import ScannerClient, Ticket
from tests.e2e.user_client import ApiResponse, Concert, UserClient
from tests.support.waiting import eventually


async def bought(fan: UserClient, concert: Concert, *seats: str) -> str:
    order_id = str((await fan.reserve(concert.event_id, *seats)).data["order_id"])
    assert (await fan.pay(order_id)).status == 200
    return order_id


async def refund(user: UserClient, order_id: str, key: str | None = None, **facts: object) -> ApiResponse:
    return await user.post(f"/orders/{order_id}/refund", {"reason": "Ill", **facts}, key=key)


@pytest.fixture
async def order_id(fan: UserClient, ticket: Ticket) -> str:
    [order] = [o for o in (await fan.get("/orders")).data if o["seats"][0]["seat_id"] == ticket.seat_id]
    return str(order["order_id"])


class TestRefund:
    async def test_refund_returns_credits_and_seats(
        self, *, fan: UserClient, new_fan: MakeFan, concert: Concert, scanner: ScannerClient
    ) -> None:
        seats = concert.seats["CAT2"][:2]
        order_id = await bought(fan, concert, *seats)
        code = (await fan.get(f"/tickets/{seats[0]}/qr")).data["qr_payload"]
        refunded = await refund(fan, order_id)
        assert sorted(refunded.data.pop("refunded_seat_ids")) == sorted(seats)
        assert refunded.data == {"order_id": order_id, "status": "REFUNDED", "credits_returned": "200.00"}
        assert await fan.balance() == "1000.00"
        order = (await fan.get(f"/orders/{order_id}")).data
        assert (order["status"], order["reason"]) == ("REFUNDED", "Ill")
        assert (await fan.get("/tickets")).data == []
        assert await scanner.result_of(code) == "UNPAID"
        other = await new_fan()
        await bought(other, concert, *seats)
        assert await scanner.result_of(code) == "NOT_OWNER"

    async def test_order_is_refunded_once(self, fan: UserClient, order_id: str) -> None:
        first, same = [await refund(fan, order_id, key="refund") for _ in range(2)]
        assert first.data == same.data
        assert (await refund(fan, order_id)).refused() == (409, "ORDER_INVALID_STATE")
        assert await fan.balance() == "1000.00"

    async def test_refusal_is_repeated_under_its_key(self, fan: UserClient, ticket: Ticket, order_id: str) -> None:
        listing_id = (await DealCalls.list_ticket(fan, ticket.seat_id, "100.00")).data["listing_id"]
        refusals = [(await refund(fan, order_id, key="refund")).refused() for _ in range(2)]
        assert refusals == [(409, "SEAT_UNAVAILABLE")] * 2
        assert (await fan.post("/marketplace/cancel", {"listing_id": listing_id})).status == 200
        assert (await refund(fan, order_id, key="refund")).refused() == (409, "SEAT_UNAVAILABLE")
        other = await fan.post(f"/orders/{order_id}/refund", {"reason": "Bored"}, key="refund")
        assert other.refused() == (422, "IDEMPOTENCY_KEY_REUSED")
        assert (await refund(fan, order_id, key="again")).data["status"] == "REFUNDED"
        assert (await refund(fan, order_id, key="refund")).refused() == (409, "SEAT_UNAVAILABLE")

    async def test_refusal_under_another_key_keeps_the_first(
        self, fan: UserClient, ticket: Ticket, order_id: str
    ) -> None:
        listing_id = (await DealCalls.list_ticket(fan, ticket.seat_id, "100.00")).data["listing_id"]
        refusals = [(await refund(fan, order_id, key=key)).refused() for key in ("first", "second", None)]
        assert refusals == [(409, "SEAT_UNAVAILABLE")] * 3
        assert (await fan.post("/marketplace/cancel", {"listing_id": listing_id})).status == 200
        assert (await refund(fan, order_id, key="first")).refused() == (409, "SEAT_UNAVAILABLE")

    async def test_late_refund_is_refused_to_the_fan_but_not_to_the_admin(
        self, fan: UserClient, admin: UserClient, new_concert: MakeConcert
    ) -> None:
        tomorrow = datetime.now(UTC) + timedelta(hours=23)
        concert = await new_concert(event_date=tomorrow.isoformat())
        order_id = await bought(fan, concert, concert.seats["CAT2"][0])
        assert (await refund(fan, order_id)).refused() == (409, "ORDER_INVALID_STATE")
        assert (await refund(admin, order_id)).data["credits_returned"] == "100.00"
        assert await fan.balance() == "1000.00"

    async def test_used_ticket_is_refunded_by_an_admin_only(
        self, *, fan: UserClient, admin: UserClient, order_id: str, payload: str, scanner: ScannerClient
    ) -> None:
        assert await scanner.result_of(payload) == "SUCCESS"
        assert (await refund(fan, order_id)).refused() == (409, "SEAT_UNAVAILABLE")
        assert (await refund(admin, order_id)).data["status"] == "REFUNDED"
        assert await scanner.result_of(payload) == "UNPAID"

    async def test_transferred_ticket_is_refunded_to_its_owner(
        self, *, fan: UserClient, new_fan: MakeFan, admin: UserClient, ticket: Ticket, order_id: str
    ) -> None:
        friend = await new_fan(balance="0")
        await DealCalls.complete(ticket.seat_id, seller=fan, buyer=friend, credits_="0")
        assert (await refund(fan, order_id)).refused() == (403, "NOT_SEAT_OWNER")
        assert (await refund(admin, order_id)).data["credits_returned"] == "100.00"
        assert (await fan.balance(), await friend.balance()) == ("900.00", "100.00")

    async def test_disputed_ticket_is_refunded_after_the_decision(
        self, *, fan: UserClient, new_fan: MakeFan, admin: UserClient, ticket: Ticket, order_id: str
    ) -> None:
        friend = await new_fan(balance="50.00")
        transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=friend, credits_="50.00")
        await friend.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": "Not what was agreed"})
        assert (await refund(admin, order_id, key="early")).refused() == (409, "TRANSFER_INVALID_STATE")
        assert (await admin.post("/transfer/reverse", {"transfer_id": transfer_id})).status == 200
        assert (await refund(admin, order_id, key="refund")).data["credits_returned"] == "100.00"
        assert (await fan.balance(), await friend.balance()) == ("1000.00", "50.00")

    async def test_refund_invalidates_a_pending_transfer(
        self, *, fan: UserClient, new_fan: MakeFan, concert: Concert, ticket: Ticket, order_id: str
    ) -> None:
        friend, next_owner = await new_fan(balance="0"), await new_fan()
        offered = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=friend, credits_="0")
        assert (await refund(fan, order_id)).status == 200
        await bought(next_owner, concert, ticket.seat_id)
        await DealCalls.complete(ticket.seat_id, seller=next_owner, buyer=friend, credits_="0")
        assert [owned["seat_id"] for owned in (await friend.get("/tickets")).data] == [ticket.seat_id]
        assert (await DealCalls.confirm(fan, offered.data["transfer_id"])).status == 200
        confirmed = await DealCalls.confirm(friend, offered.data["transfer_id"])
        assert confirmed.refused() == (403, "NOT_SEAT_OWNER")

    async def test_listed_ticket_is_not_refunded(
        self, fan: UserClient, admin: UserClient, ticket: Ticket, order_id: str
    ) -> None:
        await DealCalls.list_ticket(fan, ticket.seat_id)
        for user in (fan, admin):
            assert (await refund(user, order_id)).refused() == (409, "SEAT_UNAVAILABLE")

    async def test_foreign_unpaid_and_unknown_orders_are_refused(
        self, fan: UserClient, new_fan: MakeFan, concert: Concert
    ) -> None:
        held = (await fan.reserve(concert.event_id, concert.seats["CAT1"][0])).data["order_id"]
        assert (await refund(fan, held)).refused() == (409, "ORDER_INVALID_STATE")
        stranger = await new_fan(balance="0")
        assert (await refund(stranger, held)).refused() == (403, "FORBIDDEN")
        assert (await refund(fan, fan.user_id)).refused() == (404, "ORDER_NOT_FOUND")


class TestRefundOfSeats:
    @pytest.fixture
    async def seats(self, concert: Concert) -> list[str]:
        return sorted(concert.seats["CAT2"][3:6])

    @pytest.fixture
    async def order_id(self, fan: UserClient, concert: Concert, seats: list[str]) -> str:
        return await bought(fan, concert, *seats)

    async def test_refunded_seat_can_be_sold_again(
        self,
        *,
        fan: UserClient,
        new_fan: MakeFan,
        admin: UserClient,
        concert: Concert,
        scanner: ScannerClient,
        seats: list[str],
        order_id: str,
    ) -> None:
        codes = [(await fan.get(f"/tickets/{seat}/qr")).data["qr_payload"] for seat in seats[:2]]
        refunded = await refund(fan, order_id, seat_ids=seats[:1])
        assert refunded.data == {
            "order_id": order_id,
            "status": "CONFIRMED",
            "refunded_seat_ids": seats[:1],
            "credits_returned": "100.00",
        }
        assert await fan.balance() == "800.00"
        order = (await fan.get(f"/orders/{order_id}")).data
        refunded_at = {seat["seat_id"]: seat["refunded_at"] for seat in order["seats"]}
        assert (order["status"], order["total"]) == ("CONFIRMED", "300.00")
        assert [refunded_at[seat] is not None for seat in seats] == [True, False, False]
        assert sorted(owned["seat_id"] for owned in (await fan.get("/tickets")).data) == seats[1:]
        assert [await scanner.result_of(code) for code in codes] == ["UNPAID", "SUCCESS"]
        await bought(await new_fan(), concert, seats[0])
        dashboard = (await admin.get(f"/admin/events/{concert.event_id}/dashboard")).data
        assert (dashboard["stats"]["seats_sold"], dashboard["stats"]["revenue"]) == (3, "300.00")

    async def test_seat_is_refunded_once(self, fan: UserClient, seats: list[str], order_id: str) -> None:
        first, same = [await refund(fan, order_id, "refund", seat_ids=seats[:1]) for _ in range(2)]
        assert first.data == same.data
        other = await refund(fan, order_id, "refund", seat_ids=seats[1:2])
        assert other.refused() == (422, "IDEMPOTENCY_KEY_REUSED")
        for again in (seats[:1], seats[:2], seats):
            assert (await refund(fan, order_id, seat_ids=again)).refused() == (409, "ORDER_INVALID_STATE")
        assert await fan.balance() == "800.00"

    async def test_seat_then_the_rest_of_the_order(self, fan: UserClient, seats: list[str], order_id: str) -> None:
        assert (await refund(fan, order_id, seat_ids=seats[:1])).data["status"] == "CONFIRMED"
        rest = await refund(fan, order_id)
        assert (rest.data["status"], rest.data["credits_returned"]) == ("REFUNDED", "200.00")
        assert sorted(rest.data["refunded_seat_ids"]) == seats[1:]
        assert (await refund(fan, order_id, seat_ids=seats[:1])).refused() == (409, "ORDER_INVALID_STATE")
        assert await fan.balance() == "1000.00"
        order = (await fan.get(f"/orders/{order_id}")).data
        assert (order["status"], order["reason"]) == ("REFUNDED", "Ill")

    async def test_seats_one_by_one_end_the_order(self, fan: UserClient, seats: list[str], order_id: str) -> None:
        statuses = [(await refund(fan, order_id, seat_ids=[seat])).data["status"] for seat in seats]
        assert statuses == ["CONFIRMED", "CONFIRMED", "REFUNDED"]
        assert await fan.balance() == "1000.00"

    async def test_all_seats_by_name_are_the_whole_order(
        self, fan: UserClient, seats: list[str], order_id: str
    ) -> None:
        assert (await refund(fan, order_id, seat_ids=seats)).data["status"] == "REFUNDED"
        assert (await refund(fan, order_id, seat_ids=seats[:1])).refused() == (409, "ORDER_INVALID_STATE")

    async def test_seats_of_other_orders_and_invalid_lists_are_refused(
        self, *, fan: UserClient, concert: Concert, seats: list[str], order_id: str
    ) -> None:
        foreign = concert.seats["CAT2"][7]
        await bought(fan, concert, foreign)
        refused = await refund(fan, order_id, seat_ids=[seats[0], foreign])
        assert (refused.refused(), refused.body["details"]) == ((404, "SEAT_NOT_FOUND"), {"seat_ids": [foreign]})
        for invalid in ([], [seats[0], seats[0]], ["seat"], seats * 4):
            assert (await refund(fan, order_id, seat_ids=invalid)).status == 400
        assert await fan.balance() == "600.00"

    async def test_overlapping_refunds_pay_each_seat_once(
        self, fan: UserClient, admin: UserClient, seats: list[str], order_id: str
    ) -> None:
        answers = await asyncio.gather(
            refund(fan, order_id),
            refund(fan, order_id, seat_ids=seats[:2]),
            refund(fan, order_id, seat_ids=seats[1:]),
            refund(admin, order_id, seat_ids=seats[2:]),
        )
        refunded = [seat for answer in answers if answer.status == 200 for seat in answer.data["refunded_seat_ids"]]
        assert len(refunded) == len(set(refunded)) > 0
        assert {answer.code for answer in answers if answer.status != 200} <= {"ORDER_INVALID_STATE"}
        assert await fan.balance() == f"{700 + 100 * len(refunded)}.00"

    async def test_fan_refunds_own_seats_of_a_shared_order(
        self, *, fan: UserClient, new_fan: MakeFan, seats: list[str], order_id: str
    ) -> None:
        friend = await new_fan(balance="0")
        await DealCalls.complete(seats[0], seller=fan, buyer=friend, credits_="0")
        assert (await refund(fan, order_id)).refused() == (403, "NOT_SEAT_OWNER")
        assert (await refund(fan, order_id, seat_ids=seats[:2])).refused() == (403, "NOT_SEAT_OWNER")
        assert (await refund(fan, order_id, seat_ids=seats[1:])).data["credits_returned"] == "200.00"
        assert (await refund(friend, order_id, seat_ids=seats[:1])).refused() == (403, "FORBIDDEN")

    async def test_disputed_ticket_holds_up_its_own_refund_only(
        self, *, fan: UserClient, new_fan: MakeFan, admin: UserClient, seats: list[str], order_id: str
    ) -> None:
        friend = await new_fan(balance="50.00")
        transfer_id = await DealCalls.complete(seats[0], seller=fan, buyer=friend, credits_="50.00")
        await friend.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": "Not what was agreed"})
        refused = await refund(admin, order_id, seat_ids=seats[:2])
        assert refused.refused() == (409, "TRANSFER_INVALID_STATE")
        others = await refund(admin, order_id)
        assert (others.data["status"], sorted(others.data["refunded_seat_ids"])) == ("CONFIRMED", seats[1:])
        assert (await refund(admin, order_id)).refused() == (409, "TRANSFER_INVALID_STATE")
        assert (await admin.post("/transfer/dismiss", {"transfer_id": transfer_id})).status == 200
        assert (await refund(admin, order_id)).data["status"] == "REFUNDED"
        assert (await fan.balance(), await friend.balance()) == ("950.00", "100.00")


class TestAuditTrail:
    async def test_entries_say_what_was_before(
        self, fan: UserClient, admin: UserClient, new_concert: MakeConcert
    ) -> None:
        concert = await new_concert()
        order_id = await bought(fan, concert, concert.seats["CAT2"][0])
        assert (await refund(admin, order_id)).status == 200
        for _ in range(2):
            assert (await admin.post(f"/admin/events/{concert.event_id}/cancel")).status in {200, 202}

        [refunded] = (await admin.get("/admin/audit", object=order_id)).data
        again, cancelled = (await admin.get("/admin/audit", object=concert.event_id, action="event.cancel")).data

        assert (refunded["before"], refunded["after"]["status"]) == ({"status": "CONFIRMED"}, "REFUNDED")
        assert [entry["before"] for entry in (cancelled, again)] == [{"status": "PUBLISHED"}, {"status": "CANCELLED"}]


class TestCancelledEvent:
    async def test_cancellation_refunds_and_closes_everything(
        self, *, fan: UserClient, new_fan: MakeFan, admin: UserClient, new_concert: MakeConcert
    ) -> None:
        concert = await new_concert()
        paid, kept, listed, sold, offered, unpaid = concert.seats["CAT2"][:6]
        friend = await new_fan(balance="1000.00")
        await bought(fan, concert, paid, kept)
        for seat in (listed, sold, offered):
            await bought(fan, concert, seat)
        await DealCalls.complete(kept, seller=fan, buyer=friend, credits_="50.00")
        await DealCalls.list_ticket(fan, listed)
        sale = (await DealCalls.list_ticket(fan, sold)).data["listing_id"]
        await DealCalls.buy(friend, sale)
        transfer_id = (await DealCalls.offer(fan, offered, seller=fan, buyer=friend)).data["transfer_id"]
        held = (await friend.reserve(concert.event_id, unpaid)).data["order_id"]

        begun = await admin.post(f"/admin/events/{concert.event_id}/cancel")
        assert begun.status in {200, 202}, begun.body
        done = await eventually(lambda: finished(admin, concert))
        assert (done["orders_total"], done["orders_refunded"]) == (4, 4)
        assert (done["open_orders"], done["open_transfers"], done["open_listings"]) == (0, 0, 0)
        # The fan paid 500, sold one ticket for 50, and gets back the price of four of the five.
        assert (await fan.balance(), await friend.balance()) == ("950.00", "1050.00")
        assert (await fan.get("/tickets")).data == (await friend.get("/tickets")).data == []
        assert {order["status"] for order in (await fan.get("/orders")).data} == {"REFUNDED"}
        assert (await friend.get(f"/orders/{held}")).data["status"] == "FAILED"
        assert (await fan.get(f"/transfers/{transfer_id}")).data["status"] == "FAILED"
        assert {listing["status"] for listing in (await fan.get("/listings")).data} == {"CANCELLED"}
        assert (await fan.reserve(concert.event_id, paid)).refused() == (410, "EVENT_ENDED")
        again = await admin.post(f"/admin/events/{concert.event_id}/cancel")
        assert (again.status, again.data) == (200, done)

    @pytest.mark.parametrize(
        ("decision", "balances"), [("reverse", ("1000.00", "50.00")), ("dismiss", ("950.00", "100.00"))]
    )
    async def test_disputed_ticket_alone_waits_for_the_decision(
        self,
        *,
        fan: UserClient,
        new_fan: MakeFan,
        admin: UserClient,
        new_concert: MakeConcert,
        decision: str,
        balances: tuple[str, str],
    ) -> None:
        concert = await new_concert()
        disputed, undisputed = concert.seats["CAT2"][:2]
        friend = await new_fan(balance="50.00")
        order_id = await bought(fan, concert, disputed, undisputed)
        await bought(fan, concert, concert.seats["CAT2"][2])
        transfer_id = await DealCalls.complete(disputed, seller=fan, buyer=friend, credits_="50.00")
        await friend.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": "Not what was agreed"})

        await admin.post(f"/admin/events/{concert.event_id}/cancel")
        left = await eventually(lambda: cancellation(admin, concert, orders_refunded=1))
        assert (left["state"], left["open_orders"], left["open_disputes"]) == ("RUNNING", 1, 1)

        async def refunded_seats() -> list[str]:
            seats = (await fan.get(f"/orders/{order_id}")).data["seats"]
            return [seat["seat_id"] for seat in seats if seat["refunded_at"]]

        assert await eventually(refunded_seats) == [undisputed]
        decided = await admin.post(f"/transfer/{decision}", {"transfer_id": transfer_id})
        assert decided.status == 200, decided.body

        done = await eventually(lambda: finished(admin, concert))
        assert (done["orders_refunded"], done["open_disputes"]) == (2, 0)
        assert (await fan.balance(), await friend.balance()) == balances

    async def test_cancellation_requires_an_admin_and_an_existing_event(
        self, fan: UserClient, admin: UserClient, concert: Concert
    ) -> None:
        path = f"/admin/events/{concert.event_id}"
        assert (await fan.post(f"{path}/cancel")).refused() == (403, "FORBIDDEN")
        assert (await fan.get(f"{path}/cancellation")).refused() == (403, "FORBIDDEN")
        assert (await admin.get(f"{path}/cancellation")).refused() == (404, "EVENT_NOT_FOUND")
        nowhere = await admin.post(f"/admin/events/{fan.user_id}/cancel")
        assert nowhere.refused() == (404, "EVENT_NOT_FOUND")


async def cancellation(admin: UserClient, concert: Concert, **facts: object) -> dict[str, Any]:
    """Return the cancellation's progress once it has these facts; an empty dict before."""
    progress: dict[str, Any] = (await admin.get(f"/admin/events/{concert.event_id}/cancellation")).data
    return progress if facts.items() <= progress.items() else {}


async def finished(admin: UserClient, concert: Concert) -> dict[str, Any]:
    """Return the cancellation's progress once it has completed; an empty dict before."""
    return await cancellation(admin, concert, state="COMPLETED")
