"""The bodies and answers of the code routes."""

import enum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from users.confirmation_codes.repository import CodePurpose

__all__ = ["CodeSent", "Nothing", "SendCode", "Verified", "VerifyCode", "WithdrawCode"]

# The id of an order, a transfer or a sale.
Reference = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
Address = Annotated[str, StringConstraints(max_length=64, pattern=r"^[ -~]*$"), Field(examples=["203.0.113.7"])]


class Context(enum.StrEnum):
    """The action to confirm. Registration has codes of its own, which verify the account."""

    PURCHASE = "purchase"
    TRANSFER = "transfer"
    RESALE = "resale"


class _CodeCall(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user_id: UUID
    context: Context
    reference: Reference

    @property
    def purpose(self) -> CodePurpose:
        return CodePurpose(user_id=self.user_id, context=self.context.value, reference=self.reference)


class SendCode(_CodeCall):
    """`requested_by_user_id`: the user who caused it, perhaps the recipient; `address`: that user's network address.

    Codes are limited by both. They are not part of the request's fingerprint: a repetition may name others.
    """

    request_id: UUID
    requested_by_user_id: UUID
    address: Address


class CodeSent(BaseModel):
    """Whether a code was sent.

    `retry_after_seconds` is set while the last code can still be tried; it is null if the challenge is already verified.
    """

    sent: bool
    retry_after_seconds: int | None


class WithdrawCode(_CodeCall):
    request_id: UUID
    undoes_request_id: UUID


class VerifyCode(_CodeCall):
    otp_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,10}$"), Field(examples=["123456"])]


class Verified(BaseModel):
    verified: Literal[True] = True


class Nothing(BaseModel):
    """An empty answer."""
