"""A ticket sold to a stranger: the credits wait in escrow until the seller approves."""

from decimal import Decimal
from typing import Final

from devstack.demo.context import Choice, Context, refused
from devstack.demo.narrator import expect

__all__ = ["resell"]

ASKED: Final = Decimal("1.10")  # of face value
ABOVE_CAP: Final = Decimal("1.21")  # 120 % of face value is the most, unless an event says otherwise


def resell(context: Context, choice: Choice) -> None:
    """Let Ben sell his seat to Cleo."""
    narrator, ben, cleo = context.narrator, context.ben, context.cleo
    face_value = Decimal(choice.single["price"])
    price = face_value * ASKED
    balances = ben.balance(), cleo.balance()
    narrator.chapter("Ben sells a ticket on the marketplace")
    with narrator.step("He asks too much") as told, refused({"PRICE_ABOVE_CAP"}, 400, told):
        ben.list_ticket(choice.single_id, face_value * ABOVE_CAP)
    with narrator.step("He asks less, and it is listed") as told:
        listing_id = str(ben.list_ticket(choice.single_id, price)["listing_id"])
        expect(
            "what is on sale", wanted=[listing_id], seen=[one["listing_id"] for one in cleo.listings(choice.event_id)]
        )
        told.append(f"{price:.2f} credits for a ticket of {face_value}")
    with narrator.step("Cleo buys it, and her credits wait in escrow") as told:
        sale = cleo.buy_listed(listing_id)
        expect("the listing", wanted="PENDING_TRANSFER", seen=sale["status"])
        expect("the balances", wanted=(balances[0], balances[1] - price), seen=(ben.balance(), cleo.balance()))
        told.append(f"{sale['credits_held']} credits are nobody's to spend")
    with narrator.step("Ben approves by the code on his phone") as told:
        sold = ben.approve(listing_id, ben.received_code())
        expect("the listing", wanted="COMPLETED", seen=sold["status"])
        expect("his balance", wanted=balances[0] + price, seen=ben.balance())
        expect("her seats", wanted={choice.single_id}, seen=cleo.seat_ids())
        told.append(f"{sold['credits_received']} credits to Ben, the ticket to Cleo")
