"""The one place where errors decide what becomes of a message in hand."""

import enum

from common.errors import InvalidRequest, ServiceError, Unavailable

__all__ = ["Verdict", "verdict_on"]


class Verdict(enum.StrEnum):
    WAIT = "wait"  # somebody we need is away: the message stays in hand and is tried again
    RETURN = "return"  # nobody knows yet: back to the queue, until the delivery limit
    PARK = "park"  # it will never work: to `parking`, for people


def verdict_on(error: Exception) -> Verdict:
    if isinstance(error, Unavailable):
        return Verdict.WAIT
    if isinstance(error, InvalidRequest):
        return Verdict.PARK
    return Verdict.PARK if isinstance(error, ServiceError) else Verdict.RETURN
