"""What the orchestrator itself can say no with. What participants say passes through with its own code."""

from common.errors import (
    Conflict,
    Forbidden,
    Gone,
    InvalidRequest,
    NotFound,
    PreconditionRequired,
    TooManyRequests,
)

__all__ = [
    "EventCancelled",
    "EventEnded",
    "EventInvalidState",
    "EventNotFound",
    "HoldExpired",
    "ListingInvalidState",
    "ListingNotFound",
    "NotSeatOwner",
    "NotYours",
    "OrderAlreadyConfirmed",
    "OrderCancelled",
    "OrderInvalidState",
    "OrderNotFound",
    "OtpMaxRetries",
    "OtpRequired",
    "PriceAboveCap",
    "QrInvalid",
    "RefundWindowClosed",
    "SaleDeclined",
    "SaleExpired",
    "SelfTransfer",
    "TicketNotUsable",
    "TransferCancelled",
    "TransferExpired",
    "TransferInvalidState",
    "TransferNotFound",
    "UnverifiedAccount",
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


class NotYours(Forbidden):
    public_message = "That belongs to somebody else."


class NotSeatOwner(Forbidden):
    code = "NOT_SEAT_OWNER"
    public_message = "That ticket belongs to somebody else."


class QrInvalid(InvalidRequest):
    code = "QR_INVALID"
    public_message = "That is not one of our tickets."


class TicketNotUsable(Conflict):
    code = "ORDER_INVALID_STATE"
    public_message = "The ticket was used, or is on sale again."


class OtpRequired(PreconditionRequired):
    """A flagged user pays: a code was sent to their phone (T6)."""

    public_message = "Please confirm with the code we sent to your phone, then pay again."


class OtpMaxRetries(TooManyRequests):
    code = "OTP_MAX_RETRIES"
    public_message = "Three wrong codes."


class EventCancelled(EventEnded):
    """Why purchases, transfers and sales unwind when their event is called off."""

    public_message = "The event was cancelled."


class EventInvalidState(Conflict):
    code = "EVENT_INVALID_STATE"
    public_message = "The event is not in a state that allows this."


class RefundWindowClosed(Conflict):
    code = "ORDER_INVALID_STATE"
    public_message = "It is too late for a refund."


class SelfTransfer(InvalidRequest):
    code = "SELF_TRANSFER"
    public_message = "That is your own ticket."


class UnverifiedAccount(Forbidden):
    code = "UNVERIFIED_ACCOUNT"
    public_message = "The account's phone is not verified yet."


class TransferNotFound(NotFound):
    code = "TRANSFER_NOT_FOUND"
    public_message = "There is no such transfer."


class TransferInvalidState(Conflict):
    code = "TRANSFER_INVALID_STATE"
    public_message = "The transfer is not in a state that allows this."


class TransferCancelled(Conflict):
    """Why a transfer unwinds that a party gave up. Nobody is answered with it."""

    code = "TRANSFER_CANCELLED"
    public_message = "The transfer was cancelled."


class TransferExpired(Gone):
    code = "OTP_EXPIRED"
    public_message = "The transfer was not confirmed in time."


class PriceAboveCap(InvalidRequest):
    code = "PRICE_ABOVE_CAP"
    public_message = "That is more than a ticket of this event may be resold for."


class ListingNotFound(NotFound):
    code = "LISTING_NOT_FOUND"
    public_message = "There is no such listing."


class ListingInvalidState(Conflict):
    code = "LISTING_INVALID_STATE"
    public_message = "The listing is not in a state that allows this."


class SaleDeclined(Conflict):
    """Why a sale unwinds that its seller does not want. Nobody is answered with it."""

    code = "SALE_DECLINED"
    public_message = "The seller has declined."


class SaleExpired(Gone):
    code = "OFFER_EXPIRED"
    public_message = "The sale was not approved in time."
