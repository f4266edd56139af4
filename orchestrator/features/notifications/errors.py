"""What sending can end with."""

from common.errors import Unavailable

__all__ = ["MailRefused", "MailUnavailable", "SenderRefused"]


class MailUnavailable(Unavailable):
    """The mail server gave no answer, or said "later"."""

    public_message = "The mail server cannot be reached."


class SenderRefused(MailUnavailable):
    """The mail server takes no mail from us, whoever it is for: ours to put right, and then every letter can go."""

    public_message = "The mail server takes no mail from us: look at SMTP_URL and MAIL_FROM."


class MailRefused(Exception):
    """The mail server will never take this letter: its address does not exist, say.

    Args:
        code: of the SMTP reply that said so, if one did.
    """

    def __init__(self, why: str, *, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code
