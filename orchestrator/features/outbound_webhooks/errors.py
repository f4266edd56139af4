"""Errors of subscriptions and deliveries."""

from common.errors import InvalidRequest, NotFound, Unavailable


class SubscriptionNotFound(NotFound):
    public_message = "There is no such subscription."


class DeliveryNotFound(NotFound):
    public_message = "There is no such delivery."


class AddressNotAllowed(InvalidRequest):
    """The URL is invalid or not on the public internet, to which webhooks are restricted."""

    public_message = "Webhooks cannot be sent to that address."


class NotDelivered(Unavailable):
    """The integrator's URL did not return 2xx; the delivery is retried."""

    public_message = "The address did not accept the webhook."
