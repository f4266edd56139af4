"""Classifies a mail server's refusal: it concerns the email, the sender, or is temporary.

Only a reply to the recipient or to the content can concern the email. A reply to the greeting, the password or the
sender concerns the platform and would be the same for every email, so no email fails permanently because of it.
"""

from typing import Final

import aiosmtplib

from common.telemetry.logs import get_logger
from orchestrator.features.notifications.errors import EmailRefused, MailServerUnavailable, SenderRefused

__all__ = ["CLOSING", "classify_smtp_error"]

PERMANENT: Final = 500  # RFC 5321 §4.2.1: 5yz is permanent, 4yz temporary
CLOSING: Final = 421  # RFC 5321 §3.8: the server closes the connection and has not accepted the last email
TOO_LARGE: Final = 552  # RFC 1870 §6.1: reply to MAIL FROM, which declares the size
LOGIN_NEEDED: Final = 530  # RFC 4954 §6: reply to any command

logger = get_logger(__name__)


def classify_smtp_error(error: aiosmtplib.SMTPException | OSError) -> EmailRefused | MailServerUnavailable:
    """Return the exception for an email that was not sent. A refusal of the sender is also logged as an error."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            return _email_error(error.recipients[0].code)
        case aiosmtplib.SMTPDataError():
            return _email_error(error.code)
        case aiosmtplib.SMTPSenderRefused() if error.code == TOO_LARGE:
            return _email_error(error.code)
        case aiosmtplib.SMTPResponseException():
            return _sender_error(error.code, type(error).__name__)
        case OSError():  # the connection was lost, timed out or refused
            return MailServerUnavailable(reason=type(error).__name__)
        case _:  # the server lacks a required extension, such as STARTTLS
            return _sender_refused(str(error))


def _email_error(code: int) -> EmailRefused | MailServerUnavailable:
    if code == LOGIN_NEEDED:
        return _sender_refused("login needed", code)
    if code >= PERMANENT:
        return EmailRefused(f"the mail server answered {code}", code=code)
    return MailServerUnavailable(smtp_code=code)


def _sender_error(code: int, reason: str) -> MailServerUnavailable:
    return _sender_refused(reason, code) if code >= PERMANENT else MailServerUnavailable(smtp_code=code)


def _sender_refused(reason: str, code: int | None = None) -> SenderRefused:
    logger.error("mail.sender_refused", smtp_code=code, reason=reason)
    return SenderRefused(smtp_code=code, reason=reason)
