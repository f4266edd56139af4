"""What subscriptions and deliveries say no with."""

from common.errors import InvalidRequest, NotFound, Unavailable

__all__ = ["AddressNotAllowed", "DeliveryNotFound", "NotDelivered", "SubscriptionNotFound"]


class SubscriptionNotFound(NotFound):
    public_message = "There is no such subscription."


class DeliveryNotFound(NotFound):
    public_message = "There is no such delivery."


class AddressNotAllowed(InvalidRequest):
    """An address inside our own network, or one that is none: webhooks go to the public internet only."""

    public_message = "Webhooks cannot be sent to that address."


class NotDelivered(Unavailable):
    """The integrator's address did not answer 2xx; it is tried again."""

    public_message = "The address did not take the webhook."
