"""Two tickets bought, and what that means for everybody else."""

from decimal import Decimal
from typing import Final

from devstack.demo.cast import TOP_UP, Cast, Choice, named, refused
from devstack.demo.telling import expect

__all__ = ["buy_two", "refuse_taken_seats"]

CODE_SHOWN: Final = 32  # characters of a QR payload


def buy_two(cast: Cast, choice: Choice) -> None:
    story, ada = cast.story, cast.ada
    story.chapter("Ada buys two tickets")
    with story.step("She reserves two seats") as told:
        hold = ada.reserve(choice.event_id, choice.pair_ids)
        expect("the order", wanted="HELD", seen=hold["status"])
        told.extend([*map(named, choice.pair), f"held for {hold['ttl_seconds']:g} s"])
    with story.step("She pays") as told:
        price = sum((Decimal(seat["price"]) for seat in choice.pair), Decimal())
        receipt = ada.pay(hold["order_id"])
        expect("the order", wanted="CONFIRMED", seen=receipt["status"])
        expect("the charge", wanted=price, seen=Decimal(receipt["credits_charged"]))
        expect("the balance", wanted=Decimal(TOP_UP) - price, seen=ada.balance())
        told.append(f"{receipt['credits_charged']} credits, {receipt['remaining_balance']} left")
    with story.step("Her tickets have QR codes") as told:
        expect("the paid seats", wanted=sorted(choice.pair_ids), seen=sorted(t["seat_id"] for t in receipt["tickets"]))
        expect("her seats", wanted=set(choice.pair_ids), seen=ada.seat_ids())
        told.append(f"good for {ada.qr(choice.pair_ids[0])['ttl_seconds']} s each")
    for ticket in receipt["tickets"]:
        story.note(f"{ticket['qr_payload'][:CODE_SHOWN]}…")


def refuse_taken_seats(cast: Cast, choice: Choice) -> None:
    story, ben = cast.story, cast.ben
    story.chapter("Ben wants the same seats")
    with story.step("He is refused at once") as told, refused({"SEAT_UNAVAILABLE", "SEAT_ALREADY_SOLD"}, 409, told):
        ben.reserve(choice.event_id, choice.pair_ids)
    with story.step("His credits are untouched"):
        expect("the balance", wanted=Decimal(TOP_UP), seen=ben.balance())
