"""Compares payments with the providers' records, and repairs the effects of lost webhooks (W3, W4)."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import NotFound, ServiceError, Unavailable
from common.telemetry.logs import get_logger
from orchestrator.clients.users.payments import (
    PaymentFacts,
    PaymentsClient,
    PaymentStatus,
    Provider,
    ProviderReport,
    ReportOutcome,
    ReportResult,
)
from orchestrator.features.payments.adapters.interfaces import ProviderRecords
from orchestrator.features.payments.adapters.nowpayments import NowPayments
from orchestrator.features.payments.adapters.stripe import StripePayments
from orchestrator.features.payments.errors import NoSuchPayment, ProviderTimeout, ProviderUnavailable
from orchestrator.features.payments.service.reconciliation_report import Difference, Reconciled, Unfounded

__all__ = ["Reconciliation"]

UNDECIDED: Final = [
    PaymentStatus.PENDING,
    PaymentStatus.WAITING,
    PaymentStatus.CONFIRMING,
    PaymentStatus.PARTIALLY_PAID,
]
# Payments that can still be paid. An intent whose card was declined waits for another card.
OPEN: Final[Mapping[Provider, list[PaymentStatus]]] = {
    Provider.STRIPE: [*UNDECIDED, PaymentStatus.FAILED],
    Provider.NOWPAYMENTS: UNDECIDED,
}
# A failed payment can still succeed, and a successful one can be refunded. Both mostly happen within a day. Stripe lists
# refunds and disputes by themselves. A refund may fail for 30 days (https://docs.stripe.com/refunds).
REFUNDS_FAIL_FOR: Final = timedelta(days=30)
DECIDED: Final = [PaymentStatus.FAILED, PaymentStatus.EXPIRED, PaymentStatus.SUCCEEDED]
RECHECKED_FOR: Final = timedelta(days=1)
PAID: Final = {PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED}
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)  # older than any payment
# Most old open payments are abandoned top-ups, whose number only grows: each is checked in one of 24 rounds.
ROUNDS: Final = 24
CONCURRENCY: Final = 4
# After so many timeouts, the provider is not asked about the remaining payments.
MAX_TIMEOUTS: Final = 3

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Reports to the ledger what webhooks should have reported; the ledger decides the effect, as for webhooks.

    Stripe lists payments, refunds and disputes with their status, so its lists are compared, and Stripe is asked only
    about payments that the list omits, and those with an open dispute. NOWPayments lists payments only to the logged-in
    account owner, so it is asked about each payment that is undecided or was decided within the last day, and about the
    later deposits that it names. Open payments are compared whatever their age.
    """

    stripe: StripePayments
    nowpayments: NowPayments
    payments: PaymentsClient

    async def run(self, since: datetime, *, round_number: int | None = None) -> Reconciled:
        """Compare payments made since `since`, and all that are still open. An unavailable provider stops no other.

        Args:
            round_number: selects the share of old open payments that this round checks; all of them if omitted.

        Raises:
            Unavailable: the users service does not respond. Earlier repairs stay.
        """
        done = Reconciled()
        try:
            await self._compare_with_stripe(since, round_number, done)
        except (ProviderUnavailable, ProviderTimeout) as error:
            done.unreachable.append(Provider.STRIPE)
            logger.warning("payments.provider_unavailable", provider=Provider.STRIPE, code=error.code, **error.private)
        await self._compare_with_nowpayments(since, round_number, done)
        logger.info(
            "payments.reconciled",
            compared=done.compared,
            unfounded=len(done.unfounded),
            unasked=done.unasked,
            unreachable=done.unreachable,
            refused=done.refused,
            **done.outcomes,
        )
        return done

    async def _compare_with_stripe(self, since: datetime, round_number: int | None, done: Reconciled) -> None:
        ours = await self._ours(Provider.STRIPE, since, round_number)
        by_provider_id = {payment.provider_payment_id: payment for payment in ours}
        # News of an intent concerns a payment by its id only while the payment has no intent yet.
        without_intent: dict[uuid.UUID | None, PaymentFacts] = {
            payment.payment_id: payment for payment in ours if payment.provider_payment_id is None
        }
        listed = set()
        async for report in self.stripe.since(since):
            listed.add(report.provider_payment_id)
            known = by_provider_id.get(report.provider_payment_id)
            if known is None and report.payment_id is None:
                continue  # not of this platform: the account may have other uses
            await self._compare(known or without_intent.get(report.payment_id), report, done)
        await self._compare_reversals(since, by_provider_id, done)
        to_check = {*OPEN[Provider.STRIPE], PaymentStatus.SUCCEEDED}
        omitted = [
            payment for payment in ours if payment.status in to_check and payment.provider_payment_id not in listed
        ]
        disputed = self.payments.since(BEGINNING, provider=Provider.STRIPE, has_open_dispute=True)
        to_ask = {payment.payment_id: payment for payment in omitted}
        to_ask |= {payment.payment_id: payment async for payment in disputed if payment.has_open_dispute}
        await self._ask_about([*to_ask.values()], self.stripe, done)

    async def _compare_reversals(
        self, since: datetime, by_provider_id: Mapping[str | None, PaymentFacts], done: Reconciled
    ) -> None:
        """Compare recent refunds and disputes; their payments may be older than all that are compared."""
        async for report in self.stripe.reversals_since(since - REFUNDS_FAIL_FOR):
            if report.payment_id is not None:  # otherwise it is not of this platform
                ours = by_provider_id.get(report.provider_payment_id) or await self._find(report.payment_id)
                await self._compare(ours, report, done)

    async def _find(self, payment_id: uuid.UUID) -> PaymentFacts | None:
        try:
            return await self.payments.find(payment_id)
        except NotFound:
            return None

    async def _compare_with_nowpayments(self, since: datetime, round_number: int | None, done: Reconciled) -> None:
        rechecked_since = datetime.now(UTC) - RECHECKED_FOR
        ours = [
            payment
            for payment in await self._ours(Provider.NOWPAYMENTS, since, round_number)
            if payment.status in UNDECIDED or (payment.status in DECIDED and payment.status_at >= rechecked_since)
        ]
        await self._ask_about(ours, self.nowpayments, done)

    async def _ours(self, provider: Provider, since: datetime, round_number: int | None) -> list[PaymentFacts]:
        """Return the platform's payments made since `since` and older open ones, newest first."""
        is_open = OPEN[provider]
        is_over = [status for status in PaymentStatus if status not in is_open]
        payments = {
            payment.payment_id: payment
            async for payment in self.payments.since(BEGINNING, provider=provider, statuses=is_open)
            if payment.created_at >= since or _is_in_round(payment, round_number)
        }
        # A payment that was decided between the two queries takes its newer status.
        async for payment in self.payments.since(since, provider=provider, statuses=is_over):
            payments[payment.payment_id] = payment
        return sorted(payments.values(), key=lambda payment: payment.created_at, reverse=True)

    async def _ask_about(self, ours: Sequence[PaymentFacts], records: ProviderRecords, done: Reconciled) -> None:
        """Ask the provider about each payment, newest first, because fans wait for the newest."""
        # A payment without the provider's id was not created there, or its instructions were never shown to the fan.
        waiting = [payment for payment in ours if payment.provider_payment_id is not None]
        timeouts = 0
        while waiting and timeouts < MAX_TIMEOUTS:
            asked, waiting = waiting[:CONCURRENCY], waiting[CONCURRENCY:]
            answers = await asyncio.gather(*(_ask(records, payment) for payment in asked))
            timeouts += sum(isinstance(answer, ProviderTimeout) for answer in answers)
            for payment, answer in zip(asked, answers, strict=True):
                if isinstance(answer, ServiceError):
                    done.unasked += 1
                else:
                    await self._compare_all(payment, answer, records.provider, done)
        if waiting:
            done.unasked += len(waiting)
            logger.warning("payments.provider_timed_out", provider=records.provider, unasked=len(waiting))

    async def _compare_all(
        self, ours: PaymentFacts, reports: Sequence[ProviderReport], provider: Provider, done: Reconciled
    ) -> None:
        if not reports:  # the provider has no such payment, or an unknown status
            done.compared += 1
            if ours.status is PaymentStatus.SUCCEEDED:
                done.unfounded.append(_unfounded(ours, provider, None))
        for report in reports:
            await self._compare(ours, report, done)

    async def _compare(self, ours: PaymentFacts | None, report: ProviderReport, done: Reconciled) -> None:
        done.compared += 1
        if ours is not None and _is_unfounded(ours, report):
            done.unfounded.append(_unfounded(ours, report.provider, report.status))
            return
        if _is_known(ours, report):
            return
        # A fresh request id, because the ledger's answer must be about the present.
        try:
            result = await self.payments.report(report, request_id=uuid.uuid4())
        except Unavailable:
            raise
        except ServiceError as error:  # concerns this payment only
            done.refused += 1
            logger.exception("payments.report_refused", payment_id=str(report.payment_id), code=error.code)
            return
        if result.outcome is not ReportOutcome.IGNORED:
            done.differences.append(_difference(ours, report, result))


