"""Stripe Checkout: a page on which a customer pays one order (https://docs.stripe.com/api/checkout/sessions)."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import stripe

from common.telemetry.tracing import client_span
from orchestrator.clients.users.payments import CURRENCY
from orchestrator.features.payments.adapters.stripe import StripePayments, translated
from orchestrator.features.payments.adapters.stripe_models import CheckoutSession
from orchestrator.features.payments.errors import ProviderRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """What is paid: `name` is shown on the page. `expires_at` lies between 30 minutes and a day ahead."""

    payment_id: uuid.UUID
    user_id: uuid.UUID
    order_id: uuid.UUID
    name: str
    amount: Decimal
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StripeCheckout:
    """Creates and expires checkout sessions. Their payment intents are reported and reconciled as those of top-ups.

    Args:
        public_url: of the site, without a trailing slash: the customer returns to the order's page.
    """

    payments: StripePayments
    public_url: str

    async def create(self, request: CheckoutRequest) -> CheckoutSession:
        """Create a session, or return the one that was created for this payment within the last day.

        Raises:
            ProviderRefused: Stripe does not accept the request, such as its expiry.
            Unprocessable: the payment's session has other facts.
            ProviderUnavailable: Stripe returns another error.
            ProviderTimeout: Stripe does not respond in time.
        """
        labels = {"payment_id": str(request.payment_id), "user_id": str(request.user_id)}
        page = f"{self.public_url}/order-status/{request.order_id}"
        with client_span("Stripe", "create checkout"), translated():
            try:
                session = await self.payments.client.v1.checkout.sessions.create_async(
                    {
                        "mode": "payment",
                        "line_items": [
                            {
                                "quantity": 1,
                                "price_data": {
                                    "currency": CURRENCY,
                                    "unit_amount": int(request.amount.scaleb(2)),
                                    "product_data": {"name": request.name},
                                },
                            }
                        ],
                        "payment_intent_data": {"metadata": labels},
                        "metadata": labels,
                        "client_reference_id": str(request.order_id),
                        "success_url": f"{page}?session_id={{CHECKOUT_SESSION_ID}}",
                        "cancel_url": f"{page}?cancelled=1",
                        "expires_at": int(request.expires_at.timestamp()),
                    },
                    {"idempotency_key": f"checkout {request.payment_id}"},
                )
            except stripe.InvalidRequestError as error:
                raise ProviderRefused(reason=repr(error)) from error
            return CheckoutSession.model_validate(session.to_dict())

    async def expire(self, session_id: str) -> None:
        """Expire a session; one that is paid or has expired stays so.

        Raises:
            ProviderUnavailable, ProviderTimeout: as `create`.
        """
        with client_span("Stripe", "expire checkout"), translated(), suppress(stripe.InvalidRequestError):
            await self.payments.client.v1.checkout.sessions.expire_async(session_id)
