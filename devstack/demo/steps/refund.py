"""A fan who has to prove who she is before she may pay, and who gives the ticket back."""

from decimal import Decimal

from devstack.demo.context import Choice, Context, named, refused
from devstack.demo.narrator import expect
from devstack.demo.officials import ADMIN

__all__ = ["give_back", "pay_by_code"]


def pay_by_code(context: Context, choice: Choice) -> str:
    """Let Cleo, flagged by now, buy the last seat; return the order's id."""
    narrator, cleo = context.narrator, context.cleo
    balance = cleo.balance()
    narrator.chapter("Cleo looks risky, and pays by code")
    with narrator.step("Sam, the admin, flags her account"):
        context.sam.log_in(ADMIN)
        context.sam.flag(cleo.user_id)
    with narrator.step("She reserves a seat and wants to pay") as told, refused({"OTP_REQUIRED"}, 428, told):
        order_id = str(cleo.reserve(choice.event_id, [choice.spare_id])["order_id"])
        cleo.pay(order_id)
    code = cleo.received_code()
    with narrator.step("She mistypes the code on her phone") as told, refused({"OTP_INVALID"}, 401, told):
        cleo.prove(order_id, code[::-1])
    with narrator.step("She types it right, and pays") as told:
        cleo.prove(order_id, code)
        receipt = cleo.pay(order_id)
        expect("the order", wanted="CONFIRMED", seen=receipt["status"])
        expect("her balance", wanted=balance - Decimal(choice.spare["price"]), seen=cleo.balance())
        told.append(f"{named(choice.spare)}; {receipt['credits_charged']} credits")
    return order_id


def give_back(context: Context, choice: Choice, *, order_id: str) -> None:
    narrator, cleo = context.narrator, context.cleo
    balance, code = cleo.balance(), str(cleo.qr(choice.spare_id)["qr_payload"])
    narrator.chapter("Cleo changes her mind")
    with narrator.step("She gives the ticket back") as told:
        refund = cleo.refund(order_id)
        expect("the order", wanted="REFUNDED", seen=refund["status"])
        expect("her balance", wanted=balance + Decimal(choice.spare["price"]), seen=cleo.balance())
        told.append(f"{refund['credits_returned']} credits returned")
    with narrator.step("Its code opens no door") as told:
        shown = context.dana.scan(code, hall_id=choice.hall_id)
        expect("the scan's result", wanted="UNPAID", seen=shown["result"])
        told.append(f"{shown['result']}: {shown['message']}")
    with narrator.step("The seat is on sale again"):
        seats = {seat["seat_id"]: seat["status"] for seat in cleo.event(choice.event_id)["seats"]}
        expect("the seat", wanted="AVAILABLE", seen=seats[choice.spare_id])
