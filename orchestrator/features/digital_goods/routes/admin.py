"""What admins decide about digital orders (F1, F2). They list orders at the orders service."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from common.http.auth import ADMIN_ONLY, AdminUser
from common.http.body import EmptyBody
from common.http.dependencies import provided
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.digital_goods.schemas.ordering import (
    DigitalOrderMoved,
    FulfilmentRetried,
    GoodsRefundReason,
)
from orchestrator.features.digital_goods.schemas.reservations import ReservationView
from orchestrator.features.digital_goods.service.admin import GoodsAdminService
from orchestrator.features.digital_goods.service.reservations import ReservationService
from orchestrator.http.answers import answer
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import ADMIN, IDEMPOTENT, IN_PROGRESS
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

_DECIDE = refusals(ADMIN | IDEMPOTENT | {404: "ORDER_NOT_FOUND", 409: "ORDER_INVALID_STATE, REQUEST_IN_PROGRESS"})

router = APIRouter(tags=["Digital goods"])

Admins = Annotated[GoodsAdminService, provided(GoodsAdminService)]
Reservations = Annotated[ReservationService, provided(ReservationService)]


@router.post("/admin/digital-orders/{order_id}/retry", responses=_DECIDE, summary="Retry a digital order")
async def retry(
    *,
    order_id: uuid.UUID,
    admin: AdminUser,
    key: IdempotencyKey,
    decisions: Admins,
    audit: Audit,
    body: EmptyBody | None = None,  # noqa: ARG001 - a field in it is refused
) -> Success[FulfilmentRetried]:
    """Queue its failed jobs again, with as many attempts as new ones."""
    async with audit.record("digital_order.retry", "digital_order", order_id) as change:
        retried = await decisions.retry(order_id, admin_id=admin.user_id, key=key)
        change.after = retried.model_dump(mode="json", include={"job_ids"})
    return success(retried)


@router.post(
    "/admin/digital-orders/{order_id}/refund", responses=_DECIDE | IN_PROGRESS, summary="Refund a digital order"
)
async def refund(
    *,
    order_id: uuid.UUID,
    body: GoodsRefundReason,
    admin: AdminUser,
    key: IdempotencyKey,
    decisions: Admins,
    audit: Audit,
    response: Response,
) -> Success[DigitalOrderMoved] | Success[InProgress]:
    """Return the credits of what has not come, even those that were paid by crypto.

    Codes that have come are delivered and charged, because the supplier has delivered them: `status` is then not REFUNDED.
    An order of which every code has come cannot be refunded.
    """

    async def decide() -> DigitalOrderMoved:
        async with audit.record("digital_order.refund", "digital_order", order_id, {"reason": body.reason}) as change:
            refunded = await decisions.refund(order_id, admin_id=admin.user_id, key=key)
            change.after = refunded.model_dump(mode="json", include={"status"})
        return refunded

    return await answer(decide(), response)


@router.get(
    "/admin/reservations",
    dependencies=[ADMIN_ONLY],
    responses=refusals(ADMIN),
    summary="List reservations at the supplier, newest first (admin)",
)
async def list_reservations(
    reservations: Reservations, page: PageQuery, order_id: uuid.UUID | None = None
) -> Paginated[ReservationView]:
    """Of one order, or of all. `status` is what the supplier says now: `unknown` if it does not respond in time."""
    return paginated(await reservations.page(page, order_id=order_id), page)
