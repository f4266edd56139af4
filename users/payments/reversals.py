"""What a provider gives back or takes back of a payment: refunds and disputes, reported in any order and number.

Each report is merged into what is known, so that the result depends neither on the order of reports nor on repetitions:
of one refund or dispute, the report with the highest sequence counts; of the totals of refunds, the largest.
"""

import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict, Field

from common.money import Money

__all__ = ["NOTHING", "ReportedReversal", "Reversal", "ReversalStatus", "Reversals"]

NOTHING: Final = Decimal("0.00")


class ReversalStatus(enum.StrEnum):
    REFUNDED = "REFUNDED"  # a refund, even if the money is still on its way
    FAILED = "FAILED"  # a refund that failed or was cancelled: the money stayed
    OPEN = "OPEN"  # a dispute that has moved no money
    WITHDRAWN = "WITHDRAWN"  # a dispute: the provider holds the money back
    LOST = "LOST"  # a dispute: the money is gone
    WON = "WON"  # a dispute: the money came back
    CLOSED = "CLOSED"  # a dispute that ended without moving money


REFUNDS: Final = frozenset({ReversalStatus.REFUNDED, ReversalStatus.FAILED})
# Of several disputes of a payment, the status of the one that matters most is shown.
DISPUTES: Final = (
    ReversalStatus.WITHDRAWN,
    ReversalStatus.OPEN,
    ReversalStatus.LOST,
    ReversalStatus.WON,
    ReversalStatus.CLOSED,
)


class Reversal(BaseModel):
    """A refund or dispute. `sequence` grows with each of its changes at the provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: ReversalStatus
    amount: Money
    sequence: int = Field(ge=0, le=1_000)

    @property
    def is_dispute(self) -> bool:
        return self.status not in REFUNDS

    @property
    def rank(self) -> tuple[int, str, Decimal]:
        """Whatever has the higher rank replaces the other; the status and the amount only break ties."""
        return self.sequence, self.status, self.amount


class ReportedReversal(Reversal):
    """A refund or dispute, by its id at the provider."""

    reversal_id: str = Field(min_length=1, max_length=200, pattern=r"^[\x20-\x7e]*$")


class ReportOfReversal(Protocol):
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def reversal(self) -> ReportedReversal | None: ...


class Reversals(BaseModel):
    """All refunds and disputes of a payment.

    `refund_total` is the largest total of refunds that was reported without naming the refunds.
    """

    model_config = ConfigDict(frozen=True)

    refund_total: Money = NOTHING
    by_id: Mapping[str, Reversal] = Field(default_factory=dict)

    def merged(self, report: ReportOfReversal, *, whole: Decimal) -> "Reversals":
        """Return these and a reported one; a report without an amount is of the whole payment."""
        if report.reversal is None:
            total = whole if report.amount is None else report.amount
            return self.model_copy(update={"refund_total": max(self.refund_total, total)})
        reported = Reversal(**report.reversal.model_dump(exclude={"reversal_id"}))
        known = self.by_id.get(report.reversal.reversal_id, reported)
        latest = max(known, reported, key=lambda reversal: reversal.rank)
        return self.model_copy(update={"by_id": {**self.by_id, report.reversal.reversal_id: latest}})

    @property
    def refunded(self) -> Decimal:
        """The refunds that did not fail.

        The total may include refunds that are not known by their ids, and no longer include failed ones.
        """
        unnamed = self.refund_total - self._sum_of(*REFUNDS)
        return self._sum_of(ReversalStatus.REFUNDED) + max(unnamed, NOTHING)

    @property
    def disputed(self) -> Decimal:
        """What disputes hold back, or have taken for good."""
        return self._sum_of(ReversalStatus.WITHDRAWN, ReversalStatus.LOST)

    @property
    def dispute_status(self) -> ReversalStatus | None:
        present = {reversal.status for reversal in self.by_id.values()}
        return next((status for status in DISPUTES if status in present), None)

    def _sum_of(self, *statuses: ReversalStatus) -> Decimal:
        return sum((each.amount for each in self.by_id.values() if each.status in statuses), NOTHING)
