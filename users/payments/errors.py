"""The refusals of payments."""

from common.errors import Conflict, NotFound


class PaymentNotFound(NotFound):
    public_message = "There is no such payment."


class PaymentInvalidState(Conflict):
    """The payment is already open, or the provider's id belongs to another payment."""

    code = "PAYMENT_INVALID_STATE"
    public_message = "The payment does not allow that."