async def _ask(records: ProviderRecords, payment: PaymentFacts) -> list[ProviderReport] | ServiceError:
    try:
        return await records.current(str(payment.provider_payment_id))
    except NoSuchPayment:
        return []
    except ServiceError as error:
        logger.warning("payments.not_compared", payment_id=str(payment.payment_id), code=error.code)
        return error


def _is_in_round(payment: PaymentFacts, round_number: int | None) -> bool:
    return round_number is None or payment.payment_id.int % ROUNDS == round_number % ROUNDS


def _is_unfounded(ours: PaymentFacts, report: ProviderReport) -> bool:
    """Return whether a credited payment is not paid there. A later deposit says nothing about the first."""
    is_credited, is_first = ours.status is PaymentStatus.SUCCEEDED, report.parent_payment_id is None
    is_settled = ours.original_amount is not None and report.status is PaymentStatus.PARTIALLY_PAID
    return is_credited and is_first and report.status not in PAID and not is_settled and not ours.has_later_deposits


def _is_known(ours: PaymentFacts | None, report: ProviderReport) -> bool:
    """Return whether the report has no new fact: the payment is pending, or what it reports is recorded."""
    if report.status is PaymentStatus.PENDING:
        return True
    if ours is None:
        return False
    if report.parent_payment_id is not None:
        return _is_known_deposit(ours, report)
    if report.status is PaymentStatus.REFUNDED:
        return _is_known_reversal(ours, report)
    is_same = (ours.status, ours.amount, ours.currency) == (report.status, report.amount, report.currency)
    return is_same and not _is_paid_more(ours, report)


