"""The door: each ticket is admitted once, to its hall, for whoever has it now."""

from devstack.demo.context import Choice, Context
from devstack.demo.narrator import expect
from devstack.demo.officials import STAFF

__all__ = ["open_door"]


def open_door(context: Context, choice: Choice, *, old_code: str) -> None:
    """Let Ada and Ben in.

    Args:
        old_code: what Ada kept of the ticket that is Ben's now.
    """
    narrator, dana = context.narrator, context.dana
    narrator.chapter("Dana stands at the door")
    with narrator.step("She logs in to her scanner"):
        dana.log_in(STAFF)
    codes = context.ada.qr(choice.pair_ids[0])["qr_payload"], context.ben.qr(choice.pair_ids[1])["qr_payload"]
    _scan(context, "Ada shows her ticket", codes[0], hall_id=choice.hall_id, result="SUCCESS")
    _scan(context, "Somebody comes with a picture of it", codes[0], hall_id=choice.hall_id, result="DUPLICATE")
    _scan(context, "Ada tries the ticket that she gave away", old_code, hall_id=choice.hall_id, result="NOT_OWNER")
    _scan(context, "Ben goes to the wrong hall", codes[1], hall_id=f"{choice.hall_id}-EAST", result="WRONG_HALL")
    _scan(context, "Ben shows the ticket that Ada gave him", codes[1], hall_id=choice.hall_id, result="SUCCESS")


def _scan(context: Context, step: str, qr_payload: str, *, hall_id: str, result: str) -> None:
    with context.narrator.step(step) as told:
        shown = context.dana.scan(qr_payload, hall_id=hall_id)
        expect("the scan's result", wanted=result, seen=shown["result"])
        told.append(f"{result}: {shown['message']}")
