"""The refusals of subscriptions."""

from common.errors import Conflict, NotFound


class SubscriptionNotFound(NotFound):
    public_message = "There is no such subscription."


class SubscriptionInvalidState(Conflict):
    code = "SUBSCRIPTION_INVALID_STATE"
    public_message = "The subscription has ended."
