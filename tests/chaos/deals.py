"""What fans do with one ticket: preparation, the decisive request, and the expected state of the platform after it.

`run` retries until it gets a final response, so processes may be killed meanwhile.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import partial
from typing import Any, Final, Self

import httpx

from tests.chaos.fans import CREDITS, Fan, answered
from tests.chaos.operators import Operators
from tests.chaos.ticket_sales import Order, TicketSales, data_of

__all__ = [
    "AMOUNT",
    "Approval",
    "Confirmation",
    "Deal",
    "DeclinedSale",
    "Listing",
    "Refund",
    "RefusedTransfer",
    "Resale",
    "Reversal",
    "SoldTicket",
    "Transfer",
    "Withdrawal",
    "answered_twice",
]

AMOUNT: Final = Decimal("30.00")
"""The credits of a transfer, and the price on the marketplace."""
SEEDED_HALL_ID: Final = "HALL-B"

Request = Callable[[], Coroutine[Any, Any, httpx.Response]]


class SoldTicket:
    """A seller with a ticket, and another fan."""

    def __init__(self, sales: TicketSales, operators: Operators, *, seller: Fan, buyer: Fan, order: Order) -> None:
        self.sales = sales
        self.operators = operators
        self.seller = seller
        self.buyer = buyer
        self.order = order
        self.deal_id = uuid.UUID(int=0)
        """The id of the transfer or the listing, once there is one."""
        self.sale_id = uuid.UUID(int=0)

    @classmethod
    async def prepare(cls, sales: TicketSales, operators: Operators) -> Self:
        seller, buyer = await sales.new_fan(), await sales.new_fan()
        order = await sales.reserved(seller, sales.some_seats(1))
        data_of(await answered(lambda: seller.pay(order.order_id)))
        deal = cls(sales, operators, seller=seller, buyer=buyer, order=order)
        await deal.set_up()
        return deal

    async def set_up(self) -> None:
        """Do what precedes the decisive request."""

    @property
    def seat_id(self) -> uuid.UUID:
        return self.order.seat_ids[0]

    async def code(self) -> str:
        """Return the QR payload that the seller's phone shows."""
        shown = data_of(await answered(partial(self.seller.get, f"/api/tickets/{self.seat_id}/qr")))
        return str(shown["qr_payload"])

    async def scan(self, code: str, *, nonce: str) -> httpx.Response:
        return await self.operators.staff.scan(code, hall_id=SEEDED_HALL_ID, nonce=nonce)

    async def offer(self) -> None:
        seller_id, buyer_id = self.seller.user_id, self.buyer.user_id
        offer = partial(self.seller.offer, self.seat_id, seller_id=seller_id, buyer_id=buyer_id, amount=AMOUNT)
        offered = await answered_twice(offer)
        self.deal_id = uuid.UUID(offered["transfer_id"])

    async def transfer_ticket(self) -> None:
        await self.offer()
        waiting = data_of(await answered(partial(self.seller.confirm, self.deal_id)))
        assert waiting["waiting_for"] == ["buyer"]
        done = await answered_twice(partial(self.buyer.confirm, self.deal_id, key="confirm"))
        assert (done["status"], done["new_owner_user_id"]) == ("COMPLETED", str(self.buyer.user_id))

    async def list_ticket(self) -> None:
        listed = await answered_twice(partial(self.seller.list_ticket, self.seat_id, AMOUNT))
        self.deal_id = uuid.UUID(listed["listing_id"])

    async def assert_ticket(self, owner: Fan, status: str, *, price: Decimal) -> None:
        [seat] = await self.sales.databases.seats([self.seat_id])
        assert (seat["owner_user_id"], seat["status"], seat["price_paid"]) == (owner.user_id, status, price)

    async def assert_gained(self, *, seller: Decimal, buyer: Decimal) -> None:
        """Check the change of both balances since the beginning."""
        assert await self.sales.databases.balance_of(self.seller.user_id) == CREDITS + seller
        assert await self.sales.databases.balance_of(self.buyer.user_id) == CREDITS + buyer

    async def assert_sold_to_buyer(self, deal_id: uuid.UUID) -> None:
        await self.assert_ticket(self.buyer, "SOLD", price=AMOUNT)
        await self.assert_gained(seller=AMOUNT - self.order.total, buyer=-AMOUNT)
        assert await self.sales.databases.escrows_of(deal_id) == ["RELEASED"]

    async def assert_kept(self, deal_id: uuid.UUID, status: str) -> None:
        await self.assert_ticket(self.seller, status, price=self.order.total)
        await self.assert_gained(seller=-self.order.total, buyer=Decimal(0))
        assert await self.sales.databases.escrows_of(deal_id) == ["VOIDED"]

    async def assert_transfer(self, *states: str) -> None:
        assert await self.sales.databases.transfer_states(self.deal_id) == list(states)

    async def assert_listing(self, *states: str) -> None:
        assert (await self.sales.databases.listing(self.deal_id))["states"] == list(states)


