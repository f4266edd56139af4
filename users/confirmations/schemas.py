"""What the internal routes for codes take and answer."""

import enum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from users.confirmations.repository import Matter

__all__ = ["CodeSent", "Nothing", "SendCode", "Verified", "VerifyCode", "WithdrawCode"]

# The id of an order, a transfer or a sale.
Reference = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
Address = Annotated[str, StringConstraints(max_length=64, pattern=r"^[ -~]*$"), Field(examples=["203.0.113.7"])]


class Context(enum.StrEnum):
    """Registering has codes of its own: being right there verifies the account."""

    PURCHASE = "purchase"
    TRANSFER = "transfer"
    RESALE = "resale"


class _AboutMatter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user_id: UUID
    context: Context
    reference: Reference

    @property
    def matter(self) -> Matter:
        return Matter(user_id=self.user_id, context=self.context.value, reference=self.reference)


class SendCode(_AboutMatter):
    """`requested_by_user_id`: who caused it, the recipient or somebody else; `address`: where that one is.

    Codes are limited by both. Neither makes another request of it: a repetition may name others.
    """

    request_id: UUID
    requested_by_user_id: UUID
    address: Address


class CodeSent(BaseModel):
    """Whether a code was sent.

    Not while the last one can still be tried: `retry_after_seconds` says how long. Nor when the challenge is verified
    already: then it is null.
    """

    sent: bool
    retry_after_seconds: int | None


class WithdrawCode(_AboutMatter):
    request_id: UUID
    undoes_request_id: UUID


class VerifyCode(_AboutMatter):
    otp_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,10}$"), Field(examples=["123456"])]


class Verified(BaseModel):
    verified: Literal[True] = True


class Nothing(BaseModel):
    """There is nothing to tell."""
