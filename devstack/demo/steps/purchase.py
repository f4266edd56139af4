"""Two tickets bought, and what that means for everybody else."""

from decimal import Decimal
from typing import Final

from devstack.demo.context import TOP_UP, Choice, Context, named, refused
from devstack.demo.narrator import expect

__all__ = ["buy_two", "refuse_taken_seats"]

CODE_SHOWN: Final = 32  # characters of a QR payload


def buy_two(context: Context, choice: Choice) -> None:
    narrator, ada = context.narrator, context.ada
    narrator.chapter("Ada buys two tickets")
    with narrator.step("She reserves two seats") as told:
        hold = ada.reserve(choice.event_id, choice.pair_ids)
        expect("the order", wanted="HELD", seen=hold["status"])
        told.extend([*map(named, choice.pair), f"held for {hold['ttl_seconds']:g} s"])
    with narrator.step("She pays") as told:
        price = sum((Decimal(seat["price"]) for seat in choice.pair), Decimal())
        receipt = ada.pay(hold["order_id"])
        expect("the order", wanted="CONFIRMED", seen=receipt["status"])
        expect("the charge", wanted=price, seen=Decimal(receipt["credits_charged"]))
        expect("the balance", wanted=Decimal(TOP_UP) - price, seen=ada.balance())
        told.append(f"{receipt['credits_charged']} credits, {receipt['remaining_balance']} left")
    with narrator.step("Her tickets have QR codes") as told:
        expect("the paid seats", wanted=sorted(choice.pair_ids), seen=sorted(t["seat_id"] for t in receipt["tickets"]))
        expect("her seats", wanted=set(choice.pair_ids), seen=ada.seat_ids())
        told.append(f"good for {ada.qr(choice.pair_ids[0])['ttl_seconds']} s each")
    for ticket in receipt["tickets"]:
        narrator.note(f"{ticket['qr_payload'][:CODE_SHOWN]}…")


def refuse_taken_seats(context: Context, choice: Choice) -> None:
    narrator, ben = context.narrator, context.ben
    narrator.chapter("Ben wants the same seats")
    with narrator.step("He is refused at once") as told, refused({"SEAT_UNAVAILABLE", "SEAT_ALREADY_SOLD"}, 409, told):
        ben.reserve(choice.event_id, choice.pair_ids)
    with narrator.step("His credits are untouched"):
        expect("the balance", wanted=Decimal(TOP_UP), seen=ben.balance())
