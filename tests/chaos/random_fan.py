"""A fan who performs one random action after the other, chosen by its own random number generator."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from tests.chaos.commissions import order_text, work_on_text
from tests.chaos.digital_goods import order_goods, reveal_codes
from tests.chaos.fans import Fan
from tests.chaos.mixed_run import ANSWER_SECONDS, PAUSE_SECONDS, MixedRun, Request, retry_until_final
from tests.chaos.operators import HALL_ID, PRICE
from tests.chaos.purchased_items import buy_menu_item, cancel_subscription, subscribe, tip_in_turn, tip_now
from tests.chaos.top_ups import top_up_by_card, top_up_by_crypto

__all__ = ["ACTIONS", "RandomFan"]

WRONG_OTP: Final = "999999"
MAX_AMOUNT: Final = 12  # the cap of a ticket at PRICE
MAX_LEAD_SECONDS: Final = 0.3
HOLD_EXPIRED: Final = "hold expired"


class RandomFan:
    def __init__(self, fan: Fan, mixed_run: MixedRun, random: Random) -> None:
        self.fan = fan
        self._mixed_run = mixed_run
        self._expectations = mixed_run.expectations
        self._random = random
        self._orders: list[uuid.UUID] = []

    async def act_until_over(self) -> None:
        while not self._mixed_run.is_over:
            [name] = self._random.choices(list(ACTIONS), [weight for _, weight in ACTIONS.values()])
            action, _ = ACTIONS[name]
            if await action(self):
                self._expectations.completed[name] += 1
            else:
                await asyncio.sleep(PAUSE_SECONDS)

    # --- orders ------------------------------------------------------------------------------------------------------

    async def buy_tickets(self) -> bool:
        concert = self._random.choice(self._mixed_run.concerts)
        seat_ids = self._random.sample(concert.seat_ids, self._random.choice((1, 1, 2, 3)))
        reserve = partial(self.fan.reserve, concert.event_id, seat_ids, key=self._mixed_run.new_key("reserve"))
        held = await self._maybe_at_once(reserve)
        if not held.is_success:
            return False
        order_id = uuid.UUID(held.json()["data"]["order_id"])
        intention = self._random.random()
        if intention < 0.08:
            self._expectations.expect("order", order_id, held, done=["FAILED"])
            return False  # the hold expires by itself
        if intention < 0.16:
            return await self._cancel(order_id)
        if intention < 0.3:
            await self._wait_until_almost_expired(held.json()["data"]["held_until"])
        return await self._pay(order_id)

    async def _wait_until_almost_expired(self, held_until: str) -> None:
        """Wait until the hold expires during the payment, or shortly after it."""
        remaining = datetime.fromisoformat(held_until) - datetime.now(UTC)
        early_seconds = self._random.uniform(0.0, MAX_LEAD_SECONDS)
        await asyncio.sleep(max(0.0, remaining.total_seconds() - early_seconds))

    async def _cancel(self, order_id: uuid.UUID) -> bool:
        cancelled = await retry_until_final(partial(self.fan.cancel, order_id))
        self._expectations.expect("order", order_id, cancelled, done=["CANCELLED"], refused=["CANCELLED", "FAILED"])
        return False

    async def _pay(self, order_id: uuid.UUID) -> bool:
        pay = partial(self.fan.pay, order_id, key=self._mixed_run.new_key("pay"))
        paid = await self._maybe_at_once(pay)
        if paid.status_code == httpx.codes.PRECONDITION_REQUIRED:
            if self._chance_of(0.3):
                await retry_until_final(partial(self.fan.prove_payment, order_id, WRONG_OTP))
            await retry_until_final(partial(self.fan.prove_payment, order_id))
            paid = await retry_until_final(pay)
        self._expectations.expect("order", order_id, paid, done=["CONFIRMED", "REFUNDED"], refused=["FAILED"])
        if paid.is_success:
            self._orders.append(order_id)
        self._expectations.completed[HOLD_EXPIRED] += paid.status_code == httpx.codes.GONE
        return paid.is_success

    async def refund(self) -> bool:
        if not self._orders:
            return False
        order_id = self._random.choice(self._orders)
        seat_ids = await self._some_seats(order_id) if self._chance_of(0.5) else ()
        key = self._mixed_run.new_key("refund")
        refunded = await self._maybe_at_once(partial(self.fan.refund, order_id, seat_ids=seat_ids, key=key))
        if not refunded.is_success:
            return False
        is_whole = refunded.json()["data"].get("status") == "REFUNDED"
        done = ["REFUNDED"] if is_whole else ["CONFIRMED", "REFUNDED"]  # the event may be cancelled later
        self._expectations.expect("order", order_id, refunded, done=done)
        if is_whole:
            self._orders.remove(order_id)
        return True

    async def _some_seats(self, order_id: uuid.UUID) -> list[uuid.UUID]:
        """Return one seat of an order, or two; some may be refunded."""
        answer = await retry_until_final(partial(self.fan.get, f"/api/orders/{order_id}"))
        seats = answer.json()["data"]["seats"] if answer.is_success else []
        seat_ids = [uuid.UUID(seat["seat_id"]) for seat in seats]
        return self._random.sample(seat_ids, min(len(seat_ids), self._random.choice((1, 1, 2))))

    # --- transfers ---------------------------------------------------------------------------------------------------

    async def transfer_ticket(self) -> bool:
        if (seat_id := await self._own_seat()) is None:
            return False
        buyer = self._random.choice([fan for fan in self._mixed_run.fans.values() if fan is not self.fan])
        initiator = self._random.choice((self.fan, buyer))
        offer = partial(
            initiator.offer,
            seat_id,
            seller_id=self.fan.user_id,
            buyer_id=buyer.user_id,
            amount=Decimal(self._random.randint(0, MAX_AMOUNT)),
            key=self._mixed_run.new_key("offer"),
        )
        offered = await self._maybe_at_once(offer)
        if not offered.is_success:
            return False
        transfer_id = uuid.UUID(offered.json()["data"]["transfer_id"])
        if self._chance_of(0.15):
            return await self._cancel_transfer(transfer_id, self._random.choice((self.fan, buyer)))
        if self._chance_of(0.1):
            self._expectations.expect("transfer", transfer_id, offered, done=["FAILED"])
            return False  # no party confirms it
        confirming = self._confirm(transfer_id, buyer)
        if self._chance_of(0.25):
            is_done, _ = await asyncio.gather(confirming, self._scan_twice(seat_id))
            return is_done
        return await confirming

    async def _cancel_transfer(self, transfer_id: uuid.UUID, party: Fan) -> bool:
        ended = await retry_until_final(partial(party.cancel_transfer, transfer_id))
        self._expectations.expect("transfer", transfer_id, ended, done=["CANCELLED"], refused=["CANCELLED", "FAILED"])
        return False

    async def _confirm(self, transfer_id: uuid.UUID, buyer: Fan) -> bool:
        if self._chance_of(0.2):
            await retry_until_final(partial(buyer.confirm, transfer_id, WRONG_OTP))
        parties = [self.fan, buyer]
        self._random.shuffle(parties)
        for party in parties:
            confirmed = await retry_until_final(
                partial(party.confirm, transfer_id, key=self._mixed_run.new_key("confirm"))
            )
            done = ["COMPLETED"] if party is parties[-1] else ["COMPLETED", "FAILED"]
            self._expectations.expect("transfer", transfer_id, confirmed, done=done, refused=["FAILED"])
            if not confirmed.is_success:
                return False
        if self._chance_of(0.5):
            await self._dispute(transfer_id, self._random.choice(parties))
        return True

    async def _dispute(self, transfer_id: uuid.UUID, party: Fan) -> None:
        self._expectations.statuses["transfer", transfer_id] = {"COMPLETED", "DISPUTED", "REVERSED"}
        disputed = await retry_until_final(partial(party.dispute, transfer_id, key=self._mixed_run.new_key("dispute")))
        if not disputed.is_success:
            return
        admin, key = self._mixed_run.operators.admin, self._mixed_run.new_key("decide")
        for_seller = self._chance_of(0.7)
        decided = await retry_until_final(partial(admin.decide, transfer_id, for_seller=for_seller, key=key))
        done = "REVERSED" if for_seller else "COMPLETED"
        # Refused: it stays disputed, or another admin has dismissed the dispute.
        self._expectations.expect("transfer", transfer_id, decided, done=[done], refused=["DISPUTED", "COMPLETED"])
        self._expectations.completed["decide dispute"] += decided.is_success

    # --- the marketplace ---------------------------------------------------------------------------------------------

    async def list_ticket(self) -> bool:
        if (seat_id := await self._own_seat()) is None:
            return False
        list_ticket = partial(self.fan.list_ticket, seat_id, PRICE, key=self._mixed_run.new_key("list"))
        return (await self._maybe_at_once(list_ticket)).is_success

    async def buy_listing(self) -> bool:
        concert = self._random.choice(self._mixed_run.concerts)
        request = partial(self.fan.get, "/api/marketplace/listings", event_id=f"{concert.event_id}")
        on_sale = [item for item in await self._read(request) if item["seller_user_id"] != f"{self.fan.user_id}"]
        if not on_sale:
            return False
        listing = self._random.choice(on_sale)
        listing_id = uuid.UUID(listing["listing_id"])
        buy = partial(self.fan.buy, listing_id, key=self._mixed_run.new_key("buy"))
        bought = await self._maybe_at_once(buy)
        if bought.status_code == httpx.codes.PRECONDITION_REQUIRED:
            await retry_until_final(partial(self.fan.prove_purchase, listing_id))
            bought = await retry_until_final(buy)
        if not bought.is_success or self._chance_of(0.15):
            return False  # or the seller does not respond
        seller = self._mixed_run.fans[uuid.UUID(listing["seller_user_id"])]
        approving = self._approve(seller, listing_id)
        if self._chance_of(0.25):
            is_done, _ = await asyncio.gather(approving, self._withdraw_listing(seller, listing_id))
            return is_done
        return await approving

    async def _approve(self, seller: Fan, listing_id: uuid.UUID) -> bool:
        approved = await retry_until_final(partial(seller.approve, listing_id))
        self._expectations.expect("listing", listing_id, approved, done=["COMPLETED"])
        return approved.is_success

    async def withdraw(self) -> bool:
        on_sale = await self._read(partial(self.fan.get, "/api/listings", status="ACTIVE"))
        if not on_sale:
            return False
        return await self._withdraw_listing(self.fan, uuid.UUID(self._random.choice(on_sale)["listing_id"]))

    async def _withdraw_listing(self, seller: Fan, listing_id: uuid.UUID) -> bool:
        withdrawn = await retry_until_final(partial(seller.withdraw, listing_id))
        self._expectations.expect("listing", listing_id, withdrawn, done=["CANCELLED"])
        return withdrawn.is_success

    # --- the wallet --------------------------------------------------------------------------------------------------

    async def top_up_by_card(self) -> bool:
        return await top_up_by_card(self.fan, self._mixed_run, self._random)

    async def top_up_by_crypto(self) -> bool:
        return await top_up_by_crypto(self.fan, self._mixed_run, self._random)

    # --- performers --------------------------------------------------------------------------------------------------

    async def tip_now(self) -> bool:
        return await tip_now(self.fan, self._mixed_run, self._random)

    async def tip_in_turn(self) -> bool:
        return await tip_in_turn(self.fan, self._mixed_run, self._random)

    async def buy_menu_item(self) -> bool:
        return await buy_menu_item(self.fan, self._mixed_run, self._random)

    async def subscribe(self) -> bool:
        return await subscribe(self.fan, self._mixed_run, self._random)

    async def cancel_subscription(self) -> bool:
        return await cancel_subscription(self.fan, self._random)

    # --- commissions -------------------------------------------------------------------------------------------------

    async def order_text(self) -> bool:
        return await order_text(self.fan, self._mixed_run, self._random)

    async def work_on_text(self) -> bool:
        return await work_on_text(self.fan, self._mixed_run, self._random)

    # --- digital goods -----------------------------------------------------------------------------------------------

    async def order_goods(self) -> bool:
        return await order_goods(self.fan, self._mixed_run, self._random)

    async def reveal_codes(self) -> bool:
        return await reveal_codes(self.fan, self._random)

    # --- check-in ----------------------------------------------------------------------------------------------------

    async def check_in(self) -> bool:
        seat_id = await self._own_seat()
        return seat_id is not None and await self._scan_twice(seat_id)

    async def _scan_twice(self, seat_id: uuid.UUID) -> bool:
        """Show the code to two scanners at once."""
        shown = await retry_until_final(partial(self.fan.get, f"/api/tickets/{seat_id}/qr"))
        if not shown.is_success:
            return False
        code = shown.json()["data"]["qr_payload"]
        scan = partial(self._mixed_run.operators.staff.scan, code, hall_id=HALL_ID)
        scans = [partial(scan, nonce=self._mixed_run.new_key(f"gate-{gate}")) for gate in "AB"]
        responses = await asyncio.gather(
            *(retry_until_final(scan, unavailable_after_seconds=ANSWER_SECONDS) for scan in scans)
        )
        results = [response.json()["data"]["result"] for response in responses]
        self._expectations.admissions.update([seat_id] * results.count("SUCCESS"))
        assert results.count("SUCCESS") < len(results)
        if "SUCCESS" in results and self._chance_of(0.4):
            await self._undo_check_in(seat_id)
        return "SUCCESS" in results

    async def _undo_check_in(self, seat_id: uuid.UUID) -> None:
        key = self._mixed_run.new_key("undo")
        undo = partial(self._mixed_run.operators.staff.undo_check_in, seat_id, hall_id=HALL_ID, key=key)
        undone = await retry_until_final(undo, unavailable_after_seconds=ANSWER_SECONDS)
        self._expectations.undone.update([seat_id] * undone.is_success)
        self._expectations.completed["undo check-in"] += undone.is_success

    # --- requests ----------------------------------------------------------------------------------------------------

    def _chance_of(self, probability: float) -> bool:
        return self._random.random() < probability

    async def _maybe_at_once(self, request: Request) -> httpx.Response:
        """Send a request once, or sometimes twice at the same moment: both get the same response."""
        if not self._chance_of(0.15):
            return await retry_until_final(request)
        first, second = await asyncio.gather(retry_until_final(request), retry_until_final(request))
        if first.is_success and second.is_success:
            assert _without_ttl(first) == _without_ttl(second)
        return first if first.is_success else second

    async def _read(self, request: Request) -> list[dict[str, Any]]:
        answer = await retry_until_final(request)
        listed: list[dict[str, Any]] = answer.json()["data"] if answer.is_success else []
        return listed

    async def _own_seat(self) -> uuid.UUID | None:
        """Return the seat of an own ticket that is neither used nor listed."""
        tickets = [t for t in await self._read(partial(self.fan.get, "/api/tickets")) if t["status"] == "SOLD"]
        return uuid.UUID(self._random.choice(tickets)["seat_id"]) if tickets else None


def _without_ttl(answer: httpx.Response) -> dict[str, Any]:
    """Return a response's data without the remaining time of a hold."""
    data: dict[str, Any] = answer.json()["data"]
    return {name: value for name, value in data.items() if name != "ttl_seconds"}


Action = Callable[[RandomFan], Awaitable[bool]]

ACTIONS: Final[dict[str, tuple[Action, int]]] = {
    "buy tickets": (RandomFan.buy_tickets, 6),
    "transfer ticket": (RandomFan.transfer_ticket, 4),
    "list ticket": (RandomFan.list_ticket, 3),
    "buy listing": (RandomFan.buy_listing, 4),
    "withdraw listing": (RandomFan.withdraw, 2),
    "check in": (RandomFan.check_in, 1),
    "refund": (RandomFan.refund, 2),
    "tip now": (RandomFan.tip_now, 3),
    "tip in turn": (RandomFan.tip_in_turn, 3),
    "buy menu item": (RandomFan.buy_menu_item, 4),
    "subscribe": (RandomFan.subscribe, 1),
    "cancel subscription": (RandomFan.cancel_subscription, 1),
    "order text": (RandomFan.order_text, 2),
    "work on text": (RandomFan.work_on_text, 10),
    "order goods": (RandomFan.order_goods, 2),
    "reveal codes": (RandomFan.reveal_codes, 3),
    "top up by card": (RandomFan.top_up_by_card, 1),
    "top up by crypto": (RandomFan.top_up_by_crypto, 1),
}
