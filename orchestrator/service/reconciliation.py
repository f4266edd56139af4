"""Compares payments with the providers' own records, and repairs what a lost webhook left behind (W3, W4)."""

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import ServiceError, Unavailable
from common.telemetry.logs import get_logger
from orchestrator.clients.payments import PaymentFacts, PaymentReport, ReportOutcome, UsersPayments
from orchestrator.providers.errors import ProviderSilent, ProviderUnavailable
from orchestrator.providers.nowpayments import NowPayments
from orchestrator.providers.port import PaymentNews, PaymentStatus, Provider
from orchestrator.providers.stripe_payments import StripePayments

__all__ = ["UNCONFIRMED", "Difference", "Reconciled", "Reconciliation"]

UNDECIDED: Final = [
    PaymentStatus.PENDING,
    PaymentStatus.WAITING,
    PaymentStatus.CONFIRMING,
    PaymentStatus.PARTIALLY_PAID,
]
# Given up, and it can come in after all; or there, and it can be given back. Mostly soon, so it is asked about for a day.
DECIDED: Final = [PaymentStatus.FAILED, PaymentStatus.EXPIRED, PaymentStatus.SUCCEEDED]
DOUBTED_FOR: Final = timedelta(days=1)
ASKED_AT_ONCE: Final = 4
# A provider that let so many questions run into their timeout is not asked about the rest.
MOST_SILENCES: Final = 3
UNCONFIRMED: Final = "UNCONFIRMED"
"""How differences are counted of which the ledger was not told."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The provider said something that we did not know, or does not know what we say.

    `ours` is None for a payment that is none of ours, `theirs` for one that the provider has not, `outcome` when the
    ledger was told of nothing: credits are not taken back for what a provider leaves out, but a person has to look.
    """

    provider: Provider
    provider_payment_id: str
    payment_id: uuid.UUID | None
    ours: PaymentStatus | None
    theirs: PaymentStatus | None
    outcome: ReportOutcome | None


@dataclass(slots=True)
class Reconciled:
    """What was looked at, and what was found.

    `unasked` are payments that the provider gave no answer about, `refused` those whose news the ledger does not take,
    `silent` the providers whose list could not be had.
    """

    compared: int = 0
    unasked: int = 0
    refused: int = 0
    silent: list[Provider] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(difference.outcome or UNCONFIRMED for difference in self.differences)


class Reconciliation:
    """Tells the ledger what webhooks should have told it; the ledger decides, as with webhooks.

    Stripe lists payments with their state, so its list is held against ours. NOWPayments lists them only to whoever
    logs in as the account's owner, so it is asked about each payment that is not decided yet, or was not until yesterday.
    """

    def __init__(self, *, stripe: StripePayments, crypto: NowPayments, payments: UsersPayments) -> None:
        self._stripe = stripe
        self._crypto = crypto
        self._payments = payments

    async def run(self, since: datetime) -> Reconciled:
        """Compare payments made since then. A provider that is away keeps nobody from asking the other.

        Raises:
            Unavailable: the users service cannot be asked. What was repaired until then stays so.
        """
        done = Reconciled()
        try:
            await self._compare_with_stripe(since, done)
        except (ProviderUnavailable, ProviderSilent) as error:
            done.silent.append(Provider.STRIPE)
            logger.warning("payments.provider_is_silent", provider=Provider.STRIPE, **error.private)
        await self._compare_with_nowpayments(since, done)
        logger.info(
            "payments.reconciled", compared=done.compared, unasked=done.unasked, refused=done.refused, **done.outcomes
        )
        return done

    async def _compare_with_stripe(self, since: datetime, done: Reconciled) -> None:
        ours = [payment async for payment in self._payments.since(since, provider=Provider.STRIPE)]
        by_name = {payment.provider_payment_id: payment for payment in ours}
        by_id: dict[uuid.UUID | None, PaymentFacts] = {payment.payment_id: payment for payment in ours}
        unconfirmed = {name: payment for name, payment in by_name.items() if payment.status is PaymentStatus.SUCCEEDED}
        async for news in self._stripe.since(since):
            known = by_name.get(news.provider_payment_id)
            if known is None and news.payment_id is None:
                continue  # somebody else's: an account may serve others, too
            await self._compare(known or by_id.get(news.payment_id), news, done)
            unconfirmed.pop(news.provider_payment_id, None)
        done.differences += [_unconfirmed(payment, Provider.STRIPE) for payment in unconfirmed.values()]

    async def _compare_with_nowpayments(self, since: datetime, done: Reconciled) -> None:
        waiting = await self._crypto_payments(since)
        silences = 0
        while waiting and silences < MOST_SILENCES:
            asked, waiting = waiting[:ASKED_AT_ONCE], waiting[ASKED_AT_ONCE:]
            answers = await asyncio.gather(*map(self._ask, asked))
            silences += sum(isinstance(answer, ProviderSilent) for answer in answers)
            for payment, answer in zip(asked, answers, strict=True):
                if isinstance(answer, ServiceError):
                    done.unasked += 1
                elif answer is not None:
                    await self._compare(payment, answer, done)
        if waiting:
            done.unasked += len(waiting)
            logger.warning("payments.provider_is_silent", provider=Provider.NOWPAYMENTS, unasked=len(waiting))

    async def _crypto_payments(self, since: datetime) -> list[PaymentFacts]:
        """Return those to ask about, newest first: it is they that somebody waits for."""
        doubted_since = datetime.now(UTC) - DOUBTED_FOR
        found = [
            payment
            async for payment in self._payments.since(
                since, provider=Provider.NOWPAYMENTS, statuses=[*UNDECIDED, *DECIDED]
            )
            # Without a name it was never made there, or its address was never shown to anybody.
            if payment.provider_payment_id is not None
            and (payment.status in UNDECIDED or payment.status_at >= doubted_since)
        ]
        return found[::-1]

    async def _ask(self, payment: PaymentFacts) -> PaymentNews | ServiceError | None:
        try:
            return (await self._crypto.find(str(payment.provider_payment_id))).news()
        except ServiceError as error:
            logger.warning("payments.not_compared", payment_id=str(payment.payment_id), code=error.code)
            return error

    async def _compare(self, ours: PaymentFacts | None, news: PaymentNews, done: Reconciled) -> None:
        done.compared += 1
        if ours is not None and ours.status is PaymentStatus.SUCCEEDED and news.status in UNDECIDED:
            done.differences.append(_unconfirmed(ours, news.provider, theirs=news.status))
            return
        # That nothing has happened yet there is nothing that we could have missed.
        if news.status is PaymentStatus.PENDING or (ours is not None and _is_known(ours, news)):
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


def _is_known(ours: PaymentFacts, news: PaymentNews) -> bool:
    """Whether it says what we say, and of what came in parts as much."""
    if ours.status is PaymentStatus.PARTIALLY_PAID:
        return news.status is ours.status and news.paid_amount == ours.paid_amount
    return news.status is ours.status


def _unconfirmed(ours: PaymentFacts, provider: Provider, *, theirs: PaymentStatus | None = None) -> Difference:
    """Return a payment that we have credited and the provider does not call paid."""
    logger.error(
        "payments.unconfirmed", provider=provider, payment_id=str(ours.payment_id), theirs=theirs, ours=ours.status
    )
    return Difference(
        provider=provider,
        provider_payment_id=str(ours.provider_payment_id),
        payment_id=ours.payment_id,
        ours=ours.status,
        theirs=theirs,
        outcome=None,
    )


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
