"""The port to the provider that sends one-time codes and checks them."""

import enum
from typing import Protocol


class VerificationStatus(enum.StrEnum):
    APPROVED = "approved"
    PENDING = "pending"  # a wrong code: the verification is still open
    EXPIRED = "expired"


class OtpProvider(Protocol):
    """Both methods raise `OtpUnavailable` if there is no answer, or an unreadable one."""

    async def send(self, mobile: str) -> str:
        """Send a code to a number (E.164) and return the verification's id."""

    async def verify(self, *, verification_sid: str, code: str) -> VerificationStatus: ...
