"""Stripe's objects, and what they report about a payment.

https://docs.stripe.com/api/payment_intents/object, likewise charges, refunds and disputes. Amounts are in cents.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import Field

from common.money import money
from orchestrator.clients.users.payments import (
    PaymentStatus,
    Provider,
    ProviderReport,
    ReportedReversal,
    ReversalStatus,
)
from orchestrator.features.payments.adapters.provider_models import Label, Moment, OwnId, ProviderModel

__all__ = ["Charge", "CheckoutSession", "Dispute", "Intent", "Labels", "Refund"]

# https://docs.stripe.com/payments/paymentintents/lifecycle
_STATUS_OF_INTENT: Final = {
    "requires_payment_method": PaymentStatus.PENDING,
    "requires_confirmation": PaymentStatus.PENDING,
    "requires_action": PaymentStatus.PENDING,
    "requires_capture": PaymentStatus.PENDING,
    "processing": PaymentStatus.CONFIRMING,
    "succeeded": PaymentStatus.SUCCEEDED,
    "canceled": PaymentStatus.FAILED,
}
_ENDED_REFUND: Final = frozenset({"failed", "canceled"})
# Statuses of a dispute that decide it (https://docs.stripe.com/disputes/how-disputes-work). In all others it is open.
_DECIDED: Final = {
    "won": ReversalStatus.WON,
    "lost": ReversalStatus.LOST,
    "warning_closed": ReversalStatus.CLOSED,
    "prevented": ReversalStatus.CLOSED,
}
_STAGE: Final = {
    ReversalStatus.OPEN: 0,
    ReversalStatus.WITHDRAWN: 1,
    ReversalStatus.LOST: 2,
    ReversalStatus.CLOSED: 3,
    ReversalStatus.WON: 3,
}
STAGES: Final = 4
MOST_MOVEMENTS: Final = 200  # a bound that no dispute reaches


class Labels(ProviderModel):
    """The metadata that the platform gives to an intent; Stripe returns it with the intent and its charges."""

    payment_id: OwnId = None
    user_id: OwnId = None


class Charge(ProviderModel):
    """`amount_refunded` is the total of the refunds so far."""

    payment_intent: str | None = None
    currency: str
    amount_refunded: int = 0
    disputed: bool = False
    metadata: Labels = Field(default_factory=Labels)

    def as_report(self, occurred_at: datetime | None) -> ProviderReport | None:
        """Return the total of the refunds; None for a charge without an intent, which is not of this platform."""
        return None if self.payment_intent is None else self.report_of(self.payment_intent, occurred_at)

    def report_of(self, intent_id: str, occurred_at: datetime | None = None) -> ProviderReport:
        return ProviderReport(
            provider=Provider.STRIPE,
            provider_payment_id=intent_id,
            status=PaymentStatus.REFUNDED,
            amount=_amount(self.amount_refunded),
            currency=self.currency,
            payment_id=self.metadata.payment_id,
            user_id=self.metadata.user_id,
            occurred_at=occurred_at,
        )


class Intent(ProviderModel):
    """A PaymentIntent. `client_secret` lets the fan's browser pay it."""

    id: str
    client_secret: str | None = None
    amount: int
    amount_received: int = 0
    currency: str
    status: str
    created: Moment = None
    metadata: Labels = Field(default_factory=Labels)
    latest_charge: Charge | str | None = None

    def as_report(self, status: PaymentStatus, occurred_at: datetime | None) -> ProviderReport:
        has_succeeded = status is PaymentStatus.SUCCEEDED
        return ProviderReport(
            provider=Provider.STRIPE,
            provider_payment_id=self.id,
            status=status,
            amount=_amount(self.amount_received if has_succeeded else self.amount),
            currency=self.currency,
            payment_id=self.metadata.payment_id,
            user_id=self.metadata.user_id,
            occurred_at=occurred_at,
        )

    def present_report(self) -> ProviderReport:
        """Return the payment, or the total of its refunds if nothing is left of it: there is nothing to credit."""
        if self.charge is not None and self.charge.amount_refunded >= self.amount_received > 0:
            return self.charge.report_of(self.id)
        return self.as_report(_STATUS_OF_INTENT.get(self.status, PaymentStatus.PENDING), None)

    @property
    def charge(self) -> Charge | None:
        """The charge, if it is expanded."""
        return self.latest_charge if isinstance(self.latest_charge, Charge) else None

    @property
    def is_reversed(self) -> bool:
        """Whether there are refunds or disputes."""
        return self.charge is not None and (self.charge.amount_refunded > 0 or self.charge.disputed)


