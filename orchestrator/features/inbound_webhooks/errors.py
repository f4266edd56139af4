"""Errors of the webhook log."""

from common.errors import NotFound, Unavailable


class WebhookNotFound(NotFound):
    public_message = "There is no such webhook."


class ReservationUnknown(Unavailable):
    """A supplier's notice came before the reservation was stored: another attempt may find it."""

    public_message = "No order has that reservation yet."
