"""Commands as repeatable requests, and their results."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from common.db.idempotency import Attempt, ParticipantRequest
from inventory.schemas import BestAvailable, ChangeOwner, ConfirmHold, ReclaimSeats, ReleaseHold, Resale, ReserveSeats

__all__ = ["Change", "change_of", "request_of"]

Result = TypeVar("Result")

Command = BestAvailable | ChangeOwner | ConfirmHold | ReclaimSeats | ReleaseHold | Resale | ReserveSeats


@dataclass(frozen=True, slots=True)
class Change(Generic[Result]):
    """A change's result, and whether it is new: a replay changes no live seat map."""

    result: Result
    is_new: bool


def change_of(attempt: Attempt, read: Callable[[Mapping[str, Any]], Result]) -> Change[Result] | None:
    """Return the change, with the result that `read` returns; None if the statement did nothing."""
    return None if attempt.done is None else Change(read(attempt.done), is_new=not attempt.is_replay)


def request_of(command: Command, operation: str = "") -> ParticipantRequest:
    """Return the command's request; the operation is the class's name when omitted."""
    arguments = asdict(command)
    if isinstance(command, ReclaimSeats) and not command.seat_ids:
        del arguments["seat_ids"]  # the fingerprint of requests that were stored before this field
    arguments.pop("is_cancelled", None)  # the previous release does not send it; its repeated requests stay the same
    return ParticipantRequest.of(arguments.pop("request_id"), operation or type(command).__name__, **arguments)
