"""What fans do with one ticket, each told from the decisive request to the state of the world after it.

`play` asks again until there is an answer, so it may be told while processes die.
"""

import uuid
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import partial
from typing import Any, Final, Self

import httpx

from tests.chaos.fans import CREDITS, Fan, answered
from tests.chaos.operators import House
from tests.chaos.ticket_sales import Order, Shop, data_of

__all__ = [
    "AMOUNT",
    "Approval",
    "Confirmation",
    "DeclinedSale",
    "Listing",
    "Refund",
    "RefusedTransfer",
    "Resale",
    "Reversal",
    "Story",
    "Transfer",
    "Withdrawal",
    "same_again",
]

AMOUNT: Final = Decimal("30.00")
"""What a ticket is handed over for, or sold on the marketplace."""
SHOP_HALL_ID: Final = "HALL-B"

Ask = Callable[[], Coroutine[Any, Any, httpx.Response]]


class Story:
    """A seller with a ticket of the shop, and somebody who would like to have it."""

    def __init__(self, shop: Shop, house: House, *, seller: Fan, buyer: Fan, order: Order) -> None:
        self.shop = shop
        self.house = house
        self.seller = seller
        self.buyer = buyer
        self.order = order
        self.deal_id = uuid.UUID(int=0)
        """Of the transfer or the listing, once there is one."""
        self.sale_id = uuid.UUID(int=0)

    @classmethod
    async def prepare(cls, shop: Shop, house: House) -> Self:
        seller, buyer = await shop.new_fan(), await shop.new_fan()
        order = await shop.reserved(seller, shop.some_seats(1))
        data_of(await answered(lambda: seller.pay(order.order_id)))
        story = cls(shop, house, seller=seller, buyer=buyer, order=order)
        await story.begin()
        return story

    async def begin(self) -> None:
        """Do what comes before the decisive request."""

    async def play(self) -> None:
        """Ask for it, until there is an answer."""
        raise NotImplementedError

    async def assert_done(self) -> None:
        """Check that everything has happened, and once."""
        raise NotImplementedError

    @property
    def seat_id(self) -> uuid.UUID:
        return self.order.seat_ids[0]

    async def code(self) -> str:
        """Return what the seller's phone shows."""
        shown = data_of(await answered(partial(self.seller.get, f"/api/tickets/{self.seat_id}/qr")))
        return str(shown["qr_payload"])

    async def scan(self, code: str, *, nonce: str) -> httpx.Response:
        return await self.house.staff.scan(code, hall_id=SHOP_HALL_ID, nonce=nonce)

    async def offer(self) -> None:
        seller_id, buyer_id = self.seller.user_id, self.buyer.user_id
        offer = partial(self.seller.offer, self.seat_id, seller_id=seller_id, buyer_id=buyer_id, amount=AMOUNT)
        offered = await same_again(offer)
        self.deal_id = uuid.UUID(offered["transfer_id"])

    async def hand_over(self) -> None:
        await self.offer()
        waiting = data_of(await answered(partial(self.seller.confirm, self.deal_id)))
        assert waiting["waiting_for"] == ["buyer"]
        done = await same_again(partial(self.buyer.confirm, self.deal_id, key="confirm"))
        assert (done["status"], done["new_owner_user_id"]) == ("COMPLETED", str(self.buyer.user_id))

    async def put_on_market(self) -> None:
        listed = await same_again(partial(self.seller.list_ticket, self.seat_id, AMOUNT))
        self.deal_id = uuid.UUID(listed["listing_id"])

    async def assert_ticket(self, owner: Fan, status: str, *, price: Decimal) -> None:
        [seat] = await self.shop.world.seats([self.seat_id])
        assert (seat["owner_user_id"], seat["status"], seat["price_paid"]) == (owner.user_id, status, price)

    async def assert_gained(self, *, seller: Decimal, buyer: Decimal) -> None:
        """Check what both have more, or less, than at the beginning."""
        assert await self.shop.world.balance_of(self.seller.user_id) == CREDITS + seller
        assert await self.shop.world.balance_of(self.buyer.user_id) == CREDITS + buyer

    async def assert_sold_on(self, deal_id: uuid.UUID) -> None:
        await self.assert_ticket(self.buyer, "SOLD", price=AMOUNT)
        await self.assert_gained(seller=AMOUNT - self.order.total, buyer=-AMOUNT)
        assert await self.shop.world.escrows_of(deal_id) == ["RELEASED"]

    async def assert_kept(self, deal_id: uuid.UUID, status: str) -> None:
        await self.assert_ticket(self.seller, status, price=self.order.total)
        await self.assert_gained(seller=-self.order.total, buyer=Decimal(0))
        assert await self.shop.world.escrows_of(deal_id) == ["VOIDED"]

    async def assert_transfer(self, *states: str) -> None:
        assert await self.shop.world.transfer_states(self.deal_id) == list(states)

    async def assert_listing(self, *states: str) -> None:
        assert (await self.shop.world.listing(self.deal_id))["states"] == list(states)


async def same_again(ask: Ask) -> dict[str, Any]:
    """Ask until there is an answer, then once more, which has to bring the same."""
    told = data_of(await answered(ask))
    assert data_of(await answered(ask)) == told
    return told


class Transfer(Story):
    async def play(self) -> None:
        await self.hand_over()

    async def assert_done(self) -> None:
        await self.assert_sold_on(self.deal_id)
        await self.assert_transfer("PENDING_OTP", "COMPLETED")
        assert await self.shop.world.messages_about(self.deal_id) == ["transfer.completed", "transfer.pending"]


