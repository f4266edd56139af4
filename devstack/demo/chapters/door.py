"""The door: each ticket is admitted once, to its hall, for whoever has it now."""

from devstack.demo.cast import Cast, Choice
from devstack.demo.officials import STAFF
from devstack.demo.telling import expect

__all__ = ["open_door"]


def open_door(cast: Cast, choice: Choice, *, old_code: str) -> None:
    """Let Ada and Ben in.

    Args:
        old_code: what Ada kept of the ticket that is Ben's now.
    """
    story, dana = cast.story, cast.dana
    story.chapter("Dana stands at the door")
    with story.step("She logs in to her scanner"):
        dana.log_in(STAFF)
    codes = cast.ada.qr(choice.pair_ids[0])["qr_payload"], cast.ben.qr(choice.pair_ids[1])["qr_payload"]
    _scan(cast, "Ada shows her ticket", codes[0], hall_id=choice.hall_id, result="SUCCESS")
    _scan(cast, "Somebody comes with a picture of it", codes[0], hall_id=choice.hall_id, result="DUPLICATE")
    _scan(cast, "Ada tries the ticket that she gave away", old_code, hall_id=choice.hall_id, result="NOT_OWNER")
    _scan(cast, "Ben goes to the wrong hall", codes[1], hall_id=f"{choice.hall_id}-EAST", result="WRONG_HALL")
    _scan(cast, "Ben shows the ticket that Ada gave him", codes[1], hall_id=choice.hall_id, result="SUCCESS")


def _scan(cast: Cast, step: str, qr_payload: str, *, hall_id: str, result: str) -> None:
    with cast.story.step(step) as told:
        shown = cast.dana.scan(qr_payload, hall_id=hall_id)
        expect("the scan's result", wanted=result, seen=shown["result"])
        told.append(f"{result}: {shown['message']}")
