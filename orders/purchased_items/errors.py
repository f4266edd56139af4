"""The refusals of purchased items."""

from common.errors import Conflict, InvalidRequest, NotFound


class ItemNotFound(NotFound):
    code = "ITEM_NOT_FOUND"
    public_message = "There is no such item."


class ItemInvalidState(Conflict):
    code = "ITEM_INVALID_STATE"
    public_message = "The item's status does not allow that."


class DuplicateRequest(InvalidRequest):
    """The buyer used the idempotency key before; `details` has the ids of the first item."""

    code = "DUPLICATE_REQUEST"
    public_message = "Duplicate request detected. Transaction already processed."


class DailyLimitReached(Conflict):
    """`details`: the limit, whose it is (item or user), and when the next day begins."""

    code = "DAILY_LIMIT_REACHED"
    public_message = "This item's limit for today is reached."
