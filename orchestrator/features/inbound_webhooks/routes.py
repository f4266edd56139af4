"""Webhooks of payment providers and the supplier (W5), and the webhook log for admins."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request

from common.http.auth import ADMIN_ONLY, CurrentUser
from common.http.dependencies import provided
from common.http.envelope import CursorPageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.models.records import WebhookStatus, WebhookSummary
from orchestrator.features.inbound_webhooks.schemas import WebhookDetail, WebhookReceived
from orchestrator.features.inbound_webhooks.service import WebhookInbox
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import ADMIN

__all__ = ["router"]

_RECEIVE = refusals(
    {
        400: "VALIDATION_ERROR",
        401: "SIGNATURE_INVALID",
        413: "VALIDATION_ERROR",
        429: "RATE_LIMITED",
        503: "SERVICE_UNAVAILABLE",
    }
)
_ONE = refusals(ADMIN | {404: "NOT_FOUND"})


def _body(example: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI description of a body that is read as raw bytes, because these are signed."""
    schema = {"type": "object", "example": example}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_STRIPE: Final = _body({"id": "evt_1PqRsT", "object": "event", "type": "payment_intent.succeeded"})
_NOWPAYMENTS: Final = _body({"payment_id": 5077125051, "payment_status": "finished", "price_amount": 50})
_KINGUIN: Final = _body({"event_id": "7d4f0b5e", "type": "order.ready", "reservation_id": "R-1"})

router = APIRouter()
_public = APIRouter(prefix="/webhooks", tags=["Webhooks"])
_admin = APIRouter(prefix="/admin/webhook-logs", tags=["Admin"], dependencies=[ADMIN_ONLY])


Inbox = Annotated[WebhookInbox, provided(WebhookInbox)]


@_public.post("/stripe", responses=_RECEIVE, openapi_extra=_STRIPE, summary="Receive a webhook from Stripe")
async def receive_stripe(
    request: Request, inbox: Inbox, signature: Annotated[str, Header(alias="Stripe-Signature")] = ""
) -> Success[WebhookReceived]:
    """Store the webhook once; a job processes it. Unused types are stored and ignored."""
    return await _store(Provider.STRIPE, request, inbox, signature)


@_public.post(
    "/nowpayments", responses=_RECEIVE, openapi_extra=_NOWPAYMENTS, summary="Receive a webhook from NOWPayments"
)
async def receive_nowpayments(
    request: Request, inbox: Inbox, signature: Annotated[str, Header(alias="x-nowpayments-sig")] = ""
) -> Success[WebhookReceived]:
    """As for Stripe; the signature is HMAC-SHA512 over the body's JSON with sorted keys."""
    return await _store(Provider.NOWPAYMENTS, request, inbox, signature)


@_public.post("/kinguin", responses=_RECEIVE, openapi_extra=_KINGUIN, summary="Receive a webhook from the supplier")
async def receive_supplier(
    request: Request, inbox: Inbox, signature: Annotated[str, Header(alias="X-Kinguin-Signature")] = ""
) -> Success[WebhookReceived]:
    """As for Stripe; the signature is HMAC-SHA256 over the body."""
    return await _store(Provider.KINGUIN, request, inbox, signature)


async def _store(provider: Provider, request: Request, inbox: WebhookInbox, signature: str) -> Success[WebhookReceived]:
    await inbox.receive(provider, await request.body(), signature)
    return success(WebhookReceived())


@_admin.get("", responses=refusals(ADMIN), summary="List webhooks, newest first (admin)")
async def list_webhooks(
    inbox: Inbox, page: CursorPageQuery, provider: Provider | None = None, status: WebhookStatus | None = None
) -> Paginated[WebhookSummary]:
    """`unmatched` and `failed` need an admin: an unknown payment, a contradiction, or no successful attempt."""
    found = await inbox.page(provider=provider, status=status, page=page)
    return paginated(found, page)


@_admin.get("/{webhook_id}", responses=_ONE, summary="Show a webhook (admin)")
async def show_webhook(webhook_id: uuid.UUID, inbox: Inbox) -> Success[WebhookDetail]:
    """Includes the payload, secrets redacted."""
    return success(await inbox.show(webhook_id))


@_admin.post("/{webhook_id}/replay", responses=_ONE, summary="Process a webhook again (admin)")
async def replay_webhook(
    webhook_id: uuid.UUID, admin: CurrentUser, inbox: Inbox, audit: Audit
) -> Success[WebhookSummary]:
    """Process the webhook by a new job. No effect happens twice, and the earlier outcome stays on record."""
    async with audit.record("webhook.replay", "webhook", webhook_id) as change:
        before, webhook = await inbox.replay(webhook_id, admin_id=admin.user_id)
        change.before, change.after = _audited(before), _audited(webhook)
    return success(webhook)


def _audited(webhook: WebhookSummary) -> dict[str, Any]:
    return webhook.model_dump(mode="json", include={"status", "replays"})


router.include_router(_public)
router.include_router(_admin)
