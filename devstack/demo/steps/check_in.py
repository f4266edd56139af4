"""Check-in: each ticket is admitted once, to its hall, for its current owner."""

from devstack.demo.context import Choice, Context
from devstack.demo.narrator import expect
from devstack.demo.staff_client import STAFF


def check_in_fans(context: Context, choice: Choice, *, old_code: str) -> None:
    """Check Ada and Ben in.

    Args:
        old_code: Ada's QR code of the ticket that Ben owns now.
    """
    narrator, dana = context.narrator, context.dana
    narrator.section("Check-in")
    with narrator.step("Dana, a staff member, logs in"):
        dana.log_in(STAFF)
    codes = context.ada.qr(choice.pair_ids[0])["qr_payload"], context.ben.qr(choice.pair_ids[1])["qr_payload"]
    _scan(context, "Ada presents her ticket", codes[0], hall_id=choice.hall_id, result="SUCCESS")
    _scan(context, "The same QR code is presented again", codes[0], hall_id=choice.hall_id, result="DUPLICATE")
    _scan(context, "Ada presents the ticket that she transferred", old_code, hall_id=choice.hall_id, result="NOT_OWNER")
    _scan(
        context,
        "Ben presents his ticket at the wrong hall",
        codes[1],
        hall_id=f"{choice.hall_id}-EAST",
        result="WRONG_HALL",
    )
    _scan(context, "Ben presents his ticket at the right hall", codes[1], hall_id=choice.hall_id, result="SUCCESS")


def _scan(context: Context, step: str, qr_payload: str, *, hall_id: str, result: str) -> None:
    with context.narrator.step(step) as details:
        scan = context.dana.scan(qr_payload, hall_id=hall_id)
        expect("the scan's result", wanted=result, seen=scan["result"])
        details.append(f"{result}: {scan['message']}")
