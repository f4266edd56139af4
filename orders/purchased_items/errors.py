"""The refusals of purchased items."""

import uuid
from typing import Self

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

    @classmethod
    def of(cls, *, purchased_item_id: uuid.UUID, queue_request_id: uuid.UUID | None) -> Self:
        """Return the refusal with the ids of the first item."""
        return cls(
            details={
                "purchased_item_id": str(purchased_item_id),
                "transaction_id": str(purchased_item_id),
                "queue_request_id": None if queue_request_id is None else str(queue_request_id),
            }
        )


class DailyLimitReached(Conflict):
    """`details`: the limit, whose it is (item or user), and when the next day begins."""

    code = "DAILY_LIMIT_REACHED"
    public_message = "This item's limit for today is reached."
