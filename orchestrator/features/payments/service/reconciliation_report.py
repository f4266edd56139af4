"""What a reconciliation found."""

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from orchestrator.clients.users.payments import PaymentStatus, Provider, ReportOutcome

__all__ = ["Difference", "Reconciled", "Unfounded"]

FOR_PEOPLE: Final = {ReportOutcome.MISMATCH, ReportOutcome.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The provider said something that we did not know; `ours` is None for a payment that is none of ours."""

    provider: Provider
    provider_payment_id: str
    payment_id: uuid.UUID | None
    ours: PaymentStatus | None
    theirs: PaymentStatus
    outcome: ReportOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfounded:
    """We have credited a payment that the provider does not call paid, or does not know: then `theirs` is None.

    Nothing is taken back for that. A person finds out who is wrong.
    """

    provider: Provider
    provider_payment_id: str
    payment_id: uuid.UUID
    theirs: PaymentStatus | None


@dataclass(slots=True)
class Reconciled:
    """What was looked at, and what was found.

    `unasked` are payments that the provider gave no answer about, `refused` those whose news the ledger does not take.
    `unreachable` are providers that did not list their payments.
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
    def is_for_people(self) -> bool:
        """Whether somebody has to look: something contradicts our record, or was not compared with it."""
        is_incomplete = bool(self.unreachable or self.unasked or self.refused)
        return is_incomplete or bool(self.unfounded) or any(found.outcome in FOR_PEOPLE for found in self.differences)
