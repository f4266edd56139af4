"""Why a payment is not opened or attached."""

from common.errors import Conflict, NotFound

__all__ = ["PaymentInvalidState", "PaymentNotFound"]


class PaymentNotFound(NotFound):
    public_message = "There is no such payment."


class PaymentInvalidState(Conflict):
    """It is open already, or belongs to another payment of the provider's."""

    code = "PAYMENT_INVALID_STATE"
    public_message = "The payment does not allow that."
