"""What the orchestrator itself can say no with. What participants say passes through with its own code."""

from common.errors import Conflict, Forbidden, Gone, InvalidRequest, NotFound

__all__ = [
    "EventEnded",
    "EventNotFound",
    "HoldExpired",
    "NotSeatOwner",
    "OrderAlreadyConfirmed",
    "OrderCancelled",
    "OrderInvalidState",
    "OrderNotFound",
    "QrInvalid",
    "TicketNotUsable",
]


class EventNotFound(NotFound):
    code = "EVENT_NOT_FOUND"
    public_message = "There is no such event."


class OrderNotFound(NotFound):
    code = "ORDER_NOT_FOUND"
    public_message = "There is no such order."


class EventEnded(Gone):
    code = "EVENT_ENDED"
    public_message = "The event is over."


class HoldExpired(Gone):
    code = "HOLD_EXPIRED"
    public_message = "The seats were held for a while and are free again."


class OrderCancelled(Conflict):
    """Why a purchase unwinds that its buyer gave up. Nobody is answered with it."""

    code = "ORDER_CANCELLED"
    public_message = "The order was cancelled."


class OrderInvalidState(Conflict):
    code = "ORDER_INVALID_STATE"
    public_message = "The order is not in a state that allows this."


class OrderAlreadyConfirmed(Conflict):
    code = "ORDER_ALREADY_CONFIRMED"
    public_message = "The order is paid already."


class NotSeatOwner(Forbidden):
    code = "NOT_SEAT_OWNER"
    public_message = "That ticket belongs to somebody else."


class QrInvalid(InvalidRequest):
    code = "QR_INVALID"
    public_message = "That is not one of our tickets."


class TicketNotUsable(Conflict):
    code = "ORDER_INVALID_STATE"
    public_message = "The ticket was used, or is on sale again."
