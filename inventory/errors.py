"""The inventory's errors."""

from common.errors import Conflict, Forbidden, Gone, InvalidRequest, NotFound, TooManyRequests


class SeatNotFound(NotFound):
    code = "SEAT_NOT_FOUND"
    public_message = "There is no such seat."


class SeatsOfTwoEvents(InvalidRequest):
    public_message = "The seats belong to two events."


class SeatUnavailable(Conflict):
    code = "SEAT_UNAVAILABLE"
    public_message = "A seat is taken."


class SeatAlreadySold(Conflict):
    code = "SEAT_ALREADY_SOLD"
    public_message = "A seat is sold."


class SeatNotHeld(Conflict):
    code = "SEAT_NOT_HELD"
    public_message = "Those seats are held by another user."


class NotCheckedIn(Conflict):
    code = "ORDER_INVALID_STATE"
    public_message = "The ticket is not checked in."


class HoldExpired(Gone):
    code = "HOLD_EXPIRED"
    public_message = "The hold has ended."


class EventEnded(Gone):
    code = "EVENT_ENDED"
    public_message = "The event is no longer on sale."


class NotSeatOwner(Forbidden):
    code = "NOT_SEAT_OWNER"
    public_message = "The ticket belongs to another user."


class PurchaseLimitReached(Conflict):
    code = "PURCHASE_LIMIT_REACHED"
    public_message = "You would hold more seats than one account may."


class HoldCooldown(TooManyRequests):
    code = "HOLD_COOLDOWN"
    public_message = "Several of your holds of this event ended without a purchase. Please try again later."


class EventAlreadyProvisioned(Conflict):
    public_message = "The event already has seats."


class RepeatedRows(InvalidRequest):
    public_message = "Two rows of the hall have one name. Name their sections."


class SeatsInUse(Conflict):
    public_message = "Seats that were held or sold cannot be discarded."
