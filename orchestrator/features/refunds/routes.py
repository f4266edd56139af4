"""Refunds and called-off events (T7)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from common.auth.principal import Principal, Role
from common.http.auth import CurrentUser, require_role
from common.http.envelope import Success, refusals, success
from orchestrator.features.event_cancellation.service.cancellation import EventCancellationService
from orchestrator.features.refunds.schemas import EventCancellation, Refunded, RefundRequest
from orchestrator.features.refunds.service import RefundService
from orchestrator.http.answers import answer
from orchestrator.http.idempotency import IdempotencyKey
from orchestrator.http.schemas import InProgress
from orchestrator.saga_engine.record import SagaState

__all__ = ["router"]

_COMMON = {
    400: "VALIDATION_ERROR, INVALID_UUID",
    401: "UNAUTHORIZED, TOKEN_EXPIRED",
    429: "RATE_LIMITED",
    503: "SERVICE_UNAVAILABLE",
    504: "UPSTREAM_TIMEOUT",
}
_REFUND = refusals(
    _COMMON
    | {
        403: "FORBIDDEN, NOT_SEAT_OWNER",
        404: "ORDER_NOT_FOUND",
        409: "ORDER_INVALID_STATE, SEAT_UNAVAILABLE, TRANSFER_INVALID_STATE, REQUEST_IN_PROGRESS",
        422: "IDEMPOTENCY_KEY_REUSED",
    }
) | {202: {"model": Success[InProgress]}}
_PROGRESS = refusals(_COMMON | {403: "FORBIDDEN", 404: "EVENT_NOT_FOUND"})
_CANCEL = refusals(_COMMON | {403: "FORBIDDEN", 404: "EVENT_NOT_FOUND", 409: "EVENT_INVALID_STATE"}) | {
    202: {"model": Success[EventCancellation]}
}

router = APIRouter(tags=["Refunds"])


async def _refund_desk(request: Request) -> RefundService:
    desk: RefundService = request.app.state.refund_desk
    return desk


async def _cancellation_desk(request: Request) -> EventCancellationService:
    desk: EventCancellationService = request.app.state.cancellation_desk
    return desk


Refunds = Annotated[RefundService, Depends(_refund_desk)]
Cancellations = Annotated[EventCancellationService, Depends(_cancellation_desk)]
AdminUser = Annotated[Principal, Depends(require_role(Role.ADMIN))]


@router.post("/orders/{order_id}/refund", responses=_REFUND, summary="Give an order's tickets back")
async def refund(
    *,
    order_id: uuid.UUID,
    user: CurrentUser,
    key: IdempotencyKey,
    refunds: Refunds,
    response: Response,
    body: RefundRequest | None = None,
) -> Success[Refunded] | Success[InProgress]:
    """By its fan until the event's refund deadline, as long as no ticket was used, listed or handed over.

    An admin may at any time, unless a ticket is disputed; each ticket's price goes to whoever has it.
    """
    reason = body.reason if body else ""
    return await answer(refunds.refund(order_id, caller=user, reason=reason, key=key), response)


@router.post("/admin/events/{event_id}/cancel", responses=_CANCEL, summary="Call an event off (admin)")
async def cancel_event(
    event_id: uuid.UUID, admin: AdminUser, cancellations: Cancellations, response: Response
) -> Success[EventCancellation]:
    """Every order is refunded, every transfer, sale and listing ends. 202 while that takes; asking again shows how far it is."""
    progress = await cancellations.cancel(event_id, admin_id=admin.user_id)
    if progress.state != SagaState.COMPLETED:
        response.status_code = 202
    return success(progress)


@router.get("/admin/events/{event_id}/cancellation", responses=_PROGRESS, summary="How far a cancellation is (admin)")
async def show_cancellation(
    event_id: uuid.UUID, _: AdminUser, cancellations: Cancellations
) -> Success[EventCancellation]:
    return success(await cancellations.progress(event_id))
