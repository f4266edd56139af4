"""The refusals of performers' profiles."""

from common.errors import NotFound


class PerformerNotFound(NotFound):
    code = "PERFORMER_NOT_FOUND"
    public_message = "There is no such performer."


class ProfileNotWritten(PerformerNotFound):
    public_message = "The performer has no profile yet. PATCH it with a display_name."
