"""Orders of commissions: their prices, their payment, and their end while they are unpaid (C1)."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import InvalidRequest, PaymentRequired, Unavailable
from orchestrator.clients import Clients
from orchestrator.clients.events import EventFacts
from orchestrator.clients.orders.commissions import CommissionStatus, CommissionType, NewCommission, PayWith
from orchestrator.clients.spending import check_may_order
from orchestrator.errors import EventEnded, EventNotFound, NotYours, OrderCancelled, OrderInvalidState, OtpRequired
from orchestrator.features.commissions.adapters.interfaces import Tier
from orchestrator.features.commissions.adapters.quality import QualityChecker
from orchestrator.features.commissions.errors import CheckoutExpired
from orchestrator.features.commissions.models import COMMISSION, COMMISSION_BY_CARD, PAY, CommissionSaga
from orchestrator.features.commissions.saga import OPENING
from orchestrator.features.commissions.schemas.ordering import (
    CommissionMoved,
    CommissionOrdered,
    CommissionPrice,
    CommissionRequest,
)
from orchestrator.features.commissions.service.sales import end_sale, own_sale
from orchestrator.features.commissions.service.writing import event_brief
from orchestrator.features.commissions.settings import CommissionSettings
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.idempotency import start_once
from orchestrator.saga_engine.outcomes import data_of, opened
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["OrderingService"]

OPERATION: Final = "commission"
CODE_CONTEXT: Final = "commission"
"""The context of `POST /api/verify-otp`."""
# After these refusals the customer verifies a code, or tops up, and repeats the request.
REPEATABLE: Final = (OtpRequired.code, PaymentRequired.code)


@dataclass(frozen=True, slots=True)
class OrderingService:
    engine: SagaEngine
    clients: Clients
    settings: CommissionSettings
    checker: QualityChecker

    def prices(self) -> list[CommissionPrice]:
        return [CommissionPrice(type=type_, price=price) for type_, price in self.settings.commission_prices.items()]

    async def order(
        self, request: CommissionRequest, *, customer_id: uuid.UUID, key: str | None, address: str
    ) -> CommissionOrdered:
        """Order a text: the credits are in escrow and its job is queued when this returns, or a checkout is open.

        Args:
            key: the header `Idempotency-Key`: a repeated request gets the first order.
            address: the customer's network address.

        Raises:
            InvalidRequest: no text with one of the keywords passes its checks.
            NotFound: EVENT_NOT_FOUND, NOT_FOUND: the article.
            Gone: EVENT_ENDED.
            Forbidden: the article's owner allows no links; ACCOUNT_SUSPENDED.
            Conflict: ORDER_INVALID_STATE, another backlink into the article is not finished, or a repeated request's order
                has ended; REQUEST_IN_PROGRESS.
            PaymentRequired: INSUFFICIENT_CREDITS.
            PreconditionRequired: OTP_REQUIRED; a flagged customer was sent a code.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            Unavailable: the payment provider does not respond.
            StillRunning: it exceeds the request's budget.
        """
        content = request.model_dump(mode="json")
        proof_key = key or str(uuid.uuid4())
        # What a flagged customer verifies a code for: one order, the same for each attempt of it (T6).
        reference = uuid.uuid5(customer_id, f"commission under {proof_key}")

        async def prepare(order_id: uuid.UUID) -> CommissionSaga:
            await self._check_subject(request, customer_id=customer_id)
            await check_may_order(
                self.clients,
                customer_id,
                context=CODE_CONTEXT,
                reference=reference,
                new_key=None if key else proof_key,
                address=address,
            )
            return self._sale(order_id, request, customer_id=customer_id, proof_reference=reference)

        saga = await start_once(
            self.engine,
            COMMISSION if request.pay_with is PayWith.CREDITS else COMMISSION_BY_CARD,
            prepare,
            operation=OPERATION,
            requested_by=customer_id,
            key=key,
            request=content,
            repeatable=REPEATABLE,
            was_accepted=_was_accepted,
        )
        if saga.state is not SagaState.COMPLETED:
            saga = opened(saga, opening=() if _was_accepted(saga) else OPENING, ended=OrderInvalidState)
        return _ordered(saga)

    async def cancel(self, order_id: uuid.UUID, *, customer_id: uuid.UUID) -> CommissionMoved:
        """Cancel the customer's unpaid order, and expire its checkout. Cancelling twice is the same as cancelling once.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order.
            Conflict: ORDER_INVALID_STATE, it is paid; REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        saga = await own_sale(self.engine, order_id, customer_id=customer_id)
        await end_sale(self.engine, saga, OrderCancelled(), signal=PAY)
        return CommissionMoved(
            order_id=order_id,
            status=CommissionStatus.CANCELLED,
            message="Your order was cancelled. A payment at the last moment goes to your wallet, as credits.",
        )

    async def pay(self, order_id: uuid.UUID) -> None:
        """Go on with an order whose payment is in its customer's wallet. One that does not wait for it stays as it is.

        Raises:
            Unavailable: the order is being opened: its wait begins in a moment.
            StillRunning: it goes on in the background.
        """
        saga = await self._sale_by_card(order_id)
        if saga is not None:
            await self.engine.signal(order_id, PAY, kind=saga.kind, signalled_by=saga.requested_by)

    async def end_unpaid(self, order_id: uuid.UUID) -> None:
        """End an order whose checkout has expired. One that is paid, or has ended, stays as it is.

        Raises:
            Unavailable, StillRunning: as `pay`.
        """
        saga = await self._sale_by_card(order_id)
        if saga is not None:
            await self.engine.end_waiting(order_id, CheckoutExpired(), kind=saga.kind, signal=PAY)

    async def _sale_by_card(self, order_id: uuid.UUID) -> SagaRecord | None:
        saga = await self.engine.log.find(order_id)
        if saga is None or saga.kind != COMMISSION_BY_CARD:
            return None
        if saga.state is SagaState.RUNNING and isinstance(saga.data, CommissionSaga) and saga.data.checkout is None:
            raise Unavailable(order_id=order_id)
        return saga

    async def _check_subject(self, request: CommissionRequest, *, customer_id: uuid.UUID) -> None:
        """Check that an article's event is published and has not ended, and that a backlink's article is the customer's own or open.

        Raises:
            NotFound: EVENT_NOT_FOUND, NOT_FOUND.
            Gone: EVENT_ENDED.
            Forbidden: the article's owner allows no links.
            InvalidRequest: no text with one of the keywords passes its checks.
        """
        if request.event_id is not None:
            event = await self.clients.events.facts(request.event_id)
            if not event.is_published:
                raise EventNotFound
            if event.ends_at <= datetime.now(UTC):
                raise EventEnded
            self._check_keywords(request, event)
        if request.article_id is not None:
            article = await self.clients.articles.find(request.article_id)
            if not article.links_allowed and article.owner_user_id != customer_id:
                raise NotYours

    def _check_keywords(self, request: CommissionRequest, event: EventFacts) -> None:
        """Refuse keywords that keep every text from passing its checks, before anything is paid.

        Raises:
            InvalidRequest: with the reason.
        """
        tiers = (
            Tier(category=name, price=price, total=0, sold=0, available=0)
            for name, price in event.pricing_tiers.items()
        )
        brief = event_brief(event, tiers)
        for keyword in request.keywords:
            for finding in self.checker.unfit(keyword, brief):
                message = f'No text with the keyword "{keyword}" passes the quality checks. {finding}'
                raise InvalidRequest(message, details={"fields": {"keywords": "not_allowed"}})

    def _sale(
        self, order_id: uuid.UUID, request: CommissionRequest, *, customer_id: uuid.UUID, proof_reference: uuid.UUID
    ) -> CommissionSaga:
        is_by_card, now = request.pay_with is PayWith.STRIPE, datetime.now(UTC)
        checkout_time = timedelta(seconds=self.settings.commission_checkout_seconds)
        return CommissionSaga(
            saga_id=order_id,
            order=NewCommission(
                order_id=order_id,
                customer_user_id=customer_id,
                price=self.settings.commission_prices[CommissionType(request.type)],
                **request.model_dump(),
            ),
            proof_reference=proof_reference,
            expires_at=now + self.settings.commission_ttls[request.type],
            payment_id=uuid.uuid5(order_id, "payment") if is_by_card else None,
            checkout_expires_at=now + checkout_time if is_by_card else None,
        )


def _was_accepted(saga: SagaRecord) -> bool:
    """Return whether the customer was told that the order is placed, whatever ended it since."""
    has_checkout = isinstance(saga.data, CommissionSaga) and saga.data.checkout is not None
    return has_checkout or (saga.error is not None and saga.error.step not in OPENING)


def _ordered(saga: SagaRecord) -> CommissionOrdered:
    sale = data_of(saga, CommissionSaga, otherwise=OrderInvalidState)
    is_unpaid = saga.state is SagaState.WAITING and saga.step == PAY
    return CommissionOrdered(
        order_id=sale.saga_id,
        status=CommissionStatus.AWAITING_PAYMENT if is_unpaid else CommissionStatus.PROCESSING,
        price=sale.order.price,
        pay_with=sale.order.pay_with,
        checkout_url=sale.checkout.url if is_unpaid and sale.checkout else None,
        message="Please pay for your order."
        if is_unpaid
        else "We have received your request. An email follows when it is ready.",
    )
