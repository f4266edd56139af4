"""Errors of sending an email."""

from common.errors import Unavailable


class MailServerUnavailable(Unavailable):
    """The mail server did not respond, or refused the email for now."""

    public_message = "The mail server cannot be reached."


class SenderRefused(MailServerUnavailable):
    """The mail server refuses every email of this platform. Emails wait until an operator corrects the settings."""

    public_message = "The mail server refuses the sender: check SMTP_URL and MAIL_FROM."


class EmailRefused(Exception):
    """The mail server refuses this email permanently, for example because its address does not exist.

    Args:
        code: of the SMTP reply, if there was one.
    """

    def __init__(self, why: str, *, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code
