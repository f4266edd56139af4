"""Routes with which users and tests control Stripe: pay, decline, refund, dispute. Each sends the webhook."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter
from pydantic import Field

from devstack.sandbox.payment_control import Delivery, PaymentProviders, WebhookReport
from devstack.sandbox.stripe_routes import as_sent
from devstack.sandbox.webhooks import SentWebhook

__all__ = ["stripe_control_routes"]

STRIPE_TYPES: Final = {
    "succeed": "payment_intent.succeeded",
    "fail": "payment_intent.payment_failed",
    "cancel": "payment_intent.canceled",
}
# What happens to the last dispute of an intent, and the type of the webhook.
DISPUTE_TYPES: Final = {
    "withdraw": "charge.dispute.funds_withdrawn",
    "reinstate": "charge.dispute.funds_reinstated",
    "win": "charge.dispute.closed",
    "lose": "charge.dispute.closed",
}


class RefundDelivery(Delivery):
    amount: (
        Annotated[int, Field(gt=0, description="In cents; if omitted, all of it, or what is left to refund.")] | None
    ) = None


def stripe_control_routes(providers: PaymentProviders) -> APIRouter:
    router = APIRouter(prefix="/control", tags=["Control"])

    @router.post("/stripe/forget-keys", status_code=204)
    async def clear_keys() -> None:
        """Delete idempotency keys, as Stripe does after a day."""
        providers.stripe.clear_keys()

    @router.post("/stripe/{intent_id}/refund", response_model=WebhookReport)
    async def refund_intent(intent_id: str, body: RefundDelivery | None = None) -> SentWebhook:
        """Refund a paid intent, or what is left of it, and send the webhooks; that of the charge is returned."""
        delivery = body or RefundDelivery()
        charge, refund = providers.stripe.refund(intent_id, cents=delivery.amount)
        sent = await providers.send_stripe(charge, "charge.refunded", delivery)
        await providers.send_stripe(refund, "refund.created", delivery)
        return sent

    @router.post("/stripe/{intent_id}/fail-refund", response_model=WebhookReport)
    async def fail_refund(intent_id: str, body: Delivery | None = None) -> SentWebhook:
        """Let the last refund of an intent fail and send the webhook."""
        return await providers.send_stripe(providers.stripe.fail_refund(intent_id), "refund.failed", body or Delivery())

    @router.post("/stripe/{intent_id}/dispute", response_model=WebhookReport)
    async def dispute_intent(intent_id: str, body: RefundDelivery | None = None) -> SentWebhook:
        """Dispute a paid intent, or a part of it, and send the webhook. No money moves yet."""
        delivery = body or RefundDelivery()
        dispute = providers.stripe.dispute(intent_id, cents=delivery.amount)
        return await providers.send_stripe(dispute, "charge.dispute.created", delivery)

    @router.post("/stripe/{intent_id}/dispute/{action}", response_model=WebhookReport)
    async def move_dispute(
        intent_id: str, action: Literal["withdraw", "reinstate", "win", "lose"], body: Delivery | None = None
    ) -> SentWebhook:
        """Withdraw or reinstate the funds of the last dispute, or close it as won or lost, and send the webhook."""
        if action in {"withdraw", "reinstate"}:
            dispute = getattr(providers.stripe, action)(intent_id)
        else:
            status = {"win": "won", "lose": "lost"}[action]
            dispute = providers.stripe.close_dispute(intent_id, status=status)
        return await providers.send_stripe(dispute, DISPUTE_TYPES[action], body or Delivery())

    @router.post("/stripe/{intent_id}/{action}", response_model=WebhookReport)
    async def move_intent(
        intent_id: str, action: Literal["succeed", "fail", "cancel"], body: Delivery | None = None
    ) -> SentWebhook:
        """Pay an intent, decline its card, or cancel it, and send the webhook."""
        intent = getattr(providers.stripe, action)(intent_id)
        return await providers.send_stripe(as_sent(intent), STRIPE_TYPES[action], body or Delivery())

    return router
