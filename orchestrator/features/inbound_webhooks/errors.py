"""Errors of the webhook log."""

from common.errors import NotFound


class WebhookNotFound(NotFound):
    public_message = "There is no such webhook."