class Confirmation(Transfer):
    """Only the buyer's code is missing."""

    async def begin(self) -> None:
        await self.offer()
        data_of(await answered(partial(self.seller.confirm, self.deal_id)))

    async def play(self) -> None:
        assert (await same_again(self.ask))["status"] == "COMPLETED"

    async def ask(self) -> httpx.Response:
        return await self.buyer.confirm(self.deal_id, key="confirm")

    async def assert_failed(self) -> None:
        await self.assert_ticket(self.seller, "SOLD", price=self.order.total)
        await self.assert_gained(seller=-self.order.total, buyer=Decimal(0))
        await self.assert_transfer("PENDING_OTP", "FAILED")


class RefusedTransfer(Story):
    """The ticket was used before its owner could change."""

    async def begin(self) -> None:
        await self.offer()
        data_of(await answered(partial(self.seller.confirm, self.deal_id)))
        scan = partial(self.scan, await self.code(), nonce=f"{self.seat_id}")
        assert data_of(await answered(scan))["result"] == "SUCCESS"

    async def play(self) -> None:
        refusal = await answered(partial(self.buyer.confirm, self.deal_id, key="confirm"))
        assert refusal.status_code == httpx.codes.CONFLICT, refusal.text

    async def assert_done(self) -> None:
        await self.assert_kept(self.deal_id, "CHECKED_IN")
        await self.assert_transfer("PENDING_OTP", "FAILED")
        assert await self.shop.world.messages_about(self.deal_id) == ["transfer.failed", "transfer.pending"]


class Reversal(Story):
    """The buyer disputes what they got."""

    async def begin(self) -> None:
        await self.hand_over()
        await same_again(partial(self.buyer.dispute, self.deal_id))

    async def play(self) -> None:
        decide = partial(self.house.admin.decide, self.deal_id, for_seller=True, key=f"{self.deal_id}")
        assert (await same_again(decide))["credits_returned"] == f"{AMOUNT:.2f}"

    async def assert_done(self) -> None:
        await self.assert_ticket(self.seller, "SOLD", price=self.order.total)
        await self.assert_gained(seller=-self.order.total, buyer=Decimal(0))
        await self.assert_transfer("PENDING_OTP", "COMPLETED", "DISPUTED", "REVERSING", "REVERSED")
        assert (await self.shop.world.messages_about(self.deal_id)).count("transfer.reversed") == 1


class Refund(Story):
    async def play(self) -> None:
        refunded = await same_again(partial(self.seller.refund, self.order.order_id))
        assert refunded["credits_returned"] == f"{self.order.total:.2f}"

    async def assert_done(self) -> None:
        assert await self.shop.seat_statuses([self.seat_id]) == {"AVAILABLE"}
        await self.assert_gained(seller=Decimal(0), buyer=Decimal(0))
        assert await self.shop.world.order_states(self.order.order_id) == ["PENDING", "CONFIRMED", "REFUNDED"]
        assert await self.shop.world.movements_of(self.order.order_id) == ["deduct", "refund"]
        assert (await self.shop.world.messages_about(self.order.order_id)).count("order.refunded") == 1


class Listing(Story):
    async def play(self) -> None:
        await self.put_on_market()

    async def assert_done(self) -> None:
        await self.assert_ticket(self.seller, "LISTED", price=self.order.total)
        await self.assert_listing("OPENING", "ACTIVE")


class Withdrawal(Story):
    async def begin(self) -> None:
        await self.put_on_market()

    async def play(self) -> None:
        assert (await same_again(partial(self.seller.withdraw, self.deal_id)))["status"] == "CANCELLED"

    async def assert_done(self) -> None:
        await self.assert_ticket(self.seller, "SOLD", price=self.order.total)
        await self.assert_listing("OPENING", "ACTIVE", "WITHDRAWING", "CANCELLED")


class Resale(Story):
    async def begin(self) -> None:
        await self.put_on_market()

    async def play(self) -> None:
        await self.sell()
        approved = await same_again(partial(self.seller.approve, self.deal_id))
        assert (approved["status"], approved["new_owner_user_id"]) == ("COMPLETED", str(self.buyer.user_id))

    async def sell(self) -> None:
        """Let the buyer buy; the seller has not approved."""
        sale = await same_again(partial(self.buyer.buy, self.deal_id))
        self.sale_id = uuid.UUID(sale["sale_id"])

    async def assert_done(self) -> None:
        await self.assert_sold_on(self.sale_id)
        await self.assert_listing("OPENING", "ACTIVE", "PENDING_TRANSFER", "COMPLETED")
        assert await self.shop.world.messages_about(self.sale_id) == ["sale.completed", "sale.pending"]


class Approval(Resale):
    """Only the seller's code is missing."""

    async def begin(self) -> None:
        await super().begin()
        await self.sell()

    async def play(self) -> None:
        assert (await same_again(partial(self.seller.approve, self.deal_id)))["status"] == "COMPLETED"


class DeclinedSale(Resale):
    """The seller takes the ticket off the market while the buyer waits."""

    async def begin(self) -> None:
        await super().begin()
        await self.sell()

    async def play(self) -> None:
        assert (await same_again(partial(self.seller.withdraw, self.deal_id)))["status"] == "CANCELLED"

    async def assert_done(self) -> None:
        await self.assert_kept(self.sale_id, "SOLD")
        await self.assert_listing("OPENING", "ACTIVE", "PENDING_TRANSFER", "ACTIVE", "WITHDRAWING", "CANCELLED")
        assert await self.shop.world.messages_about(self.sale_id) == ["sale.failed", "sale.pending"]
