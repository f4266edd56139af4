"""HTTP routes of subscriptions: what fans and performers read and cancel, and what the orchestrator calls."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.auth.principal import Role
from common.errors import InvalidRequest
from common.fields import Integer
from common.http.auth import ADMIN_ONLY, CurrentUser, require_role, require_service
from common.http.dependencies import provided
from common.http.envelope import (
    BAD_INPUT,
    NOT_LOGGED_IN,
    CursorPageQuery,
    Page,
    Paginated,
    Success,
    paginated,
    refusals,
    success,
)
from common.pages import Cursor
from orders.subscriptions.schemas import EndSubscription, Reminded, RemindSubscribers, Subscription
from orders.subscriptions.service import SubscriptionService

__all__ = ["internal", "public"]

Subscriptions = Annotated[SubscriptionService, provided(SubscriptionService)]

_LIST_REFUSALS: Final = {400: "VALIDATION_ERROR", 401: NOT_LOGGED_IN}

public: Final = APIRouter(prefix="/api", tags=["Subscriptions"])
internal: Final = APIRouter(
    prefix="/internal/subscriptions", tags=["Internal: subscriptions"], dependencies=[Depends(require_service)]
)


@public.get("/subscriptions", summary="List my subscriptions", responses=refusals(_LIST_REFUSALS))
async def list_subscriptions(
    user: CurrentUser, subscriptions: Subscriptions, page: CursorPageQuery
) -> Paginated[Subscription]:
    """Newest first, also those that have ended."""
    found = await subscriptions.page_of(user.user_id, limit=page.per_page, offset=page.offset, after=page.after)
    return paginated(found, page)


@public.delete(
    "/performers/{performer_id}/subscription",
    summary="Cancel my subscription to a performer",
    responses=refusals({400: "INVALID_UUID", 401: NOT_LOGGED_IN, 404: "NOT_FOUND"}),
)
async def cancel_subscription(
    performer_id: uuid.UUID, user: CurrentUser, subscriptions: Subscriptions
) -> Success[Subscription]:
    """It is not renewed any more, and gives access until it ends. A repeated call has the same answer."""
    return success(await subscriptions.cancel(user.user_id, performer_id=performer_id))


@public.get(
    "/performer/subscribers",
    summary="List my subscribers",
    dependencies=[Depends(require_role(Role.PERFORMER))],
    responses=refusals({**_LIST_REFUSALS, 403: "FORBIDDEN"}),
)
async def list_subscribers(
    performer: CurrentUser, subscriptions: Subscriptions, page: CursorPageQuery
) -> Paginated[Subscription]:
    """The active subscriptions to the calling performer, newest first."""
    return await _subscribers(performer.user_id, subscriptions, page)


@public.get(
    "/admin/performers/{performer_id}/subscribers",
    summary="List a performer's subscribers",
    dependencies=[ADMIN_ONLY],
    responses=refusals({400: BAD_INPUT, 401: NOT_LOGGED_IN, 403: "FORBIDDEN"}),
)
async def list_subscribers_of(
    performer_id: uuid.UUID, subscriptions: Subscriptions, page: CursorPageQuery
) -> Paginated[Subscription]:
    """As the performer sees them."""
    return await _subscribers(performer_id, subscriptions, page)


async def _subscribers(
    performer_id: uuid.UUID, subscriptions: SubscriptionService, page: Page
) -> Paginated[Subscription]:
    found = await subscriptions.page_of_subscribers(
        performer_id, limit=page.per_page, offset=page.offset, after=page.after
    )
    return paginated(found, page)


@internal.get("", responses=refusals({400: BAD_INPUT}))
async def find_subscription(
    user_id: uuid.UUID, performer_id: uuid.UUID, subscriptions: Subscriptions
) -> Success[list[Subscription]]:
    """The fan's subscription to the performer, also one that has ended; an empty list if there was never one."""
    subscription = await subscriptions.find_of(user_id, performer_id=performer_id)
    return success([] if subscription is None else [subscription])


@internal.get("/due", responses=refusals({400: BAD_INPUT}))
async def list_due(
    subscriptions: Subscriptions, limit: Annotated[Integer, Query(ge=1, le=1_000)] = 100, after: str | None = None
) -> Success[list[Subscription]]:
    """Subscriptions that are to be renewed: their period ends within an hour, or has ended. The earliest come first.

    `after`: the place of the last one, its `ends_at` and id.
    """
    try:
        cursor = None if after is None else Cursor.parse(after)
    except ValueError as error:
        raise InvalidRequest from error
    return success(await subscriptions.due(limit=limit, after=cursor))


@internal.post("/remind", responses=refusals({400: BAD_INPUT}))
async def remind_subscribers(body: RemindSubscribers, subscriptions: Subscriptions) -> Success[Reminded]:
    """Announces renewals that come within some days, once for each period."""
    reminded = await subscriptions.remind(days_before=body.days_before, limit=body.limit)
    return success(Reminded(reminded=reminded))


@internal.post(
    "/{subscription_id}/resume",
    responses=refusals({400: BAD_INPUT, 404: "NOT_FOUND", 409: "SUBSCRIPTION_INVALID_STATE"}),
)
async def resume_subscription(subscription_id: uuid.UUID, subscriptions: Subscriptions) -> Success[Subscription]:
    return success(await subscriptions.resume(subscription_id))


@internal.post("/{subscription_id}/end", responses=refusals({400: BAD_INPUT}))
async def end_subscription(
    subscription_id: uuid.UUID, body: EndSubscription, subscriptions: Subscriptions
) -> Success[None]:
    """Ends a subscription that could not be renewed. Nothing changes if more periods were paid, or its fan has cancelled."""
    await subscriptions.end(subscription_id, periods=body.periods, reason=body.reason)
    return success(None)
