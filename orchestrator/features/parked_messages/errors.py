"""What parked messages say no with."""

from common.errors import Conflict, NotFound

__all__ = ["ParkedMessageNotFound", "ParkedMessageSettled"]


class ParkedMessageNotFound(NotFound):
    public_message = "There is no such parked message."


class ParkedMessageSettled(Conflict):
    """Somebody was faster, or there is nowhere to send it to."""

    code = "PARKED_INVALID_STATE"
    public_message = "The message was replayed or discarded before, or it came from no queue of ours."
