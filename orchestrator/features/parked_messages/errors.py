"""Errors of parked messages."""

from common.errors import Conflict, NotFound


class ParkedMessageNotFound(NotFound):
    public_message = "There is no such parked message."


class ParkedMessageSettled(Conflict):
    """Another admin was faster, or the message's queue is unknown."""

    code = "PARKED_INVALID_STATE"
    public_message = "The message was already replayed or discarded, or its queue is unknown."
