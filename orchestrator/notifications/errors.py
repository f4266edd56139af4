"""What sending can end with."""

from common.errors import Unavailable

__all__ = ["MailRefused", "MailUnavailable"]


class MailUnavailable(Unavailable):
    """The mail server gave no answer, or said "later"."""

    public_message = "The mail server cannot be reached."


class MailRefused(Exception):
    """The mail server will never take it (a 5xx reply): the address does not exist, say."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the mail server answered {code}")
        self.code = code
