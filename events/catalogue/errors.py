"""The refusals of the catalogue."""

from common.errors import Conflict, InvalidRequest, NotFound


class EventNotFound(NotFound):
    code = "EVENT_NOT_FOUND"
    public_message = "There is no such event."


class VenueNotFound(NotFound):
    public_message = "There is no such venue."


class HallNotFound(NotFound):
    public_message = "The venue has no such hall."


class EventConflict(Conflict):
    code = "EVENT_CONFLICT"
    public_message = "Another event has the hall at that time."


class EventTimesInvalid(InvalidRequest):
    public_message = "Doors open before the event begins, it ends afterwards, and a new date is in the future."


class EventInvalidState(Conflict):
    code = "EVENT_INVALID_STATE"
    public_message = "The event's status does not allow that."
