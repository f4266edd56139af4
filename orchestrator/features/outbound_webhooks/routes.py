"""Outbound webhooks, for admins."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter

from common.http.auth import ADMIN_ONLY, CurrentUser
from common.http.dependencies import provided
from common.http.envelope import CursorPageQuery, PageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.features.outbound_webhooks.schemas import (
    Delivery,
    NewSubscription,
    Subscription,
    SubscriptionWithSecret,
)
from orchestrator.features.outbound_webhooks.service import SubscriptionService
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import ADMIN

__all__ = ["router"]

_ONE = ADMIN | {404: "NOT_FOUND"}

router = APIRouter(prefix="/admin", tags=["Admin"], dependencies=[ADMIN_ONLY])


Subscriptions = Annotated[SubscriptionService, provided(SubscriptionService)]


@router.post(
    "/webhook-subscriptions",
    status_code=201,
    responses=refusals(ADMIN),
    summary="Create a webhook subscription (admin)",
)
async def subscribe(
    body: NewSubscription, caller: CurrentUser, subscriptions: Subscriptions, audit: Audit
) -> Success[SubscriptionWithSecret]:
    """Webhooks are signed according to Standard Webhooks; the secret cannot be shown again."""
    subscription_id = uuid.uuid4()
    async with audit.record("webhook_subscription.create", "webhook_subscription", subscription_id) as change:
        created = await subscriptions.subscribe(body, subscription_id=subscription_id, caller=caller)
        change.after = {"message_types": created.message_types, "status": created.status}
    return success(created)


@router.get(
    "/webhook-subscriptions", responses=refusals(ADMIN), summary="List webhook subscriptions, newest first (admin)"
)
async def list_subscriptions(subscriptions: Subscriptions, page: PageQuery) -> Paginated[Subscription]:
    return paginated(await subscriptions.page(page), page)


@router.post(
    "/webhook-subscriptions/{subscription_id}/enable",
    responses=refusals(_ONE),
    summary="Enable a webhook subscription (admin)",
)
async def enable(subscription_id: uuid.UUID, subscriptions: Subscriptions, audit: Audit) -> Success[Subscription]:
    """Reverse the disabling after a 410. Deliveries that failed meanwhile can be replayed."""
    async with audit.record("webhook_subscription.enable", "webhook_subscription", subscription_id) as change:
        status, enabled = await subscriptions.enable(subscription_id)
        change.before, change.after = {"status": status}, {"status": enabled.status}
    return success(enabled)


@router.delete(
    "/webhook-subscriptions/{subscription_id}",
    status_code=204,
    responses=refusals(_ONE),
    summary="Delete a webhook subscription (admin)",
)
async def unsubscribe(subscription_id: uuid.UUID, subscriptions: Subscriptions, audit: Audit) -> None:
    """Its deliveries are deleted, too."""
    async with audit.record("webhook_subscription.delete", "webhook_subscription", subscription_id) as change:
        change.before = await subscriptions.unsubscribe(subscription_id)


@router.get(
    "/webhook-subscriptions/{subscription_id}/deliveries",
    responses=refusals(ADMIN),
    summary="List deliveries, newest first (admin)",
)
async def list_deliveries(
    subscription_id: uuid.UUID,
    subscriptions: Subscriptions,
    page: CursorPageQuery,
    status: Literal["PENDING", "DELIVERED", "FAILED"] | None = None,
) -> Paginated[Delivery]:
    """Deliveries are kept for 30 days."""
    found = await subscriptions.deliveries(subscription_id, status=status, page=page)
    return paginated(found, page)


@router.post(
    "/webhook-deliveries/{delivery_id}/replay", responses=refusals(_ONE), summary="Deliver a webhook again (admin)"
)
async def replay(delivery_id: uuid.UUID, subscriptions: Subscriptions, audit: Audit) -> Success[Delivery]:
    async with audit.record("webhook_delivery.replay", "webhook_delivery", delivery_id) as change:
        status, delivery = await subscriptions.replay(delivery_id)
        change.before, change.after = {"status": status}, {"status": delivery.status}
    return success(delivery)
