"""Compares payments with the providers' own records, and repairs what a lost webhook left behind (W3, W4)."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from common.errors import ServiceError, Unavailable
from common.telemetry.logs import get_logger
from orchestrator.clients.payments import PaymentFacts, PaymentReport, ReportOutcome, UsersPayments
from orchestrator.providers.nowpayments import NowPayments
from orchestrator.providers.port import PaymentNews, PaymentStatus, Provider
from orchestrator.providers.stripe_payments import StripePayments

__all__ = ["Difference", "Reconciled", "Reconciliation"]

# What crypto can still turn into something else; also a payment that was given up can come in after all.
UNDECIDED: Final = [
    PaymentStatus.PENDING,
    PaymentStatus.WAITING,
    PaymentStatus.CONFIRMING,
    PaymentStatus.PARTIALLY_PAID,
    PaymentStatus.FAILED,
    PaymentStatus.EXPIRED,
]

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The provider said something that we did not know; `ours` is None for a payment that is none of ours."""

    provider: Provider
    provider_payment_id: str
    payment_id: uuid.UUID | None
    ours: PaymentStatus | None
    theirs: PaymentStatus
    outcome: ReportOutcome


@dataclass(slots=True)
class Reconciled:
    """What was looked at, and what was found.

    `unasked` are payments that the provider gave no answer about, `refused` those whose news the ledger does not take.
    """

    compared: int = 0
    unasked: int = 0
    refused: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(difference.outcome.value for difference in self.differences)


class Reconciliation:
    """Tells the ledger what webhooks should have told it; the ledger decides, as with webhooks.

    Stripe lists payments with their state, so its list is held against ours. NOWPayments lists them only to whoever
    logs in as the account's owner, so it is asked about each payment that is not decided yet.
    """

    def __init__(self, *, stripe: StripePayments, crypto: NowPayments, payments: UsersPayments) -> None:
        self._stripe = stripe
        self._crypto = crypto
        self._payments = payments

    async def run(self, since: datetime) -> Reconciled:
        """Compare payments made since then.

        Raises:
            Unavailable: Stripe or the users service cannot be asked. What was repaired until then stays so.
        """
        done = Reconciled()
        await self._compare_with_stripe(since, done)
        await self._compare_with_nowpayments(since, done)
        logger.info(
            "payments.reconciled", compared=done.compared, unasked=done.unasked, refused=done.refused, **done.outcomes
        )
        return done

    async def _compare_with_stripe(self, since: datetime, done: Reconciled) -> None:
        ours = [payment async for payment in self._payments.since(since, provider=Provider.STRIPE)]
        by_name = {payment.provider_payment_id: payment for payment in ours}
        by_id: dict[uuid.UUID | None, PaymentFacts] = {payment.payment_id: payment for payment in ours}
        async for news in self._stripe.since(since):
            known = by_name.get(news.provider_payment_id)
            if known is None and news.payment_id is None:
                continue  # somebody else's: an account may serve others, too
            await self._compare(known or by_id.get(news.payment_id), news, done)

    async def _compare_with_nowpayments(self, since: datetime, done: Reconciled) -> None:
        async for payment, news in self._crypto_news(since, done):
            await self._compare(payment, news, done)

    async def _crypto_news(self, since: datetime, done: Reconciled) -> AsyncIterator[tuple[PaymentFacts, PaymentNews]]:
        async for payment in self._payments.since(since, provider=Provider.NOWPAYMENTS, statuses=UNDECIDED):
            if payment.provider_payment_id is None:
                continue  # it was never made there, or its address was never shown to anybody
            try:
                news = (await self._crypto.find(payment.provider_payment_id)).news()
            except ServiceError as error:
                done.unasked += 1
                logger.warning("payments.not_compared", payment_id=str(payment.payment_id), code=error.code)
                continue
            if news is not None:
                yield payment, news

    async def _compare(self, ours: PaymentFacts | None, news: PaymentNews, done: Reconciled) -> None:
        done.compared += 1
        # That nothing has happened yet there is nothing that we could have missed.
        if news.status is PaymentStatus.PENDING or (ours is not None and ours.status is news.status):
            return
        # A name for this telling alone: what the ledger answers to it must be about now.
        try:
            report = await self._payments.report(news, request_id=uuid.uuid4())
        except Unavailable:
            raise
        except ServiceError as error:  # about this one; the others have nothing to do with it
            done.refused += 1
            logger.exception("payments.news_refused", payment_id=str(news.payment_id), code=error.code)
            return
        if report.outcome is not ReportOutcome.IGNORED:
            done.differences.append(_difference(ours, news, report))


def _difference(ours: PaymentFacts | None, news: PaymentNews, report: PaymentReport) -> Difference:
    found = Difference(
        provider=news.provider,
        provider_payment_id=news.provider_payment_id,
        payment_id=report.payment_id,
        ours=ours.status if ours else None,
        theirs=news.status,
        outcome=report.outcome,
    )
    logger.warning(
        "payments.differ",
        provider=found.provider,
        payment_id=str(found.payment_id),
        ours=found.ours,
        theirs=found.theirs,
        outcome=found.outcome,
    )
    return found
