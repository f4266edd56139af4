"""The refusals of payments to performers."""

from common.errors import NotFound


class PerformerNotFound(NotFound):
    code = "PERFORMER_NOT_FOUND"
    public_message = "There is no such performer."