class CheckoutSession(ProviderModel):
    """A checkout session. `payment_intent` is None until the customer pays, or tries to."""

    id: Label
    url: str | None = None
    payment_status: str | None = None
    payment_intent: str | None = None
    amount_total: int = 0
    currency: str = ""
    metadata: Labels = Field(default_factory=Labels)

    def as_report(self, happened: str, occurred_at: datetime | None) -> ProviderReport | None:
        """Return what an event says of the payment; None if nothing.

        A session that expires without an attempt has no intent: then its own id is the provider's id of the payment.
        """
        match happened:
            case "completed" | "async_payment_succeeded":
                status = PaymentStatus.SUCCEEDED if self.payment_status == "paid" else PaymentStatus.CONFIRMING
            case "async_payment_failed":
                status = PaymentStatus.FAILED
            case "expired":
                status = PaymentStatus.EXPIRED
            case _:
                return None
        return ProviderReport(
            provider=Provider.STRIPE,
            provider_payment_id=self.payment_intent or self.id,
            status=status,
            amount=_amount(self.amount_total),
            currency=self.currency,
            payment_id=self.metadata.payment_id,
            user_id=self.metadata.user_id,
            occurred_at=occurred_at,
        )


class _Reversal(ProviderModel):
    id: Label
    amount: int = Field(ge=0)
    currency: str
    status: str | None = None
    payment_intent: Intent | str | None = None

    def report_as(
        self, status: ReversalStatus, *, sequence: int, occurred_at: datetime | None
    ) -> ProviderReport | None:
        """Return None if it is of a charge without an intent, which is not of this platform."""
        if self.payment_intent is None:
            return None
        intent = self.payment_intent if isinstance(self.payment_intent, Intent) else None
        return ProviderReport(
            provider=Provider.STRIPE,
            provider_payment_id=intent.id if intent else str(self.payment_intent),
            status=PaymentStatus.REFUNDED,
            amount=_amount(self.amount),
            currency=self.currency,
            payment_id=intent.metadata.payment_id if intent else None,
            occurred_at=occurred_at,
            reversal=ReportedReversal(
                reversal_id=self.id, status=status, amount=_amount(self.amount), sequence=sequence
            ),
        )


class Refund(_Reversal):
    """A refund. One that has failed stays so: another attempt is another refund."""

    def as_report(self, occurred_at: datetime | None = None) -> ProviderReport | None:
        has_failed = self.status in _ENDED_REFUND
        status = ReversalStatus.FAILED if has_failed else ReversalStatus.REFUNDED
        return self.report_as(status, sequence=int(has_failed), occurred_at=occurred_at)


class _Movement(ProviderModel):
    amount: int


class Dispute(_Reversal):
    """A dispute. `balance_transactions` are the withdrawals (negative) and reinstatements so far."""

    balance_transactions: list[_Movement] = Field(default_factory=list, max_length=MOST_MOVEMENTS)

    def as_report(
        self, occurred_at: datetime | None = None, *, happened: ReversalStatus | None = None
    ) -> ProviderReport | None:
        """Return the present state.

        Args:
            happened: what an event's type says of a dispute whose status is not final.
        """
        status = _DECIDED.get(str(self.status)) or happened or self._undecided
        # Stripe adds a movement with each change of mind, and changes the status in between.
        sequence = len(self.balance_transactions) * STAGES + _STAGE[status]
        return self.report_as(status, sequence=sequence, occurred_at=occurred_at)

    @property
    def _undecided(self) -> ReversalStatus:
        is_withdrawn = sum(movement.amount for movement in self.balance_transactions) < 0
        return ReversalStatus.WITHDRAWN if is_withdrawn else ReversalStatus.OPEN


def _amount(cents: int) -> Decimal:
    return money(Decimal(cents).scaleb(-2))
