"""Webhooks of outside parties (W5): taken in here, and shown to admins."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request

from common.auth.principal import Role
from common.http.auth import CurrentUser, require_role
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.models.records import WebhookStatus
from orchestrator.features.inbound_webhooks.schemas import WebhookDetail, WebhookReceived, WebhookSummary
from orchestrator.features.inbound_webhooks.service import WebhookInbox
from orchestrator.http.dependencies import provided
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
    """Describe a body that is read raw: its signature is of these very bytes."""
    schema = {"type": "object", "example": example}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_STRIPE: Final = _body({"id": "evt_1PqRsT", "object": "event", "type": "payment_intent.succeeded"})
_NOWPAYMENTS: Final = _body({"payment_id": 5077125051, "payment_status": "finished", "price_amount": 50})
_KINGUIN: Final = _body({"event_id": "7d4f0b5e", "type": "order.ready", "reservation_id": "R-1"})

router = APIRouter()
_public = APIRouter(prefix="/webhooks", tags=["Webhooks"])
_admin = APIRouter(prefix="/admin/webhook-logs", tags=["Admin"], dependencies=[Depends(require_role(Role.ADMIN))])


Inbox = Annotated[WebhookInbox, provided(WebhookInbox)]


@_public.post("/stripe", responses=_RECEIVE, openapi_extra=_STRIPE, summary="Hear from Stripe")
async def hear_stripe(
    request: Request, inbox: Inbox, signature: Annotated[str, Header(alias="Stripe-Signature")] = ""
) -> Success[WebhookReceived]:
    """Stored once and answered at once; a job does what it means. Types that we have no use for are kept and ignored."""
    return await _take(Provider.STRIPE, request, inbox, signature)


@_public.post("/nowpayments", responses=_RECEIVE, openapi_extra=_NOWPAYMENTS, summary="Hear from NOWPayments")
async def hear_nowpayments(
    request: Request, inbox: Inbox, signature: Annotated[str, Header(alias="x-nowpayments-sig")] = ""
) -> Success[WebhookReceived]:
    """As above; the signature is HMAC-SHA512 over the body's JSON with its keys sorted."""
    return await _take(Provider.NOWPAYMENTS, request, inbox, signature)


@_public.post("/kinguin", responses=_RECEIVE, openapi_extra=_KINGUIN, summary="Hear from the supplier")
async def hear_supplier(
    request: Request, inbox: Inbox, signature: Annotated[str, Header(alias="X-Kinguin-Signature")] = ""
) -> Success[WebhookReceived]:
    """As above; the signature is HMAC-SHA256 over the body."""
    return await _take(Provider.KINGUIN, request, inbox, signature)


async def _take(provider: Provider, request: Request, inbox: WebhookInbox, signature: str) -> Success[WebhookReceived]:
    await inbox.receive(provider, await request.body(), signature)
    return success(WebhookReceived())


@_admin.get("", responses=refusals(ADMIN), summary="Webhooks, newest first (admin)")
async def list_webhooks(
    inbox: Inbox, page: PageQuery, provider: Provider | None = None, status: WebhookStatus | None = None
) -> Paginated[WebhookSummary]:
    """`unmatched` and `failed` are for people: about no payment of ours, in contradiction to it, or without success."""
    webhooks, total = await inbox.page(provider=provider, status=status, page=page)
    return paginated(webhooks, page=page, total=total)


@_admin.get("/{webhook_id}", responses=_ONE, summary="Show a webhook (admin)")
async def show_webhook(webhook_id: uuid.UUID, inbox: Inbox) -> Success[WebhookDetail]:
    """With what it said, secrets redacted."""
    return success(await inbox.show(webhook_id))


@_admin.post("/{webhook_id}/replay", responses=_ONE, summary="Process a webhook again (admin)")
async def replay_webhook(webhook_id: uuid.UUID, admin: CurrentUser, inbox: Inbox) -> Success[WebhookSummary]:
    """By a new job. What the webhook did already is not done twice, and what came of it stays on record."""
    return success(await inbox.replay(webhook_id, admin_id=admin.user_id))


router.include_router(_public)
router.include_router(_admin)
