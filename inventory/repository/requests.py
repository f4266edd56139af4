"""Commands as repeatable requests."""

from dataclasses import asdict

from common.db.idempotency import ParticipantRequest
from inventory.schemas import BestAvailable, ChangeOwner, ConfirmHold, ReclaimSeats, ReleaseHold, Resale, ReserveSeats

__all__ = ["request_of"]

Command = BestAvailable | ChangeOwner | ConfirmHold | ReclaimSeats | ReleaseHold | Resale | ReserveSeats


def request_of(command: Command, operation: str = "") -> ParticipantRequest:
    """Return the command's request; the operation is the class's name when omitted."""
    arguments = asdict(command)
    return ParticipantRequest.of(arguments.pop("request_id"), operation or type(command).__name__, **arguments)
