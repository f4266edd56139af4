"""A purchase of two seats; the same seats are refused to another fan."""

from decimal import Decimal
from typing import Final

from devstack.demo.context import TOP_UP, Choice, Context, expect_refusal, seat_name
from devstack.demo.narrator import expect

__all__ = ["buy_two_tickets", "refuse_taken_seats"]

CODE_SHOWN: Final = 32  # characters of a QR payload


def buy_two_tickets(context: Context, choice: Choice) -> None:
    narrator, ada = context.narrator, context.ada
    narrator.section("Purchase")
    with narrator.step("Ada reserves two seats") as details:
        hold = ada.reserve(choice.event_id, choice.pair_ids)
        expect("the order", wanted="HELD", seen=hold["status"])
        details.extend([*map(seat_name, choice.pair), f"held for {hold['ttl_seconds']:g} s"])
    with narrator.step("Ada pays") as details:
        price = sum((Decimal(seat["price"]) for seat in choice.pair), Decimal())
        receipt = ada.pay(hold["order_id"])
        expect("the order", wanted="CONFIRMED", seen=receipt["status"])
        expect("the charge", wanted=price, seen=Decimal(receipt["credits_charged"]))
        expect("the balance", wanted=Decimal(TOP_UP) - price, seen=ada.balance())
        details.append(f"{receipt['credits_charged']} credits, {receipt['remaining_balance']} remaining")
    with narrator.step("Ada's tickets have QR codes") as details:
        expect("the paid seats", wanted=sorted(choice.pair_ids), seen=sorted(t["seat_id"] for t in receipt["tickets"]))
        expect("her seats", wanted=set(choice.pair_ids), seen=ada.seat_ids())
        details.append(f"valid for {ada.qr(choice.pair_ids[0])['ttl_seconds']} s each")
    for ticket in receipt["tickets"]:
        narrator.note(f"{ticket['qr_payload'][:CODE_SHOWN]}…")


def refuse_taken_seats(context: Context, choice: Choice) -> None:
    narrator, ben = context.narrator, context.ben
    narrator.section("Taken seats")
    with (
        narrator.step("Ben's reservation of the same seats is refused") as details,
        expect_refusal({"SEAT_UNAVAILABLE", "SEAT_ALREADY_SOLD"}, 409, details),
    ):
        ben.reserve(choice.event_id, choice.pair_ids)
    with narrator.step("Ben's credits are unchanged"):
        expect("the balance", wanted=Decimal(TOP_UP), seen=ben.balance())
