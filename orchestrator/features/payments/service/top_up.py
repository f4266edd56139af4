"""Top-ups: a payment is recorded, created at its provider, and linked to it; webhooks report its outcome.

This is not a saga: after a crash at any step, nothing has to be undone (docs/adr/0013).
"""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from common.errors import InvalidRequest, NotFound
from orchestrator.clients.orders.orders import OrdersClient
from orchestrator.clients.users.payments import PaymentFacts, PaymentsClient, Provider
from orchestrator.errors import NotYours, OrderInvalidState
from orchestrator.features.payments.adapters.stripe import Intent, StripePayments
from orchestrator.features.payments.schemas import CryptoInstructions, CryptoRequest, TopUpStarted
from orchestrator.features.payments.service.crypto import CryptoPayments

__all__ = ["TopUpService"]

UNPAID: Final = "PENDING"  # the status of an order whose seats are held


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpService:
    payments: PaymentsClient
    stripe: StripePayments
    crypto: CryptoPayments
    orders: OrdersClient

    async def top_up(self, *, user_id: uuid.UUID, amount: Decimal, key: str | None) -> TopUpStarted:
        """Begin a top-up by card.

        Args:
            key: the request's idempotency key, with which a repeated request returns the first payment.

        Raises:
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            Unavailable: Stripe or the users service does not respond; repeating the request continues.
        """
        payment_id = _payment_id(user_id, "topup", key)
        opened = await self.payments.open(
            payment_id=payment_id,
            user_id=user_id,
            provider=Provider.STRIPE,
            purpose="topup",
            reference=payment_id,
            amount=amount,
        )
        # Its present state differs from the first answer if it was opened before.
        payment = await self.payments.find(opened.payment_id)
        intent = await self._intent(payment, user_id=user_id)
        return TopUpStarted(
            payment_id=payment_id,
            client_secret=intent.client_secret or "",
            amount=payment.amount,
            currency=payment.currency,
        )

    async def pay_by_crypto(self, request: CryptoRequest, *, user_id: uuid.UUID, key: str | None) -> CryptoInstructions:
        """Begin a payment by crypto.

        Args:
            key: as in `top_up`. The first answer is returned even if the order has been paid or cancelled since.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: the order belongs to another user.
            Conflict: ORDER_INVALID_STATE; the order is not payable.
            InvalidRequest: the provider refuses the amount in that currency, or it is not the order's total.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            Unavailable: NOWPayments or a service does not respond.
        """
        payment_id = _payment_id(user_id, "crypto", key)
        payment = await self.crypto.open(
            payment_id=payment_id,
            user_id=user_id,
            purpose=request.purpose,
            reference=request.reference_id or payment_id,
            amount=await self._first_amount(request, payment_id) or await self._price_of(request, user_id=user_id),
            pay_currency=request.pay_currency,
        )
        return CryptoInstructions(
            payment_id=payment_id, amount=payment.amount, currency=payment.currency, **payment.details
        )

    async def _intent(self, payment: PaymentFacts, *, user_id: uuid.UUID) -> Intent:
        if payment.provider_payment_id is not None:
            return await self.stripe.find(payment.provider_payment_id)
        created = await self.stripe.create(payment_id=payment.payment_id, user_id=user_id, amount=payment.amount)
        attached = await self.payments.attach(payment.payment_id, provider_payment_id=created.id)
        if attached.provider_payment_id in {None, created.id}:
            return created
        return await self.stripe.find(str(attached.provider_payment_id))

    async def _first_amount(self, request: CryptoRequest, payment_id: uuid.UUID) -> Decimal | None:
        """Return the amount if this request for an order was answered before; the payment's facts are checked later.

        None means that the fan has no address to pay to, so the order is checked.
        """
        if request.reference_id is None:
            return None
        try:
            first = await self.payments.find(payment_id)
        except NotFound:
            return None
        return None if first.provider_payment_id is None else request.amount or first.amount

    async def _price_of(self, request: CryptoRequest, *, user_id: uuid.UUID) -> Decimal:
        """Return the amount due; for an order, it is the total from the orders service."""
        if request.reference_id is None:
            assert request.amount is not None  # noqa: S101 - CryptoRequest checks it
            return request.amount
        order = await self.orders.find(request.reference_id)
        if order.user_id != user_id:
            raise NotYours
        if order.status != UNPAID:
            raise OrderInvalidState
        if request.amount not in {None, order.total}:
            raise InvalidRequest("The amount is not the order's total.", details={"total": f"{order.total:.2f}"})
        return order.total


def _payment_id(user_id: uuid.UUID, operation: str, key: str | None) -> uuid.UUID:
    return uuid.uuid5(user_id, f"{operation}/{key}") if key else uuid.uuid4()
