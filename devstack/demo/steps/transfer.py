"""A ticket handed to a friend for credits, both of them confirming by code."""

from decimal import Decimal
from typing import Final

from devstack.demo.context import Choice, Context, named, refused
from devstack.demo.narrator import expect

__all__ = ["hand_over"]

CREDITS: Final = "100.00"


def hand_over(context: Context, choice: Choice) -> str:
    """Let Ada give one of her two tickets to Ben; return the code she had of it."""
    narrator, ada, ben = context.narrator, context.ada, context.ben
    seat_id = choice.pair_ids[1]
    balances = ada.balance(), ben.balance()
    narrator.chapter("Ada hands a ticket to Ben")
    with narrator.step(f"She offers it for {CREDITS} credits") as told:
        old_code = str(ada.qr(seat_id)["qr_payload"])
        transfer_id = ada.offer(seat_id, buyer=ben, credits_amount=CREDITS)
        told.append(named(choice.pair[1]))
    with narrator.step("She confirms by the code on her phone") as told:
        waits = ada.confirm(transfer_id, ada.received_code())
        expect("who is waited for", wanted=["buyer"], seen=waits["waiting_for"])
        told.append("nothing has moved yet")
    with narrator.step("Ben confirms by the code on his, and both move at once") as told:
        done = ben.confirm(transfer_id, ben.received_code())
        expect("the transfer", wanted="COMPLETED", seen=done["status"])
        expect("the owner", wanted=ben.user_id, seen=done["new_owner_user_id"])
        credits_amount = Decimal(CREDITS)
        expect("her balance", wanted=balances[0] + credits_amount, seen=ada.balance())
        expect("his balance", wanted=balances[1] - credits_amount, seen=ben.balance())
        told.append(f"{done['credits_transferred']} credits to Ada, the ticket to Ben")
    with narrator.step("Ada gets no code for it any more") as told, refused({"NOT_SEAT_OWNER"}, 403, told):
        ada.qr(seat_id)
    return old_code