class Deal(SoldTicket, ABC):
    """The other fan takes the ticket, or the seller gives it back."""

    @abstractmethod
    async def run(self) -> None:
        """Send the decisive request until it gets a final response."""

    @abstractmethod
    async def assert_done(self) -> None:
        """Check that everything has happened exactly once."""


async def answered_twice(request: Request) -> dict[str, Any]:
    """Send a request until it gets a final response, then once more, and check that both are equal."""
    first = data_of(await answered(request))
    assert data_of(await answered(request)) == first
    return first


class Transfer(Deal):
    async def run(self) -> None:
        await self.transfer_ticket()

    async def assert_done(self) -> None:
        await self.assert_sold_to_buyer(self.deal_id)
        await self.assert_transfer("PENDING_OTP", "COMPLETED")
        assert await self.sales.databases.messages_about(self.deal_id) == ["transfer.completed", "transfer.pending"]


class Confirmation(Transfer):
    """A transfer that lacks only the buyer's code."""

    async def set_up(self) -> None:
        await self.offer()
        data_of(await answered(partial(self.seller.confirm, self.deal_id)))

    async def run(self) -> None:
        assert (await answered_twice(self.confirm))["status"] == "COMPLETED"

    async def confirm(self) -> httpx.Response:
        return await self.buyer.confirm(self.deal_id, key="confirm")

    async def assert_failed(self) -> None:
        await self.assert_ticket(self.seller, "SOLD", price=self.order.total)
        await self.assert_gained(seller=-self.order.total, buyer=Decimal(0))
        await self.assert_transfer("PENDING_OTP", "FAILED")


class RefusedTransfer(Deal):
    """The ticket is used before its owner can change."""

    async def set_up(self) -> None:
        await self.offer()
        data_of(await answered(partial(self.seller.confirm, self.deal_id)))
        scan = partial(self.scan, await self.code(), nonce=f"{self.seat_id}")
        assert data_of(await answered(scan))["result"] == "SUCCESS"

    async def run(self) -> None:
        refusal = await answered(partial(self.buyer.confirm, self.deal_id, key="confirm"))
        assert refusal.status_code == httpx.codes.CONFLICT, refusal.text

    async def assert_done(self) -> None:
        await self.assert_kept(self.deal_id, "CHECKED_IN")
        await self.assert_transfer("PENDING_OTP", "FAILED")
        assert await self.sales.databases.messages_about(self.deal_id) == ["transfer.failed", "transfer.pending"]


class Reversal(Deal):
    """The buyer disputes a completed transfer."""

    async def set_up(self) -> None:
        await self.transfer_ticket()
        await answered_twice(partial(self.buyer.dispute, self.deal_id))

    async def run(self) -> None:
        decide = partial(self.operators.admin.decide, self.deal_id, for_seller=True, key=f"{self.deal_id}")
        assert (await answered_twice(decide))["credits_returned"] == f"{AMOUNT:.2f}"

    async def assert_done(self) -> None:
        await self.assert_ticket(self.seller, "SOLD", price=self.order.total)
        await self.assert_gained(seller=-self.order.total, buyer=Decimal(0))
        await self.assert_transfer("PENDING_OTP", "COMPLETED", "DISPUTED", "REVERSING", "REVERSED")
        assert (await self.sales.databases.messages_about(self.deal_id)).count("transfer.reversed") == 1


