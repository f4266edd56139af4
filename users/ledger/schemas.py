"""The bodies and answers of the ledger routes. Amounts are strings with two places."""

import enum
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from common.http.body import RequestBody
from common.http.calls import StrictCall
from common.money import Money, PositiveMoney, SignedMoney

__all__ = [
    "AccountStatement",
    "AccountStatementEntry",
    "Adjust",
    "Adjusted",
    "AwardPoints",
    "Balance",
    "Charge",
    "Clawback",
    "ClawedBack",
    "Correction",
    "Currency",
    "DebtReduced",
    "EscrowCollect",
    "EscrowHeld",
    "EscrowHold",
    "EscrowRelease",
    "EscrowResolved",
    "EscrowVoid",
    "PointsAwarded",
    "Receivable",
    "ReduceDebt",
    "Reference",
    "Refund",
    "RefundPart",
    "Refunded",
    "RefundedPart",
    "Revenue",
    "TopUp",
    "Transfer",
    "Transferred",
    "WalletMovement",
]

# No control characters: PostgreSQL has no NUL in a text, and users read references in a statement.
Reference = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Provider = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z0-9_-]+$")]

# Why an admin moves credits; users read it in their statement.
Reason = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")
]
MOST_POINTS: Final = 1_000_000_000  # for one award; it limits the damage of a typing error


class Currency(enum.StrEnum):
    """SGD are credits; points cannot be spent like them."""

    SGD = "SGD"
    POINTS = "POINTS"


class Charge(StrictCall):
    user_id: UUID
    event_id: UUID
    amount: Money
    reference: Reference


class WalletMovement(BaseModel):
    transaction_id: UUID
    balance: Money


class Share(BaseModel):
    """The share of one recipient."""

    model_config = ConfigDict(extra="forbid")

    user_id: UUID
    amount: Money


Shares = Annotated[list[Share], Field(min_length=1, max_length=20)]


class Refund(StrictCall):
    """With `recipients`, the charge goes to them instead of the payer; a user may be named several times."""

    undoes_request_id: UUID
    reason: Reference
    recipients: Shares | None = None

    def shares(self) -> dict[UUID, Decimal] | None:
        """Return each recipient's sum."""
        return None if self.recipients is None else _sums(self.recipients)


class Refunded(BaseModel):
    """`transaction_id` is null if there was nothing to reverse, `balance` also for a refund to `recipients`."""

    transaction_id: UUID | None
    balance: Money | None


class RefundPart(StrictCall):
    """A user may be named several times."""

    charge_request_id: UUID
    reason: Reference
    shares: Shares

    def sums(self) -> dict[UUID, Decimal]:
        """Return each recipient's sum."""
        return _sums(self.shares)


class RefundedPart(BaseModel):
    transaction_id: UUID


class Transfer(StrictCall):
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


class Clawback(StrictCall):
    from_user_id: UUID
    to_user_id: UUID
    amount: Money
    reference: Reference


class ClawedBack(BaseModel):
    """`taken` came out of the wallet; `shortfall` is owed from now on. Together they are the amount."""

    transaction_id: UUID
    taken: Money
    shortfall: Money
    to_balance: Money


class EscrowHold(StrictCall):
    """`proof_reference`: what a flagged user has verified a code for, if not the `reference` (T6).

    `purpose`: what the credits are for, such as `tip_grid_item`; null for a sale between fans.
    """

    user_id: UUID
    amount: Money
    reference: Reference
    proof_reference: Reference | None = None
    purpose: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = None


class EscrowHeld(BaseModel):
    escrow_id: UUID
    balance: Money


class EscrowRelease(StrictCall):
    escrow_id: UUID
    to_user_id: UUID


class EscrowCollect(StrictCall):
    """`account`: the platform's account that is credited, such as `commissions`.

    `amount`: a part of the escrow; the rest returns to its owner. All of it if omitted.
    """

    escrow_id: UUID
    account: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    amount: PositiveMoney | None = None


class EscrowVoid(StrictCall):
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


class TopUp(StrictCall):
    user_id: UUID
    amount: PositiveMoney
    provider: Provider
    reference: Reference


class AwardPoints(StrictCall):
    user_id: UUID
    points: Annotated[int, Field(strict=True, gt=0, le=MOST_POINTS)]
    reference: Reference


class PointsAwarded(BaseModel):
    transaction_id: UUID
    points_balance: int


class Balance(BaseModel):
    """`owed`: what the account owes; credits that arrive pay it first."""

    credit_balance: Money
    owed: Money
    currency: str = "SGD"


class AccountStatementEntry(BaseModel):
    """One entry; `balance_after` is the balance right after it."""

    transaction_id: UUID
    at: datetime
    kind: str = Field(
        description="top_up, top_up_reversal, deduct, refund, transfer, transfer_reversal, escrow_hold, "
        "escrow_release, escrow_void, platform_revenue (the part of a hold that returns), performer_payment, payout, "
        "adjustment or points.",
        examples=["top_up"],
    )
    reference: str = Field(description="Its purpose, such as an order's or a payment's id.")
    amount: SignedMoney = Field(description="Negative for a debit.")
    collected: SignedMoney = Field(
        description="What paid a debt instead of reaching the wallet. Negative: what was missing, and is owed since.",
        examples=["0.00"],
    )
    balance_after: Money

    @property
    def balance_before(self) -> Decimal:
        return self.balance_after - self.amount


class AccountStatement(BaseModel):
    """A page, newest first. `next_cursor` leads to older entries; null if there are none.

    `owed`: what the account owes now; credits that arrive pay it first.
    """

    currency: Currency
    owed: Money
    entries: list[AccountStatementEntry]
    next_cursor: str | None = Field(examples=["0d9f2f0e6f0b4d0e9a536f0f6ad1c3b7-650.00"])


class MaySpend(BaseModel):
    """An answer without facts: a refusal is an error."""


class Revenue(BaseModel):
    event_id: UUID
    revenue: Money


class Receivable(BaseModel):
    """What a user owes (a positive amount); `last_at`: the time of its last change."""

    user_id: UUID
    email: str | None
    amount: Money
    last_at: datetime


class _AdminBody(RequestBody):
    reason: Reason


class ReduceDebt(_AdminBody):
    """Without an amount: all that the user owes."""

    amount: PositiveMoney | None = None


class DebtReduced(BaseModel):
    """`owed` is what remains."""

    transaction_id: UUID
    user_id: UUID
    amount: Money
    owed: Money


def _not_zero(amount: Decimal) -> Decimal:
    if not amount:
        raise ValueError("the amount is not zero")
    return amount


class Adjust(_AdminBody):
    """Negative: a debit."""

    amount: Annotated[SignedMoney, AfterValidator(_not_zero)]


class Adjusted(BaseModel):
    """`balance` is the wallet's after it."""

    transaction_id: UUID
    user_id: UUID
    balance: Money


class Correction(BaseModel):
    """What an admin changed by hand. `amount`: positive for the user's benefit."""

    transaction_id: UUID
    created_at: datetime
    kind: str = Field(description="settlement, write_off or adjustment.", examples=["settlement"])
    user_id: UUID
    amount: SignedMoney
    reason: str
    made_by_user_id: UUID


def _sums(shares: list[Share]) -> dict[UUID, Decimal]:
    sums: dict[UUID, Decimal] = defaultdict(Decimal)
    for share in shares:
        sums[share.user_id] += share.amount
    return dict(sums)
