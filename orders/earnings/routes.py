"""HTTP routes of earnings, for performers, and for admins on their behalf."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.auth.principal import Role
from common.http.auth import ADMIN_ONLY, CurrentUser, require_role
from common.http.dependencies import provided
from common.http.envelope import (
    BAD_INPUT,
    NOT_LOGGED_IN,
    CursorPageQuery,
    Paginated,
    Success,
    paginated,
    refusals,
    success,
)
from orders.earnings.schemas import CalendarDate, Earnings
from orders.earnings.service import EarningsService
from orders.purchased_items.schemas import PublicItem

__all__ = ["public"]

Service = Annotated[EarningsService, provided(EarningsService)]
First = Annotated[
    CalendarDate | None, Query(alias="from", description="The first day; 29 days before `to` if omitted.")
]
Last = Annotated[CalendarDate | None, Query(alias="to", description="The last day; today if omitted.")]

_OF_ANY: Final = {400: BAD_INPUT, 401: NOT_LOGGED_IN, 403: "FORBIDDEN"}
_OWN: Final = {**_OF_ANY, 400: "VALIDATION_ERROR"}
_AS_PERFORMER: Final = [Depends(require_role(Role.PERFORMER))]

public: Final = APIRouter(prefix="/api", tags=["Earnings"])


@public.get(
    "/performer/earnings",
    summary="Show my earnings",
    dependencies=_AS_PERFORMER,
    responses=refusals(_OWN),
)
async def show_earnings(
    performer: CurrentUser, earnings: Service, first: First = None, last: Last = None
) -> Success[Earnings]:
    """Today's, those of some days (366 at most) by type, item and day, and what is not paid out yet."""
    return success(await earnings.sums(performer.user_id, first=first, last=last))


@public.get(
    "/admin/performers/{performer_id}/earnings",
    summary="Show a performer's earnings",
    dependencies=[ADMIN_ONLY],
    responses=refusals(_OF_ANY),
)
async def show_earnings_of(
    performer_id: uuid.UUID, earnings: Service, first: First = None, last: Last = None
) -> Success[Earnings]:
    """As the performer sees them."""
    return success(await earnings.sums(performer_id, first=first, last=last))


@public.get("/performer/sales", summary="List my sales", dependencies=_AS_PERFORMER, responses=refusals(_OWN))
async def list_sales(performer: CurrentUser, earnings: Service, page: CursorPageQuery) -> Paginated[PublicItem]:
    """Tips, menu items and periods of subscriptions that fans bought, newest first, without the fans' ids."""
    found = await earnings.sales(performer.user_id, limit=page.per_page, offset=page.offset, after=page.after)
    return paginated(found, page)


@public.get(
    "/admin/performers/{performer_id}/sales",
    summary="List a performer's sales",
    dependencies=[ADMIN_ONLY],
    responses=refusals(_OF_ANY),
)
async def list_sales_of(performer_id: uuid.UUID, earnings: Service, page: CursorPageQuery) -> Paginated[PublicItem]:
    """As the performer sees them."""
    found = await earnings.sales(performer_id, limit=page.per_page, offset=page.offset, after=page.after)
    return paginated(found, page)
