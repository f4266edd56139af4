"""Refunds of orders (T7)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from common.auth.principal import Role
from common.http.auth import CurrentUser
from common.http.dependencies import provided
from common.http.envelope import Success, refusals
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.refunds.schemas import Refunded, RefundRequest
from orchestrator.features.refunds.service import RefundService
from orchestrator.http.answers import answer
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import COMMON, IDEMPOTENT, IN_PROGRESS
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

_REFUND = (
    refusals(
        COMMON
        | IDEMPOTENT
        | {
            403: "FORBIDDEN, NOT_SEAT_OWNER",
            404: "ORDER_NOT_FOUND, SEAT_NOT_FOUND",
            409: "ORDER_INVALID_STATE, SEAT_UNAVAILABLE, TRANSFER_INVALID_STATE, REQUEST_IN_PROGRESS",
        }
    )
    | IN_PROGRESS
)

router = APIRouter(tags=["Refunds"])


Refunds = Annotated[RefundService, provided(RefundService)]


@router.post("/orders/{order_id}/refund", responses=_REFUND, summary="Refund an order, or seats of it")
async def refund(
    *,
    order_id: uuid.UUID,
    user: CurrentUser,
    key: IdempotencyKey,
    refunds: Refunds,
    audit: Audit,
    response: Response,
    body: RefundRequest | None = None,
) -> Success[Refunded] | Success[InProgress]:
    """By its buyer until the event's refund deadline, unless a ticket was used, listed or transferred.

    If the event's date has moved, the window is open until `refundable_until` of the event, also for the present owner of
    tickets that were transferred or resold, who names them by `seat_ids`. By an admin or the event's organiser at any time,
    and by its buyer once the event is cancelled: then each ticket's price goes to its owner, with what that owner had paid
    above it. Without `seat_ids`, every ticket that is neither refunded nor disputed.
    """
    wanted = body or RefundRequest()

    async def audited() -> Refunded:
        asked = wanted.model_dump(mode="json", include={"seat_ids"})
        async with audit.record("order.refund", "order", order_id, asked) as change:
            change.before = {"status": "CONFIRMED"}
            refunded = await refunds.refund(order_id, wanted, caller=user, key=key)
            change.after = refunded.model_dump(mode="json")
        return refunded

    may_manage = user.has_role(Role.ADMIN) or user.has_role(Role.ORGANISER)
    refunded = audited() if may_manage else refunds.refund(order_id, wanted, caller=user, key=key)
    return await answer(refunded, response)
