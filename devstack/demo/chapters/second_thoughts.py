"""A fan who has to prove who she is before she may pay, and who gives the ticket back."""

from decimal import Decimal

from devstack.demo.cast import Cast, Choice, named, refused
from devstack.demo.officials import ADMIN
from devstack.demo.telling import expect

__all__ = ["give_back", "pay_by_code"]


def pay_by_code(cast: Cast, choice: Choice) -> str:
    """Let Cleo, flagged by now, buy the last seat; return the order's id."""
    story, cleo = cast.story, cast.cleo
    balance = cleo.balance()
    story.chapter("Cleo looks risky, and pays by code")
    with story.step("Sam, the admin, flags her account"):
        cast.sam.log_in(ADMIN)
        cast.sam.flag(cleo.user_id)
    with story.step("She reserves a seat and wants to pay") as told, refused({"OTP_REQUIRED"}, 428, told):
        order_id = str(cleo.reserve(choice.event_id, [choice.spare_id])["order_id"])
        cleo.pay(order_id)
    code = cleo.received_code()
    with story.step("She mistypes the code on her phone") as told, refused({"OTP_INVALID"}, 401, told):
        cleo.prove(order_id, code[::-1])
    with story.step("She types it right, and pays") as told:
        cleo.prove(order_id, code)
        receipt = cleo.pay(order_id)
        expect("the order", wanted="CONFIRMED", seen=receipt["status"])
        expect("her balance", wanted=balance - Decimal(choice.spare["price"]), seen=cleo.balance())
        told.append(f"{named(choice.spare)}; {receipt['credits_charged']} credits")
    return order_id


def give_back(cast: Cast, choice: Choice, *, order_id: str) -> None:
    story, cleo = cast.story, cast.cleo
    balance, code = cleo.balance(), str(cleo.qr(choice.spare_id)["qr_payload"])
    story.chapter("Cleo changes her mind")
    with story.step("She gives the ticket back") as told:
        refund = cleo.refund(order_id)
        expect("the order", wanted="REFUNDED", seen=refund["status"])
        expect("her balance", wanted=balance + Decimal(choice.spare["price"]), seen=cleo.balance())
        told.append(f"{refund['credits_returned']} credits returned")
    with story.step("Its code opens no door") as told:
        shown = cast.dana.scan(code, hall_id=choice.hall_id)
        expect("the scan's result", wanted="UNPAID", seen=shown["result"])
        told.append(f"{shown['result']}: {shown['message']}")
    with story.step("The seat is on sale again"):
        seats = {seat["seat_id"]: seat["status"] for seat in cleo.event(choice.event_id)["seats"]}
        expect("the seat", wanted="AVAILABLE", seen=seats[choice.spare_id])
