"""Where fans buy credits: a payment is noted, made at its provider, and named; webhooks say what becomes of it.

No saga: whatever step is the last one that happens, nothing has to be taken back (docs/adr/0013).
"""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from common.errors import InvalidRequest, NotFound
from orchestrator.clients.orders.orders import OrdersClient
from orchestrator.clients.users.payments import PaymentFacts, PaymentsClient, Provider, Purpose
from orchestrator.errors import NotYours, OrderInvalidState
from orchestrator.features.payments.adapters.nowpayments import CryptoPayment, NowPayments
from orchestrator.features.payments.adapters.stripe import Intent, StripePayments
from orchestrator.features.payments.schemas import CryptoInstructions, CryptoRequest, TopUpStarted

__all__ = ["TopUpService"]

PAY_ADDRESS: Final = "pay_address"
PAY_CURRENCY: Final = "pay_currency"
UNPAID: Final = "PENDING"  # of an order: its seats are held


class TopUpService:
    def __init__(
        self, payments: PaymentsClient, *, stripe: StripePayments, crypto: NowPayments, orders: OrdersClient
    ) -> None:
        self._payments = payments
        self._stripe = stripe
        self._crypto = crypto
        self._orders = orders

    async def top_up(self, *, user_id: uuid.UUID, amount: Decimal, key: str | None) -> TopUpStarted:
        """Begin a top-up by card.

        Args:
            key: the request's idempotency key. With one, a repeated request finds the first one's payment.

        Raises:
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            Unavailable: Stripe, or the users service, gives no answer; the same request again goes on.
        """
        payment_id = _payment_id(user_id, "topup", key)
        payment = await self._open(
            payment_id, user_id=user_id, provider=Provider.STRIPE, purpose="topup", reference=payment_id, amount=amount
        )
        intent = await self._intent(payment, user_id=user_id)
        return TopUpStarted(
            payment_id=payment_id,
            client_secret=intent.client_secret or "",
            amount=payment.amount,
            currency=payment.currency,
        )

    async def pay_by_crypto(self, wanted: CryptoRequest, *, user_id: uuid.UUID, key: str | None) -> CryptoInstructions:
        """Begin a payment by crypto.

        Args:
            key: as above. The first request's answer is given also when the order was paid or given up since.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: it is somebody else's order.
            Conflict: ORDER_INVALID_STATE; it is not to be paid (any more).
            InvalidRequest: not that amount in that currency, says the provider; or the order's total is another.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            Unavailable: NOWPayments, or a service, gives no answer.
        """
        payment_id = _payment_id(user_id, "crypto", key)
        payment = await self._open(
            payment_id,
            user_id=user_id,
            provider=Provider.NOWPAYMENTS,
            purpose=wanted.purpose,
            reference=wanted.reference_id or payment_id,
            amount=await self._first_amount(wanted, payment_id) or await self._price_of(wanted, user_id=user_id),
            details={PAY_CURRENCY: wanted.pay_currency},
        )
        payment = await self._with_address(payment, pay_currency=wanted.pay_currency)
        return CryptoInstructions(
            payment_id=payment_id, amount=payment.amount, currency=payment.currency, **payment.details
        )

    async def _open(
        self,
        payment_id: uuid.UUID,
        *,
        user_id: uuid.UUID,
        provider: Provider,
        purpose: Purpose,
        reference: uuid.UUID,
        amount: Decimal,
        details: Mapping[str, str] | None = None,
    ) -> PaymentFacts:
        """Note the payment; when it was noted before, return it as it is now and not as it was first."""
        opened = await self._payments.open(
            payment_id=payment_id,
            user_id=user_id,
            provider=provider,
            purpose=purpose,
            reference=reference,
            amount=amount,
            details=details,
        )
        return await self._payments.find(opened.payment_id)

    async def _with_address(self, payment: PaymentFacts, *, pay_currency: str) -> PaymentFacts:
        if payment.provider_payment_id is None:
            made = await self._crypto.create(
                payment_id=payment.payment_id, amount=payment.amount, pay_currency=pay_currency
            )
            payment = await self._attach(payment, made)
        if PAY_ADDRESS not in payment.details:
            # The answer that had it was lost, and NOWPayments' first notification came before this request.
            payment = await self._attach(payment, await self._crypto.find(str(payment.provider_payment_id)))
        return payment

    async def _attach(self, payment: PaymentFacts, made: CryptoPayment) -> PaymentFacts:
        return await self._payments.attach(
            payment.payment_id,
            provider_payment_id=made.payment_id,
            expires_at=made.expiration_estimate_date,
            details=_instructions(made),
        )

    async def _intent(self, payment: PaymentFacts, *, user_id: uuid.UUID) -> Intent:
        if payment.provider_payment_id is not None:
            return await self._stripe.find(payment.provider_payment_id)
        made = await self._stripe.create(payment_id=payment.payment_id, user_id=user_id, amount=payment.amount)
        named = await self._payments.attach(payment.payment_id, provider_payment_id=made.id)
        if named.provider_payment_id in {None, made.id}:
            return made
        return await self._stripe.find(str(named.provider_payment_id))

    async def _first_amount(self, wanted: CryptoRequest, payment_id: uuid.UUID) -> Decimal | None:
        """Return what a request for an order is about if it was answered before; that it is the same is checked later.

        None when it was not: nobody has an address for it, so the order is looked at.
        """
        if wanted.reference_id is None:
            return None
        try:
            first = await self._payments.find(payment_id)
        except NotFound:
            return None
        return None if first.provider_payment_id is None else wanted.amount or first.amount

    async def _price_of(self, wanted: CryptoRequest, *, user_id: uuid.UUID) -> Decimal:
        """The price always comes from the server: of an order it is its total."""
        if wanted.reference_id is None:
            assert wanted.amount is not None  # noqa: S101 - as the request was checked
            return wanted.amount
        order = await self._orders.find(wanted.reference_id)
        if order.user_id != user_id:
            raise NotYours
        if order.status != UNPAID:
            raise OrderInvalidState
        if wanted.amount not in {None, order.total}:
            raise InvalidRequest("The order's total is another.", details={"total": f"{order.total:.2f}"})
        return order.total


def _payment_id(user_id: uuid.UUID, operation: str, key: str | None) -> uuid.UUID:
    return uuid.uuid5(user_id, f"{operation}/{key}") if key else uuid.uuid4()


def _instructions(made: CryptoPayment) -> dict[str, str | None]:
    expires_at = made.expiration_estimate_date
    return {
        PAY_ADDRESS: made.pay_address,
        "pay_amount": f"{made.pay_amount:f}",
        PAY_CURRENCY: made.pay_currency,
        "expires_at": expires_at.isoformat() if expires_at else None,
    }
