"""Maps a handler's error to the disposition of its message."""

import enum

from common.errors import ServiceError, Unavailable


class MessageDisposition(enum.StrEnum):
    WAIT = "wait"  # a dependency is unavailable: the consumer keeps the message and retries
    RETURN = "return"  # unexpected error: back to the queue, until the delivery limit
    PARK = "park"  # it can never succeed: to `parking`, for an admin


def disposition_of(error: Exception) -> MessageDisposition:
    if isinstance(error, Unavailable):
        return MessageDisposition.WAIT
    return MessageDisposition.PARK if isinstance(error, ServiceError) else MessageDisposition.RETURN
