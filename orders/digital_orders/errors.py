"""The refusals of digital orders."""

from common.errors import Conflict


class UnpaidLimitReached(Conflict):
    """`details`: the limit."""

    code = "PURCHASE_LIMIT_REACHED"
    public_message = "Too many of your orders wait for their payment. Please pay for one of them, or cancel it."
