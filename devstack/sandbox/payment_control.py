"""What people and tests tell the payment stand-ins to do: pay, decline, give back, and what to say of it."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import uuid4

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from devstack.sandbox.crypto import CryptoDesk, CryptoStatus
from devstack.sandbox.settings import Settings
from devstack.sandbox.stripe_account import StripeAccount
from devstack.sandbox.stripe_routes import as_sent
from devstack.sandbox.webhooks import (
    Sending,
    SentWebhook,
    WebhookSender,
    nowpayments_headers,
    stripe_headers,
    supplier_headers,
)

__all__ = ["Stands", "payment_control_routes"]

MOST_COPIES: Final = 200
TYPES: Final = {
    "succeed": "payment_intent.succeeded",
    "fail": "payment_intent.payment_failed",
    "cancel": "payment_intent.canceled",
    "refund": "charge.refunded",
}


class Tell(BaseModel):
    """`copies` 0 forgets to send; `changes` are made to what is told, not to what is so."""

    copies: Annotated[int, Field(ge=0, le=MOST_COPIES)] = 1
    signed_seconds_ago: int = 0
    changes: dict[str, Any] = {}

    @property
    def sending(self) -> Sending:
        return Sending(copies=self.copies, signed_seconds_ago=self.signed_seconds_ago)


class TellRefund(Tell):
    amount: Annotated[int, Field(gt=0, description="In cents; everything when omitted.")] | None = None


class MovePayment(Tell):
    status: CryptoStatus
    actually_paid: float | None = None


class SupplierNotice(Tell):
    type: str = "order.ready"


class Told(BaseModel):
    """`statuses` are the gateway's answers; 0 is for none."""

    webhook_id: str
    provider: str
    type: str
    statuses: list[int]


@dataclass(frozen=True, kw_only=True)
class Stands:
    """Whoever takes money, and who tells the platform."""

    stripe: StripeAccount
    crypto: CryptoDesk
    sender: WebhookSender
    settings: Settings

    async def tell_of_intent(self, intent: dict[str, Any], type_: str, tell: Tell) -> Told:
        event_id = f"evt_{uuid4().hex}"
        event = {
            "id": event_id,
            "object": "event",
            "created": intent.get("created", 0),
            "livemode": False,
            "type": type_,
            "data": {"object": {**intent, **tell.changes}},
        }
        sign = stripe_headers(self.settings.stripe_webhook_secret)
        return _told(await self.sender.tell("stripe", event, sign, tell.sending, webhook_id=event_id, type_=type_))

    async def tell_of_crypto(self, payment: dict[str, Any], tell: Tell) -> Told:
        sign = nowpayments_headers(self.settings.nowpayments_ipn_secret)
        notice, webhook_id = {**payment, **tell.changes}, f"ipn_{uuid4().hex}"
        type_ = str(payment["payment_status"])
        return _told(
            await self.sender.tell("nowpayments", notice, sign, tell.sending, webhook_id=webhook_id, type_=type_)
        )

    async def tell_of_goods(self, notice: SupplierNotice) -> Told:
        webhook_id = f"kg_{uuid4().hex}"
        payload = {"event_id": webhook_id, "type": notice.type, **notice.changes}
        sign = supplier_headers(self.settings.supplier_webhook_secret)
        return _told(
            await self.sender.tell("kinguin", payload, sign, notice.sending, webhook_id=webhook_id, type_=notice.type)
        )


def payment_control_routes(stands: Stands) -> APIRouter:
    router = APIRouter(prefix="/control", tags=["Control"])

    @router.post("/stripe/forget-keys", status_code=204)
    async def forget_keys() -> None:
        """Forget idempotency keys, as Stripe does after a day."""
        stands.stripe.forget_keys()

    @router.post("/stripe/{intent_id}/refund")
    async def refund_intent(intent_id: str, body: TellRefund | None = None) -> Told:
        """Give a paid intent back, and send the webhook."""
        tell = body or TellRefund()
        charge = stands.stripe.refund(intent_id, cents=tell.amount)
        return await stands.tell_of_intent(charge, TYPES["refund"], tell)

    @router.post("/stripe/{intent_id}/{happening}")
    async def move_intent(
        intent_id: str, happening: Literal["succeed", "fail", "cancel"], body: Tell | None = None
    ) -> Told:
        """Let a fan pay, a card be declined, or an intent be cancelled, and send the webhook."""
        intent = getattr(stands.stripe, happening)(intent_id)
        return await stands.tell_of_intent(as_sent(intent), TYPES[happening], body or Tell())

    @router.post("/nowpayments/{payment_id}")
    async def move_payment(payment_id: str, body: MovePayment) -> Told:
        """Move a crypto payment on, and send the notification."""
        payment = stands.crypto.move(payment_id, body.status, actually_paid=body.actually_paid)
        return await stands.tell_of_crypto(payment, body)

    @router.post("/kinguin")
    async def notify(body: SupplierNotice) -> Told:
        """Let the supplier say something; `changes` are added to its words."""
        return await stands.tell_of_goods(body)

    @router.get("/webhooks")
    async def list_webhooks() -> list[Told]:
        """List what was to be told, oldest first."""
        return [_told(webhook) for webhook in stands.sender.known]

    @router.post("/webhooks/{webhook_id}/send")
    async def send_again(webhook_id: str, body: Tell | None = None) -> Told:
        """Send the same words again, signed anew; also those that were forgotten."""
        if (webhook := stands.sender.find(webhook_id)) is None:
            raise HTTPException(404, "There is no such webhook.")
        await stands.sender.send(webhook, (body or Tell()).sending)
        return _told(webhook)

    return router


def _told(webhook: SentWebhook) -> Told:
    return Told(
        webhook_id=webhook.webhook_id, provider=webhook.provider, type=webhook.type, statuses=list(webhook.statuses)
    )
