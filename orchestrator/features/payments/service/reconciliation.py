"""Compares payments with the providers' own records, and repairs what a lost webhook left behind (W3, W4)."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import ServiceError, Unavailable
from common.telemetry.logs import get_logger
from orchestrator.clients.users.payments import (
    PaymentFacts,
    PaymentNews,
    PaymentReport,
    PaymentsClient,
    PaymentStatus,
    Provider,
    ReportOutcome,
)
from orchestrator.features.payments.adapters.nowpayments import NowPayments
from orchestrator.features.payments.adapters.port import ProviderRecords
from orchestrator.features.payments.adapters.stripe import StripePayments
from orchestrator.features.payments.errors import NoSuchPayment, ProviderSilent, ProviderUnavailable
from orchestrator.features.payments.service.reconciliation_report import Difference, Reconciled, Unfounded

__all__ = ["Reconciliation"]

UNDECIDED: Final = [
    PaymentStatus.PENDING,
    PaymentStatus.WAITING,
    PaymentStatus.CONFIRMING,
    PaymentStatus.PARTIALLY_PAID,
]
# Those that can still be paid. An intent whose card was declined waits for another card.
OPEN: Final[Mapping[Provider, list[PaymentStatus]]] = {
    Provider.STRIPE: [*UNDECIDED, PaymentStatus.FAILED],
    Provider.NOWPAYMENTS: UNDECIDED,
}
# Given up, and it can come in after all; or there, and it can be given back. Mostly soon, so it is asked about for a day.
DECIDED: Final = [PaymentStatus.FAILED, PaymentStatus.EXPIRED, PaymentStatus.SUCCEEDED]
DOUBTED_FOR: Final = timedelta(days=1)
PAID: Final = {PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED}
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)  # older than any payment
# Most open payments are forgotten top-ups, and they only grow more: an old one has its turn in one of so many rounds.
TURNS: Final = 24
ASKED_AT_ONCE: Final = 4
# A provider that let so many questions run into their timeout is not asked about the rest.
MOST_SILENCES: Final = 3

logger = get_logger(__name__)


class Reconciliation:
    """Tells the ledger what webhooks should have told it; the ledger decides, as with webhooks.

    Stripe lists payments with their state, so its list is held against ours, and it is asked by name only about what
    the list leaves out. NOWPayments lists them only to whoever logs in as the account's owner, so it is asked about
    each payment that is not decided yet, or was not until yesterday. What is open is compared however old it is.
    """

    def __init__(self, *, stripe: StripePayments, crypto: NowPayments, payments: PaymentsClient) -> None:
        self._stripe = stripe
        self._crypto = crypto
        self._payments = payments

    async def run(self, since: datetime, *, turn: int | None = None) -> Reconciled:
        """Compare payments made since then, and those that are still open; a provider that is away stops no other.

        Args:
            turn: the round's number, for the share of old open payments that it asks about; all of them without.

        Raises:
            Unavailable: the users service cannot be asked. What was repaired until then stays so.
        """
        done = Reconciled()
        try:
            await self._compare_with_stripe(since, turn, done)
        except (ProviderUnavailable, ProviderSilent) as error:
            done.unreachable.append(Provider.STRIPE)
            logger.warning("payments.provider_is_away", provider=Provider.STRIPE, code=error.code, **error.private)
        await self._compare_with_nowpayments(since, turn, done)
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

    async def _compare_with_stripe(self, since: datetime, turn: int | None, done: Reconciled) -> None:
        ours = await self._ours(Provider.STRIPE, since, turn)
        by_name = {payment.provider_payment_id: payment for payment in ours}
        # What is said of another intent than the named one is not about the payment.
        unnamed: dict[uuid.UUID | None, PaymentFacts] = {
            payment.payment_id: payment for payment in ours if payment.provider_payment_id is None
        }
        listed = set()
        async for news in self._stripe.since(since):
            listed.add(news.provider_payment_id)
            known = by_name.get(news.provider_payment_id)
            if known is None and news.payment_id is None:
                continue  # somebody else's: an account may serve others, too
            await self._compare(known or unnamed.get(news.payment_id), news, done)
        to_ask = {*OPEN[Provider.STRIPE], PaymentStatus.SUCCEEDED}
        left_out = [
            payment for payment in ours if payment.status in to_ask and payment.provider_payment_id not in listed
        ]
        await self._ask_about(left_out, self._stripe, done)

    async def _compare_with_nowpayments(self, since: datetime, turn: int | None, done: Reconciled) -> None:
        doubted_since = datetime.now(UTC) - DOUBTED_FOR
        ours = [
            payment
            for payment in await self._ours(Provider.NOWPAYMENTS, since, turn)
            if payment.status in UNDECIDED or (payment.status in DECIDED and payment.status_at >= doubted_since)
        ]
        await self._ask_about(ours, self._crypto, done)

    async def _ours(self, provider: Provider, since: datetime, turn: int | None) -> list[PaymentFacts]:
        """Return our payments made since then, and the open ones of before, newest first."""
        is_open = OPEN[provider]
        is_over = [status for status in PaymentStatus if status not in is_open]
        found = {
            payment.payment_id: payment
            async for payment in self._payments.since(BEGINNING, provider=provider, statuses=is_open)
            if payment.created_at >= since or _has_its_turn(payment, turn)
        }
        # What was decided between these two questions is asked about as it is now.
        async for payment in self._payments.since(since, provider=provider, statuses=is_over):
            found[payment.payment_id] = payment
        return sorted(found.values(), key=lambda payment: payment.created_at, reverse=True)

    async def _ask_about(self, ours: Sequence[PaymentFacts], records: ProviderRecords, done: Reconciled) -> None:
        """Ask about each by its name, in this order: the newest first, as it is they that somebody waits for."""
        # Without a name it was never made there, or what it takes to pay it was never shown to anybody.
        waiting = [payment for payment in ours if payment.provider_payment_id is not None]
        silences = 0
        while waiting and silences < MOST_SILENCES:
            asked, waiting = waiting[:ASKED_AT_ONCE], waiting[ASKED_AT_ONCE:]
            answers = await asyncio.gather(*(_ask(records, payment) for payment in asked))
            silences += sum(isinstance(answer, ProviderSilent) for answer in answers)
            for payment, answer in zip(asked, answers, strict=True):
                if isinstance(answer, ServiceError):
                    done.unasked += 1
                else:
                    await self._compare_all(payment, answer, records.provider, done)
        if waiting:
            done.unasked += len(waiting)
            logger.warning("payments.provider_is_silent", provider=records.provider, unasked=len(waiting))

    async def _compare_all(
        self, ours: PaymentFacts, said: Sequence[PaymentNews], provider: Provider, done: Reconciled
    ) -> None:
        if not said:  # there is no such payment, or its status is none that we know
            done.compared += 1
            if ours.status is PaymentStatus.SUCCEEDED:
                done.unfounded.append(_unfounded(ours, provider, None))
        for news in said:
            await self._compare(ours, news, done)

    async def _compare(self, ours: PaymentFacts | None, news: PaymentNews, done: Reconciled) -> None:
        done.compared += 1
        if ours is not None and ours.status is PaymentStatus.SUCCEEDED and news.status not in PAID:
            done.unfounded.append(_unfounded(ours, news.provider, news.status))
            return
        if _is_known(ours, news):
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


async def _ask(records: ProviderRecords, payment: PaymentFacts) -> list[PaymentNews] | ServiceError:
    try:
        return await records.standing(str(payment.provider_payment_id))
    except NoSuchPayment:
        return []
    except ServiceError as error:
        logger.warning("payments.not_compared", payment_id=str(payment.payment_id), code=error.code)
        return error


def _has_its_turn(payment: PaymentFacts, turn: int | None) -> bool:
    return turn is None or payment.payment_id.int % TURNS == turn % TURNS


def _is_known(ours: PaymentFacts | None, news: PaymentNews) -> bool:
    """Whether it says nothing that we could have missed: nothing has happened yet, or just what we have noted."""
    if news.status is PaymentStatus.PENDING:
        return True
    if ours is None or (ours.status, ours.amount, ours.currency) != (news.status, news.amount, news.currency):
        return False
    return not _has_more_come(ours, news)


def _has_more_come(ours: PaymentFacts, news: PaymentNews) -> bool:
    if news.status is not PaymentStatus.PARTIALLY_PAID or news.paid_amount is None:
        return False
    return ours.paid_amount is None or news.paid_amount > ours.paid_amount


def _unfounded(ours: PaymentFacts, provider: Provider, theirs: PaymentStatus | None) -> Unfounded:
    found = Unfounded(
        provider=provider,
        provider_payment_id=str(ours.provider_payment_id),
        payment_id=ours.payment_id,
        theirs=theirs,
    )
    logger.error("payments.unfounded", provider=provider, payment_id=str(ours.payment_id), theirs=theirs)
    return found


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
