"""Whom a mail server's refusal is about: this letter, us, or nobody at this moment.

Only an answer to the recipient or to what was written can be about the letter. One to our greeting, our password or our
name is about us, and would be the same for every letter: none of them is given up for it.
"""

from typing import Final

import aiosmtplib

from common.telemetry.logs import get_logger
from orchestrator.features.notifications.errors import MailRefused, MailUnavailable, SenderRefused

__all__ = ["CLOSING", "classify_smtp_error"]

PERMANENT: Final = 500  # RFC 5321 §4.2.1: 5yz is refused for good, 4yz for now
CLOSING: Final = 421  # RFC 5321 §3.8: the server ends the connection, and what it was given in it last is not taken
TOO_LARGE: Final = 552  # RFC 1870 §6.1: to MAIL FROM, which says the letter's size
LOGIN_NEEDED: Final = 530  # RFC 4954 §6: to any command

logger = get_logger(__name__)


def classify_smtp_error(error: aiosmtplib.SMTPException | OSError) -> MailRefused | MailUnavailable:
    """Return what a letter that did not go is told; what is about us is logged for people to see."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            return _on_letter(error.recipients[0].code)
        case aiosmtplib.SMTPDataError():
            return _on_letter(error.code)
        case aiosmtplib.SMTPSenderRefused() if error.code == TOO_LARGE:
            return _on_letter(error.code)
        case aiosmtplib.SMTPResponseException():
            return _on_us(error.code, type(error).__name__)
        case OSError():  # it hung up, was too slow, or is not there
            return MailUnavailable(reason=type(error).__name__)
        case _:  # it lacks what we were told to insist on: STARTTLS, say
            return _about_us(str(error))


def _on_letter(code: int) -> MailRefused | MailUnavailable:
    if code == LOGIN_NEEDED:
        return _about_us("login needed", code)
    if code >= PERMANENT:
        return MailRefused(f"the mail server answered {code}", code=code)
    return MailUnavailable(smtp_code=code)


def _on_us(code: int, reason: str) -> MailUnavailable:
    return _about_us(reason, code) if code >= PERMANENT else MailUnavailable(smtp_code=code)


def _about_us(reason: str, code: int | None = None) -> SenderRefused:
    logger.error("mail.sender_refused", smtp_code=code, reason=reason)
    return SenderRefused(smtp_code=code, reason=reason)
