"""Outbound webhooks, for admins."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends

from common.auth.principal import Role
from common.http.auth import CurrentUser, require_role
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.features.outbound_webhooks.schemas import (
    Delivery,
    NewSubscription,
    Subscription,
    SubscriptionWithSecret,
)
from orchestrator.features.outbound_webhooks.service import SubscriptionService
from orchestrator.http.dependencies import provided
from orchestrator.http.refusals import ADMIN

__all__ = ["router"]

_ONE = ADMIN | {404: "NOT_FOUND"}

router = APIRouter(prefix="/admin", tags=["Admin"], dependencies=[Depends(require_role(Role.ADMIN))])


Desk = Annotated[SubscriptionService, provided(SubscriptionService)]


@router.post("/webhook-subscriptions", status_code=201, responses=refusals(ADMIN), summary="Subscribe (admin)")
async def subscribe(body: NewSubscription, caller: CurrentUser, desk: Desk) -> Success[SubscriptionWithSecret]:
    """Webhooks are signed as Standard Webhooks says; the secret is shown this once."""
    return success(await desk.subscribe(body, caller=caller))


@router.get("/webhook-subscriptions", responses=refusals(ADMIN), summary="Subscriptions, newest first (admin)")
async def list_subscriptions(desk: Desk, page: PageQuery) -> Paginated[Subscription]:
    found, total = await desk.page(page)
    return paginated(found, page=page, total=total)


@router.post(
    "/webhook-subscriptions/{subscription_id}/enable", responses=refusals(_ONE), summary="Enable it again (admin)"
)
async def enable(subscription_id: uuid.UUID, desk: Desk) -> Success[Subscription]:
    """After its address answered 410. What it missed can be replayed, if it is in its log."""
    return success(await desk.enable(subscription_id))


@router.delete(
    "/webhook-subscriptions/{subscription_id}",
    status_code=204,
    responses=refusals(_ONE),
    summary="Unsubscribe (admin)",
)
async def unsubscribe(subscription_id: uuid.UUID, desk: Desk) -> None:
    """Its log goes with it."""
    await desk.unsubscribe(subscription_id)


@router.get(
    "/webhook-subscriptions/{subscription_id}/deliveries",
    responses=refusals(ADMIN),
    summary="What was delivered, newest first (admin)",
)
async def list_deliveries(
    subscription_id: uuid.UUID,
    desk: Desk,
    page: PageQuery,
    status: Literal["PENDING", "DELIVERED", "FAILED"] | None = None,
) -> Paginated[Delivery]:
    """Kept for 30 days."""
    found, total = await desk.log(subscription_id, status=status, page=page)
    return paginated(found, page=page, total=total)


@router.post("/webhook-deliveries/{delivery_id}/replay", responses=refusals(_ONE), summary="Deliver once more (admin)")
async def replay(delivery_id: uuid.UUID, desk: Desk) -> Success[Delivery]:
    return success(await desk.replay(delivery_id))
