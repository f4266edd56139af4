"""Routes with which users and tests control the payment providers: pay by crypto, and send webhooks."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from devstack.sandbox.nowpayments import NowPaymentsAccount, NowPaymentsStatus
from devstack.sandbox.settings import Settings
from devstack.sandbox.stripe_account import StripeAccount
from devstack.sandbox.webhooks import (
    Sending,
    SentWebhook,
    WebhookSender,
    nowpayments_headers,
    stripe_headers,
    supplier_headers,
)

__all__ = ["Delivery", "PaymentProviders", "WebhookReport", "payment_control_routes"]


class Delivery(Sending):
    """How the webhook is sent; `changes` apply to the webhook, not to the stored payment."""

    changes: dict[str, Any] = Field(default_factory=dict)


class NewDeposit(Delivery):
    """More coins for a payment's address, in its currency unless another is named."""

    actually_paid: Annotated[float, Field(gt=0)]
    pay_currency: str | None = None
    status: NowPaymentsStatus = "finished"


class MovePayment(Delivery):
    status: NowPaymentsStatus
    actually_paid: float | None = None


class SupplierNotice(Delivery):
    type: str = "order.ready"


class WebhookReport(BaseModel):
    """A webhook; `statuses` are the gateway's responses, 0 means no response."""

    webhook_id: str
    provider: str
    type: str
    statuses: list[int]


@dataclass(frozen=True, kw_only=True)
class PaymentProviders:
    """The simulated payment providers, and the sender of their webhooks."""

    stripe: StripeAccount
    nowpayments: NowPaymentsAccount
    sender: WebhookSender
    settings: Settings

    async def send_stripe(self, intent: dict[str, Any], type_: str, delivery: Delivery) -> SentWebhook:
        event_id = f"evt_{uuid4().hex}"
        event = {
            "id": event_id,
            "object": "event",
            "created": intent.get("created", 0),
            "livemode": False,
            "type": type_,
            "data": {"object": {**intent, **delivery.changes}},
        }
        sign = stripe_headers(self.settings.stripe_webhook_secret)
        return await self.sender.send_new("stripe", event, sign, delivery, webhook_id=event_id, type_=type_)

    async def send_nowpayments(self, payment: dict[str, Any], delivery: Delivery) -> SentWebhook:
        sign = nowpayments_headers(self.settings.nowpayments_ipn_secret)
        notice, webhook_id = {**payment, **delivery.changes}, f"ipn_{uuid4().hex}"
        type_ = str(payment["payment_status"])
        return await self.sender.send_new("nowpayments", notice, sign, delivery, webhook_id=webhook_id, type_=type_)

    async def send_supplier(self, notice: SupplierNotice) -> SentWebhook:
        webhook_id = f"kg_{uuid4().hex}"
        payload = {"event_id": webhook_id, "type": notice.type, **notice.changes}
        sign = supplier_headers(self.settings.supplier_webhook_secret)
        return await self.sender.send_new("kinguin", payload, sign, notice, webhook_id=webhook_id, type_=notice.type)


def payment_control_routes(providers: PaymentProviders) -> APIRouter:
    router = APIRouter(prefix="/control", tags=["Control"])

    @router.post("/nowpayments/{payment_id}", response_model=WebhookReport)
    async def move_payment(payment_id: str, body: MovePayment) -> SentWebhook:
        """Change the status of a crypto payment and send the notification."""
        payment = providers.nowpayments.move(payment_id, body.status, actually_paid=body.actually_paid)
        return await providers.send_nowpayments(payment, body)

    @router.post("/nowpayments/{payment_id}/deposit", response_model=WebhookReport)
    async def deposit_again(payment_id: str, body: NewDeposit) -> SentWebhook:
        """Send coins to a payment's address again, and send the notification of the new payment that this makes."""
        payment = providers.nowpayments.deposit(
            payment_id, body.status, actually_paid=body.actually_paid, pay_currency=body.pay_currency
        )
        return await providers.send_nowpayments(payment, body)

    @router.post("/kinguin", response_model=WebhookReport)
    async def notify(body: SupplierNotice) -> SentWebhook:
        """Send a notice of the supplier; `changes` are added to its body."""
        return await providers.send_supplier(body)

    @router.get("/webhooks", response_model=list[WebhookReport])
    async def list_webhooks() -> list[SentWebhook]:
        """List all webhooks, oldest first, even those that were not sent."""
        return providers.sender.known

    @router.post("/webhooks/{webhook_id}/send", response_model=WebhookReport)
    async def send_again(webhook_id: str, body: Delivery | None = None) -> SentWebhook:
        """Send a webhook again with a new signature, even if it was not sent before."""
        if (webhook := providers.sender.find(webhook_id)) is None:
            raise HTTPException(404, "There is no such webhook.")
        await providers.sender.send(webhook, body or Delivery())
        return webhook

    return router
