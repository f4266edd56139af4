"""A transfer of a ticket for credits; both fans confirm with a code."""

from decimal import Decimal
from typing import Final

from devstack.demo.context import Choice, Context, expect_refusal, seat_name
from devstack.demo.narrator import expect

__all__ = ["transfer_ticket"]

CREDITS: Final = "100.00"


def transfer_ticket(context: Context, choice: Choice) -> str:
    """Transfer one of Ada's two tickets to Ben; return its previous QR code."""
    narrator, ada, ben = context.narrator, context.ada, context.ben
    seat_id = choice.pair_ids[1]
    balances = ada.balance(), ben.balance()
    narrator.section("Transfer")
    with narrator.step(f"Ada offers Ben a ticket for {CREDITS} credits") as details:
        old_code = str(ada.qr(seat_id)["qr_payload"])
        transfer_id = ada.offer(seat_id, buyer=ben, credits_amount=CREDITS)
        details.append(seat_name(choice.pair[1]))
    with narrator.step("Ada confirms with a code") as details:
        pending = ada.confirm(transfer_id, ada.received_code())
        expect("the missing confirmation", wanted=["buyer"], seen=pending["waiting_for"])
        details.append("nothing is transferred yet")
    with narrator.step("Ben confirms with a code; ticket and credits move together") as details:
        done = ben.confirm(transfer_id, ben.received_code())
        expect("the transfer", wanted="COMPLETED", seen=done["status"])
        expect("the owner", wanted=ben.user_id, seen=done["new_owner_user_id"])
        credits_amount = Decimal(CREDITS)
        expect("her balance", wanted=balances[0] + credits_amount, seen=ada.balance())
        expect("his balance", wanted=balances[1] - credits_amount, seen=ben.balance())
        details.append(f"{done['credits_transferred']} credits to Ada, the ticket to Ben")
    with (
        narrator.step("Ada's request for its QR code is refused") as details,
        expect_refusal({"NOT_SEAT_OWNER"}, 403, details),
    ):
        ada.qr(seat_id)
    return old_code