def _is_known_reversal(ours: PaymentFacts, report: ProviderReport) -> bool:
    if report.reversal is None:
        return ours.currency == report.currency and ours.refunded_amount >= report.amount
    known = ours.reversals.by_id.get(report.reversal.reversal_id)
    return known is not None and known.sequence >= report.reversal.sequence


def _is_known_deposit(ours: PaymentFacts, report: ProviderReport) -> bool:
    if report.provider_payment_id in ours.deposits:
        amount = ours.deposits[report.provider_payment_id]
        return amount is None or (report.status is not PaymentStatus.REFUNDED and amount >= (report.paid_amount or 0))
    return report.status not in {PaymentStatus.PARTIALLY_PAID, PaymentStatus.SUCCEEDED}


def _is_paid_more(ours: PaymentFacts, report: ProviderReport) -> bool:
    if report.status is not PaymentStatus.PARTIALLY_PAID or report.paid_amount is None:
        return False
    return report.paid_amount > (ours.deposits.get(report.provider_payment_id) or 0)


def _unfounded(ours: PaymentFacts, provider: Provider, theirs: PaymentStatus | None) -> Unfounded:
    logger.error("payments.credited_without_payment", provider=provider, payment_id=str(ours.payment_id), theirs=theirs)
    return Unfounded(
        provider=provider,
        provider_payment_id=str(ours.provider_payment_id),
        payment_id=ours.payment_id,
        theirs=theirs,
    )


def _subject_of(report: ProviderReport) -> str:
    if report.reversal is not None:
        return report.reversal.reversal_id
    return "" if report.parent_payment_id is None else f"deposit to {report.parent_payment_id}"


def _difference(ours: PaymentFacts | None, report: ProviderReport, result: ReportResult) -> Difference:
    difference = Difference(
        provider=report.provider,
        provider_payment_id=report.provider_payment_id,
        payment_id=result.payment_id,
        ours=ours.status if ours else None,
        theirs=report.reversal.status if report.reversal else report.status,
        subject=_subject_of(report),
        outcome=result.outcome,
    )
    logger.warning(
        "payments.differ",
        provider=difference.provider,
        payment_id=str(difference.payment_id),
        ours=difference.ours,
        theirs=difference.theirs,
        outcome=difference.outcome,
    )
    return difference
