"""A flagged fan confirms a payment with a code, and gets a refund."""

from decimal import Decimal

from devstack.demo.context import Choice, Context, expect_refusal, seat_name
from devstack.demo.narrator import expect
from devstack.demo.staff_client import ADMIN


def pay_with_code(context: Context, choice: Choice) -> str:
    """Flag Cleo and let her buy a seat; return the order's id."""
    narrator, cleo = context.narrator, context.cleo
    balance = cleo.balance()
    narrator.section("Payment with a code")
    with narrator.step("Sam, an admin, flags Cleo's account"):
        context.sam.log_in(ADMIN)
        context.sam.flag(cleo.user_id)
    with narrator.step("Cleo's payment requires a code") as details, expect_refusal({"OTP_REQUIRED"}, 428, details):
        order_id = str(cleo.reserve(choice.event_id, [choice.spare_id])["order_id"])
        cleo.pay(order_id)
    code = cleo.received_code()
    with narrator.step("A wrong code is refused") as details, expect_refusal({"OTP_INVALID"}, 401, details):
        cleo.verify_otp(order_id, code[::-1])
    with narrator.step("Cleo enters the right code and pays") as details:
        cleo.verify_otp(order_id, code)
        receipt = cleo.pay(order_id)
        expect("the order", wanted="CONFIRMED", seen=receipt["status"])
        expect("her balance", wanted=balance - Decimal(choice.spare["price"]), seen=cleo.balance())
        details.append(f"{seat_name(choice.spare)}; {receipt['credits_charged']} credits")
    return order_id


def refund_ticket(context: Context, choice: Choice, *, order_id: str) -> None:
    narrator, cleo = context.narrator, context.cleo
    balance, code = cleo.balance(), str(cleo.qr(choice.spare_id)["qr_payload"])
    narrator.section("Refund")
    with narrator.step("Cleo's order is refunded") as details:
        refund = cleo.refund(order_id)
        expect("the order", wanted="REFUNDED", seen=refund["status"])
        expect("her balance", wanted=balance + Decimal(choice.spare["price"]), seen=cleo.balance())
        details.append(f"{refund['credits_returned']} credits returned")
    with narrator.step("Its QR code is not admitted") as details:
        scan = context.dana.scan(code, hall_id=choice.hall_id)
        expect("the scan's result", wanted="UNPAID", seen=scan["result"])
        details.append(f"{scan['result']}: {scan['message']}")
    with narrator.step("The seat is on sale again"):
        seats = {seat["seat_id"]: seat["status"] for seat in cleo.event(choice.event_id)["seats"]}
        expect("the seat", wanted="AVAILABLE", seen=seats[choice.spare_id])
