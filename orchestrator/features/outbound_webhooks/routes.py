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
    body: NewSubscription, caller: CurrentUser, subscriptions: Subscriptions
) -> Success[SubscriptionWithSecret]:
    """Webhooks are signed according to Standard Webhooks; the secret cannot be shown again."""
    return success(await subscriptions.subscribe(body, caller=caller))


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
async def enable(subscription_id: uuid.UUID, subscriptions: Subscriptions) -> Success[Subscription]:
    """Reverse the disabling after a 410. Deliveries that failed meanwhile can be replayed."""
    return success(await subscriptions.enable(subscription_id))


@router.delete(
    "/webhook-subscriptions/{subscription_id}",
    status_code=204,
    responses=refusals(_ONE),
    summary="Delete a webhook subscription (admin)",
)
async def unsubscribe(subscription_id: uuid.UUID, subscriptions: Subscriptions) -> None:
    """Its deliveries are deleted, too."""
    await subscriptions.unsubscribe(subscription_id)


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
    return paginated(found, page, place=lambda delivery: (delivery.created_at, delivery.delivery_id))


@router.post(
    "/webhook-deliveries/{delivery_id}/replay", responses=refusals(_ONE), summary="Deliver a webhook again (admin)"
)
async def replay(delivery_id: uuid.UUID, subscriptions: Subscriptions) -> Success[Delivery]:
    return success(await subscriptions.replay(delivery_id))
