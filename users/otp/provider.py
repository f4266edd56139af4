"""The port to whoever sends one-time codes and knows whether they are right."""

import enum
from typing import Protocol

__all__ = ["OtpProvider", "OtpVerdict"]


class OtpVerdict(enum.StrEnum):
    APPROVED = "approved"
    PENDING = "pending"  # a wrong code: the verification is still open
    EXPIRED = "expired"


class OtpProvider(Protocol):
    """Both methods raise `OtpUnavailable` when there is no answer, or none that can be read."""

    async def send(self, mobile: str) -> str:
        """Send a code to a number (E.164) and return the verification's id."""

    async def verify(self, *, verification_sid: str, code: str) -> OtpVerdict: ...
