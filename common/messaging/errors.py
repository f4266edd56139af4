"""The one place where errors decide what becomes of a message in hand."""

import enum

from common.errors import InvalidRequest, ServiceError, Unavailable

__all__ = ["MessageDisposition", "disposition_of"]


class MessageDisposition(enum.StrEnum):
    WAIT = "wait"  # somebody we need is away: the message stays in hand and is tried again
    RETURN = "return"  # nobody knows yet: back to the queue, until the delivery limit
    PARK = "park"  # it will never work: to `parking`, for people


def disposition_of(error: Exception) -> MessageDisposition:
    if isinstance(error, Unavailable):
        return MessageDisposition.WAIT
    if isinstance(error, InvalidRequest):
        return MessageDisposition.PARK
    return MessageDisposition.PARK if isinstance(error, ServiceError) else MessageDisposition.RETURN
