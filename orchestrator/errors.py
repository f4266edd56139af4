"""The orchestrator's own errors. A participant's error passes through with its own code."""

from common.errors import (
    Conflict,
    Forbidden,
    Gone,
    InvalidRequest,
    NotFound,
    PreconditionRequired,
    TooManyRequests,
)


class EventNotFound(NotFound):
    code = "EVENT_NOT_FOUND"
    public_message = "There is no such event."


class SeatNotFound(NotFound):
    code = "SEAT_NOT_FOUND"
    public_message = "There is no such seat."


class OrderNotFound(NotFound):
    code = "ORDER_NOT_FOUND"
    public_message = "There is no such order."


class EventEnded(Gone):
    code = "EVENT_ENDED"
    public_message = "The event has ended."


class HoldExpired(Gone):
    code = "HOLD_EXPIRED"
    public_message = "The hold has expired and the seats are free again."


class OrderCancelled(Conflict):
    """Why a purchase unwinds that its buyer cancelled. It is not shown to clients."""

    code = "ORDER_CANCELLED"
    public_message = "The order was cancelled."


class OrderInvalidState(Conflict):
    code = "ORDER_INVALID_STATE"
    public_message = "The order is not in a state that allows this."


class OrderAlreadyConfirmed(Conflict):
    code = "ORDER_ALREADY_CONFIRMED"
    public_message = "The order is already paid."


class NotYours(Forbidden):
    public_message = "That belongs to another user."


class AccountSuspended(Forbidden):
    """The ledger's refusal of a suspended user's payment."""

    code = "ACCOUNT_SUSPENDED"
    public_message = "This account is suspended. Please contact support."


class NotSeatOwner(Forbidden):
    code = "NOT_SEAT_OWNER"
    public_message = "That ticket belongs to another user."


class QrInvalid(InvalidRequest):
    code = "QR_INVALID"
    public_message = "That is not a valid ticket code."


class TicketHasNoCode(Conflict):
    """Only a SOLD ticket has a QR code."""

    code = "SEAT_UNAVAILABLE"
    public_message = "The ticket was used, or is on sale."


class TicketNotUsable(OrderInvalidState):
    public_message = "The ticket was used, or is on sale."


class OtpRequired(PreconditionRequired):
    """A flagged user has to verify a code before paying (T6)."""

    public_message = "Please confirm with the code we sent to your phone, then pay again."


class OtpMaxRetries(TooManyRequests):
    code = "OTP_MAX_RETRIES"
    public_message = "Three wrong codes."


class EventCancelled(EventEnded):
    """Why purchases, transfers and sales unwind when their event is cancelled."""

    public_message = "The event was cancelled."


class EventInvalidState(Conflict):
    code = "EVENT_INVALID_STATE"
    public_message = "The event is not in a state that allows this."


class SaleNotStarted(EventInvalidState):
    public_message = "The sale of this event has not started yet."


class RefundWindowClosed(OrderInvalidState):
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
    """Why a transfer unwinds that a party cancelled. It is not shown to clients."""

    code = "TRANSFER_CANCELLED"
    public_message = "The transfer was cancelled."


class TransferExpired(Gone):
    code = "OTP_EXPIRED"
    public_message = "The transfer was not confirmed in time."


class PriceAboveCap(InvalidRequest):
    code = "PRICE_ABOVE_CAP"
    public_message = "The price is above the event's cap for resale."


class ListingNotFound(NotFound):
    code = "LISTING_NOT_FOUND"
    public_message = "There is no such listing."


class ListingInvalidState(Conflict):
    code = "LISTING_INVALID_STATE"
    public_message = "The listing is not in a state that allows this."


class SaleDeclined(Conflict):
    """Why a sale unwinds whose seller withdrew the listing. It is not shown to clients."""

    code = "SALE_DECLINED"
    public_message = "The seller has declined."


class SaleExpired(Gone):
    code = "OFFER_EXPIRED"
    public_message = "The sale was not approved in time."
