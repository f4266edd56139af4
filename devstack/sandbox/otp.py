"""One-time codes and text messages of the SMU notification API, simulated in memory."""

import secrets
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

__all__ = ["USUAL_CODE", "OtpProvider", "OtpStatus", "SentMessage"]

USUAL_CODE: Final = "123456"  # of every phone without a configured code
MAX_STORED_MESSAGES: Final = 10_000

OtpStatus = Literal["approved", "pending", "expired"]


@dataclass(frozen=True, kw_only=True)
class SentMessage:
    """A message to a phone."""

    kind: Literal["otp", "sms"]
    mobile: str
    text: str
    """The code of an OTP, or the text of an SMS."""
    verification_sid: str | None
    sent_at: datetime


@dataclass(kw_only=True)
class _Verification:
    mobile: str
    code: str
    expires_at: float


class OtpProvider:
    """Issues and checks codes, and records sent messages."""

    def __init__(self, *, ttl_seconds: float) -> None:
        self._ttl_seconds = ttl_seconds
        self._codes: dict[str, str] = {}
        self._verifications: dict[str, _Verification] = {}
        self._sent: deque[SentMessage] = deque(maxlen=MAX_STORED_MESSAGES)

    def use_code(self, *, mobile: str, code: str) -> None:
        """Send ``code`` to this phone from now on."""
        self._codes[mobile] = code

    def send(self, mobile: str) -> str:
        """Return the id of a new verification; earlier codes for the phone stay valid."""
        self._drop_expired()
        sid = f"VE{secrets.token_hex(16)}"
        code = self._codes.get(mobile, USUAL_CODE)
        self._verifications[sid] = _Verification(
            mobile=mobile, code=code, expires_at=time.monotonic() + self._ttl_seconds
        )
        self._record("otp", mobile=mobile, text=code, verification_sid=sid)
        return sid

    def verify(self, *, sid: str, code: str) -> OtpStatus:
        """Return the status of a verification with this code: a wrong code leaves it pending, the right code consumes it.

        A consumed, expired or unknown id is ``expired``: the provider does not distinguish them.
        """
        self._drop_expired()
        verification = self._verifications.get(sid)
        if verification is None:
            return "expired"
        if not secrets.compare_digest(verification.code.encode(), code.encode()):
            return "pending"
        del self._verifications[sid]
        return "approved"

    def send_text(self, *, mobile: str, message: str) -> None:
        self._record("sms", mobile=mobile, text=message, verification_sid=None)

    def expire(self, mobile: str) -> None:
        """Expire all codes sent to this phone."""
        for sid in [sid for sid, verification in self._verifications.items() if verification.mobile == mobile]:
            del self._verifications[sid]

    def sent_to(self, mobile: str | None) -> list[SentMessage]:
        """Return the sent messages, oldest first, to one phone or to all."""
        return [message for message in self._sent if mobile in {None, message.mobile}]

    def _record(self, kind: Literal["otp", "sms"], *, mobile: str, text: str, verification_sid: str | None) -> None:
        self._sent.append(
            SentMessage(
                kind=kind, mobile=mobile, text=text, verification_sid=verification_sid, sent_at=datetime.now(UTC)
            )
        )

    def _drop_expired(self) -> None:
        now = time.monotonic()
        # The oldest verification comes first, so the loop ends at the first valid one.
        while self._verifications:
            sid, oldest = next(iter(self._verifications.items()))
            if oldest.expires_at > now:
                return
            del self._verifications[sid]