class Refund(Deal):
    async def run(self) -> None:
        refunded = await answered_twice(partial(self.seller.refund, self.order.order_id))
        assert refunded["credits_returned"] == f"{self.order.total:.2f}"

    async def assert_done(self) -> None:
        assert await self.sales.seat_statuses([self.seat_id]) == {"AVAILABLE"}
        await self.assert_gained(seller=Decimal(0), buyer=Decimal(0))
        assert await self.sales.databases.order_states(self.order.order_id) == ["PENDING", "CONFIRMED", "REFUNDED"]
        assert await self.sales.databases.movements_of(self.order.order_id) == ["deduct", "refund"]
        assert (await self.sales.databases.messages_about(self.order.order_id)).count("order.refunded") == 1


class Listing(Deal):
    async def run(self) -> None:
        await self.list_ticket()

    async def assert_done(self) -> None:
        await self.assert_ticket(self.seller, "LISTED", price=self.order.total)
        await self.assert_listing("OPENING", "ACTIVE")


class Withdrawal(Deal):
    async def set_up(self) -> None:
        await self.list_ticket()

    async def run(self) -> None:
        assert (await answered_twice(partial(self.seller.withdraw, self.deal_id)))["status"] == "CANCELLED"

    async def assert_done(self) -> None:
        await self.assert_ticket(self.seller, "SOLD", price=self.order.total)
        await self.assert_listing("OPENING", "ACTIVE", "WITHDRAWING", "CANCELLED")


class Resale(Deal):
    async def set_up(self) -> None:
        await self.list_ticket()

    async def run(self) -> None:
        await self.sell()
        approved = await answered_twice(partial(self.seller.approve, self.deal_id))
        assert (approved["status"], approved["new_owner_user_id"]) == ("COMPLETED", str(self.buyer.user_id))

    async def sell(self) -> None:
        """Let the buyer buy; the seller has not approved."""
        sale = await answered_twice(partial(self.buyer.buy, self.deal_id))
        self.sale_id = uuid.UUID(sale["sale_id"])

    async def assert_done(self) -> None:
        await self.assert_sold_to_buyer(self.sale_id)
        await self.assert_listing("OPENING", "ACTIVE", "PENDING_TRANSFER", "COMPLETED")
        assert await self.sales.databases.messages_about(self.sale_id) == ["sale.completed", "sale.pending"]


class Approval(Resale):
    """A sale that lacks only the seller's code."""

    async def set_up(self) -> None:
        await super().set_up()
        await self.sell()

    async def run(self) -> None:
        assert (await answered_twice(partial(self.seller.approve, self.deal_id)))["status"] == "COMPLETED"

    async def assert_failed(self) -> None:
        await self.assert_kept(self.sale_id, "LISTED")
        await self.assert_listing("OPENING", "ACTIVE", "PENDING_TRANSFER", "ACTIVE")
        assert await self.sales.databases.messages_about(self.sale_id) == ["sale.failed", "sale.pending"]


class DeclinedSale(Resale):
    """The seller withdraws the listing while a sale is pending."""

    async def set_up(self) -> None:
        await super().set_up()
        await self.sell()

    async def run(self) -> None:
        assert (await answered_twice(partial(self.seller.withdraw, self.deal_id)))["status"] == "CANCELLED"

    async def assert_done(self) -> None:
        await self.assert_kept(self.sale_id, "SOLD")
        await self.assert_listing("OPENING", "ACTIVE", "PENDING_TRANSFER", "ACTIVE", "WITHDRAWING", "CANCELLED")
        assert await self.sales.databases.messages_about(self.sale_id) == ["sale.failed", "sale.pending"]
