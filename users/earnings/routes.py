"""HTTP routes of performers' earnings: what performers read, and the movements that sagas make."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from common.fields import Integer
from common.http.auth import CurrentUser, require_service
from common.http.dependencies import provided
from common.http.envelope import (
    BAD_INPUT,
    NOT_LOGGED_IN,
    PageQuery,
    Paginated,
    Success,
    paginated,
    refusals,
    success,
)
from common.money import Money
from users.earnings.schemas import DuePayout, EscrowPay, PaidOut, PayOut, Payout
from users.earnings.service import EarningsService
from users.ledger.schemas import EscrowResolved

__all__ = ["internal", "public"]

public = APIRouter(prefix="/api/performer", tags=["Performers"])
internal = APIRouter(
    prefix="/internal/ledger",
    tags=["Internal: ledger"],
    dependencies=[Depends(require_service)],
    responses=refusals(
        {
            400: BAD_INPUT,
            404: "PERFORMER_NOT_FOUND, USER_NOT_FOUND, NOT_FOUND",
            409: "ESCROW_ALREADY_RESOLVED",
            422: "IDEMPOTENCY_KEY_REUSED",
        }
    ),
)

Earnings = Annotated[EarningsService, provided(EarningsService)]
Limit = Annotated[Integer, Query(ge=1, le=1_000)]


@public.get("/payouts", summary="List my payouts", responses=refusals({400: BAD_INPUT, 401: NOT_LOGGED_IN}))
async def list_payouts(user: CurrentUser, earnings: Earnings, page: PageQuery) -> Paginated[Payout]:
    """Earnings that were paid to the caller's wallet in batches, newest first."""
    return paginated(await earnings.payouts_of(user.user_id, limit=page.per_page, offset=page.offset), page)


@internal.post("/escrow/pay")
async def pay_performer(call: EscrowPay, earnings: Earnings) -> Success[EscrowResolved]:
    """Pay an escrow to a performer's wallet, or to their pending earnings, and award its owner points."""
    return success(EscrowResolved(transaction_id=await earnings.pay(**dict(call))))


@internal.post("/payouts")
async def pay_out(call: PayOut, earnings: Earnings) -> Success[PaidOut]:
    """Move all pending earnings of a performer to their wallet, in one transaction."""
    return success(await earnings.pay_out(**dict(call)))


@internal.get("/payouts/due")
async def list_due_payouts(
    *,
    older_than_seconds: Annotated[float, Query(ge=0)],
    at_least: Annotated[Money, Query()],
    limit: Limit,
    earnings: Earnings,
) -> Success[list[DuePayout]]:
    """Performers whose oldest pending earnings are older, or whose sum is at least as large; the oldest first."""
    return success(await earnings.due(older_than_seconds=older_than_seconds, at_least=at_least, limit=limit))


@internal.get("/payouts/{payout_id}/items")
async def list_payout_items(
    payout_id: UUID, earnings: Earnings, *, limit: Limit, after: UUID | None = None
) -> Success[list[UUID]]:
    """The ids of what a payout paid, in ascending order."""
    return success(await earnings.items_of(payout_id, after=after, limit=limit))
