"""Which calls are repeated, and after which pause."""

import random
import uuid
from dataclasses import dataclass
from typing import Any, Final

import httpx

from ticketremaster_client.calls import Call
from ticketremaster_client.errors import (
    ApiError,
    NoAnswer,
    RateLimited,
    StillProcessing,
    Unavailable,
    error_of,
    seconds_of,
)

__all__ = ["Attempts", "Pause", "Repeats"]

IN_PROGRESS: Final = "REQUEST_IN_PROGRESS"  # of the first request with the key
FIRST_PAUSE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """How often a call is made at most, if it is refused with 429, or if it is repeatable and its outcome is open.

    Args:
        attempts: at least 1.
        longest_pause_seconds: a call that is to be repeated later than that raises.
    """

    attempts: int = 6
    longest_pause_seconds: float = 30.0


class Attempts:
    """The attempts of one call, which all have the same `Idempotency-Key`."""

    def __init__(self, repeats: Repeats, call: Call[Any], idempotency_key: str | None) -> None:
        self._repeats = repeats
        self._call = call
        self._made = 0
        self.headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())} if call.takes_key else {}

    def pause_after(self, answer: httpx.Response | NoAnswer) -> Pause | None:
        """Return the pause before the next attempt, or None if the call has succeeded.

        Raises:
            ApiError: the API refuses the call.
            StillProcessing: the work goes on; the call is not repeatable, or has been made often enough.
            NoAnswer: the connection failed, on the last attempt too.
        """
        self._made += 1
        if isinstance(answer, NoAnswer):
            return self._pause(answer, may_repeat=self._call.is_repeatable, asked=None)
        asked = seconds_of(answer.headers.get("Retry-After"))
        if answer.status_code == httpx.codes.ACCEPTED and self._call.may_be_pending:
            pending = StillProcessing(answer.json()["data"])
            return self._pause(pending, may_repeat=self._call.is_repeatable, asked=asked)
        if answer.is_success:
            return None
        error = error_of(answer)
        return self._pause(error, may_repeat=self._may_repeat(error), asked=asked)

    def _may_repeat(self, error: ApiError) -> bool:
        is_open = isinstance(error, Unavailable) or error.code == IN_PROGRESS
        return isinstance(error, RateLimited) or (is_open and self._call.is_repeatable)

    def _pause(self, error: ApiError | StillProcessing | NoAnswer, *, may_repeat: bool, asked: float | None) -> Pause:
        spread = random.uniform(0.75, 1.0)  # noqa: S311 - it only keeps clients from calling in step
        seconds = FIRST_PAUSE_SECONDS * 2.0 ** (self._made - 1) * spread if asked is None else asked
        if not may_repeat or self._made >= self._repeats.attempts or seconds > self._repeats.longest_pause_seconds:
            raise error
        return Pause(seconds)
