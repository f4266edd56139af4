"""A resale on the marketplace: the buyer's credits are in escrow until the seller approves."""

from decimal import Decimal
from typing import Final

from devstack.demo.context import Choice, Context, expect_refusal
from devstack.demo.narrator import expect

__all__ = ["resell_ticket"]

ASKING_PRICE: Final = Decimal("1.10")  # of face value
ABOVE_CAP: Final = Decimal("1.21")  # of face value; the default cap is 120 %


def resell_ticket(context: Context, choice: Choice) -> None:
    """Let Ben sell his seat to Cleo."""
    narrator, ben, cleo = context.narrator, context.ben, context.cleo
    face_value = Decimal(choice.single["price"])
    price = face_value * ASKING_PRICE
    balances = ben.balance(), cleo.balance()
    narrator.section("Resale")
    with (
        narrator.step("Ben's asking price above the cap is refused") as details,
        expect_refusal({"PRICE_ABOVE_CAP"}, 400, details),
    ):
        ben.list_ticket(choice.single_id, face_value * ABOVE_CAP)
    with narrator.step("Ben lists his ticket at a lower price") as details:
        listing_id = str(ben.list_ticket(choice.single_id, price)["listing_id"])
        expect(
            "what is on sale",
            wanted=[listing_id],
            seen=[listing["listing_id"] for listing in cleo.listings(choice.event_id)],
        )
        details.append(f"{price:.2f} credits for a face value of {face_value}")
    with narrator.step("Cleo buys it; her credits are held in escrow") as details:
        sale = cleo.buy_listed(listing_id)
        expect("the listing", wanted="PENDING_TRANSFER", seen=sale["status"])
        expect("the balances", wanted=(balances[0], balances[1] - price), seen=(ben.balance(), cleo.balance()))
        details.append(f"{sale['credits_held']} credits in escrow")
    with narrator.step("Ben approves with a code") as details:
        sold = ben.approve(listing_id, ben.received_code())
        expect("the listing", wanted="COMPLETED", seen=sold["status"])
        expect("his balance", wanted=balances[0] + price, seen=ben.balance())
        expect("her seats", wanted={choice.single_id}, seen=cleo.seat_ids())
        details.append(f"{sold['credits_received']} credits to Ben, the ticket to Cleo")
