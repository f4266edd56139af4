"""What the ledger's routes take and answer. Amounts are strings with two places."""

from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from common.money import Money, PositiveMoney

__all__ = [
    "Balance",
    "Deduct",
    "Deducted",
    "EscrowHeld",
    "EscrowHold",
    "EscrowRelease",
    "EscrowResolved",
    "EscrowVoid",
    "Refund",
    "Refunded",
    "TopUp",
    "Transfer",
    "Transferred",
]

# No control characters: PostgreSQL has no NUL in a text, and people read these in a statement.
Reference = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Provider = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z0-9_-]+$")]


class _Call(BaseModel):
    model_config = ConfigDict(extra="forbid")

    request_id: UUID


class Deduct(_Call):
    user_id: UUID
    event_id: UUID
    amount: Money
    reference: Reference


class Deducted(BaseModel):
    transaction_id: UUID
    balance: Money


class Refund(_Call):
    undoes_request_id: UUID
    reason: Reference


class Refunded(BaseModel):
    """`transaction_id` is null when there was nothing to reverse."""

    transaction_id: UUID | None
    balance: Money | None


class Transfer(_Call):
    """With `undoes_request_id`: reverse the transfer made under it."""

    from_user_id: UUID
    to_user_id: UUID
    amount: Money
    reference: Reference
    undoes_request_id: UUID | None = None


class Transferred(BaseModel):
    transaction_id: UUID | None
    from_balance: Money | None
    to_balance: Money | None


class EscrowHold(_Call):
    user_id: UUID
    amount: Money
    reference: Reference


class EscrowHeld(BaseModel):
    escrow_id: UUID
    balance: Money


class EscrowRelease(_Call):
    escrow_id: UUID
    to_user_id: UUID


class EscrowVoid(_Call):
    """Exactly one of the two: `undoes_request_id` names the hold to undo."""

    escrow_id: UUID | None = None
    undoes_request_id: UUID | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.escrow_id is None) == (self.undoes_request_id is None):
            raise ValueError("name either escrow_id or undoes_request_id")
        return self


class EscrowResolved(BaseModel):
    transaction_id: UUID | None


class TopUp(_Call):
    user_id: UUID
    amount: PositiveMoney
    provider: Provider
    reference: Reference


class Balance(BaseModel):
    credit_balance: Money
    currency: str = "SGD"

    @classmethod
    def of(cls, amount: Decimal) -> "Balance":
        return cls(credit_balance=amount)
