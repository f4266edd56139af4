"""The result of a reconciliation."""

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from orchestrator.clients.users.payments import PaymentStatus, Provider, ReportOutcome, ReversalStatus

__all__ = ["Difference", "Reconciled", "Unfounded"]

NEEDS_ADMIN: Final = {ReportOutcome.MISMATCH, ReportOutcome.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The provider's record differs from the platform's; `ours` is None for an unknown payment.

    `subject` is the provider's id of the refund, dispute or later deposit, or empty if it is the payment itself.
    """

    provider: Provider
    provider_payment_id: str
    payment_id: uuid.UUID | None
    ours: PaymentStatus | None
    theirs: PaymentStatus | ReversalStatus
    subject: str = ""
    outcome: ReportOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfounded:
    """The platform has credited a payment that the provider does not call paid, or does not know (`theirs` is None).

    Nothing is taken back; an admin investigates.
    """

    provider: Provider
    provider_payment_id: str
    payment_id: uuid.UUID
    theirs: PaymentStatus | None


@dataclass(slots=True)
class Reconciled:
    """Counts and findings.

    `unasked` counts payments about which the provider did not respond, `refused` those whose report the ledger refused.
    `unreachable` lists providers that did not list their payments.
    """

    compared: int = 0
    unasked: int = 0
    refused: int = 0
    differences: list[Difference] = field(default_factory=list)
    unfounded: list[Unfounded] = field(default_factory=list)
    unreachable: list[Provider] = field(default_factory=list)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(difference.outcome.value for difference in self.differences)

    @property
    def needs_admin(self) -> bool:
        """Whether an admin must look: a payment contradicts the platform's record, or was not compared with it."""
        is_incomplete = bool(self.unreachable or self.unasked or self.refused)
        return is_incomplete or bool(self.unfounded) or any(each.outcome in NEEDS_ADMIN for each in self.differences)
