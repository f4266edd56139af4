"""The SMU notification API's one-time codes and text messages, kept in memory."""

import secrets
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

__all__ = ["USUAL_CODE", "OtpProvider", "OtpStatus", "SentMessage"]

USUAL_CODE: Final = "123456"  # every code, unless told otherwise
REMEMBERED_MESSAGES: Final = 10_000

OtpStatus = Literal["approved", "pending", "expired"]


@dataclass(frozen=True, kw_only=True)
class SentMessage:
    """What a phone would have shown."""

    kind: Literal["otp", "sms"]
    mobile: str
    text: str
    """The code of an OTP, the message of an SMS."""
    verification_sid: str | None
    sent_at: datetime


@dataclass(kw_only=True)
class _Verification:
    mobile: str
    code: str
    expires_at: float


class OtpProvider:
    """Sends codes nobody receives and checks them."""

    def __init__(self, *, ttl_seconds: float) -> None:
        self._ttl_seconds = ttl_seconds
        self._codes: dict[str, str] = {}
        self._verifications: dict[str, _Verification] = {}
        self._sent: deque[SentMessage] = deque(maxlen=REMEMBERED_MESSAGES)

    def use_code(self, *, mobile: str, code: str) -> None:
        """Make every later code for this phone be ``code``."""
        self._codes[mobile] = code

    def send(self, mobile: str) -> str:
        """Return the new verification's id; an earlier code for the phone stays good."""
        self._forget_expired()
        sid = f"VE{secrets.token_hex(16)}"
        code = self._codes.get(mobile, USUAL_CODE)
        self._verifications[sid] = _Verification(
            mobile=mobile, code=code, expires_at=time.monotonic() + self._ttl_seconds
        )
        self._note("otp", mobile=mobile, text=code, verification_sid=sid)
        return sid

    def verify(self, *, sid: str, code: str) -> OtpStatus:
        """Check a code. A wrong one leaves the verification pending, the right one uses it up.

        An id that is used up, too old or unknown is ``expired``: the provider does not tell them apart.
        """
        self._forget_expired()
        verification = self._verifications.get(sid)
        if verification is None:
            return "expired"
        if not secrets.compare_digest(verification.code.encode(), code.encode()):
            return "pending"
        del self._verifications[sid]
        return "approved"

    def send_text(self, *, mobile: str, message: str) -> None:
        self._note("sms", mobile=mobile, text=message, verification_sid=None)

    def expire(self, mobile: str) -> None:
        """Make all codes sent to this phone too old, as if their time had passed."""
        for sid in [sid for sid, verification in self._verifications.items() if verification.mobile == mobile]:
            del self._verifications[sid]

    def sent_to(self, mobile: str | None) -> list[SentMessage]:
        """Return what was sent, oldest first, to one phone or to all."""
        return [message for message in self._sent if mobile in {None, message.mobile}]

    def _note(self, kind: Literal["otp", "sms"], *, mobile: str, text: str, verification_sid: str | None) -> None:
        self._sent.append(
            SentMessage(
                kind=kind, mobile=mobile, text=text, verification_sid=verification_sid, sent_at=datetime.now(UTC)
            )
        )

    def _forget_expired(self) -> None:
        now = time.monotonic()
        # Oldest first, so the walk ends at the first one that is still good.
        while self._verifications:
            sid, oldest = next(iter(self._verifications.items()))
            if oldest.expires_at > now:
                return
            del self._verifications[sid]
