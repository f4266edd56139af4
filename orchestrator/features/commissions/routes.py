"""Commissions (C1 to C6). Customers and admins list orders and read versions at the orders service."""

import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from common.http.auth import ADMIN_ONLY, AdminUser, CurrentUser
from common.http.body import EmptyBody
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.audit.models import Change
from orchestrator.features.commissions.schemas.ordering import (
    ApprovalRequest,
    CommissionMoved,
    CommissionOrdered,
    CommissionPrice,
    CommissionRequest,
    RefundReason,
    RevisionRequest,
    SendBackRequest,
    WritingRequested,
)
from orchestrator.features.commissions.schemas.status import CommissionStats, CommissionView
from orchestrator.features.commissions.service.ordering import OrderingService
from orchestrator.features.commissions.service.review import ReviewService
from orchestrator.features.commissions.service.status import CommissionStatusService
from orchestrator.http.answers import answer
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import ADMIN, COMMON, IDEMPOTENT, IN_PROGRESS, UPSTREAM
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

Decided = TypeVar("Decided", bound=BaseModel)

_ORDER = (
    refusals(
        COMMON
        | IDEMPOTENT
        | {
            402: "INSUFFICIENT_CREDITS",
            403: "FORBIDDEN, ACCOUNT_SUSPENDED",
            404: "EVENT_NOT_FOUND, NOT_FOUND",
            409: "ORDER_INVALID_STATE, REQUEST_IN_PROGRESS",
            410: "EVENT_ENDED",
            428: "OTP_REQUIRED",
        }
    )
    | IN_PROGRESS
)
_SHOWN = refusals(COMMON | {404: "ORDER_NOT_FOUND"})
_MOVED = {403: "FORBIDDEN", 404: "ORDER_NOT_FOUND", 409: "ORDER_INVALID_STATE, REQUEST_IN_PROGRESS"}
_CANCEL = refusals(COMMON | _MOVED) | IN_PROGRESS
_OWN = refusals(COMMON | IDEMPOTENT | _MOVED)
_DECIDE = refusals(ADMIN | IDEMPOTENT | _MOVED)

router = APIRouter(tags=["Commissions"])

Ordering = Annotated[OrderingService, provided(OrderingService)]
Statuses = Annotated[CommissionStatusService, provided(CommissionStatusService)]
Reviews = Annotated[ReviewService, provided(ReviewService)]


@router.get("/commissions/prices", responses=refusals(UPSTREAM), summary="List the prices of commissions")
async def list_prices(ordering: Ordering) -> Success[list[CommissionPrice]]:
    return success(ordering.prices())


@router.post("/commissions", status_code=201, responses=_ORDER, summary="Order an article or a backlink")
async def order(
    *,
    body: CommissionRequest,
    user: CurrentUser,
    key: IdempotencyKey,
    address: ClientAddress,
    ordering: Ordering,
    response: Response,
) -> Success[CommissionOrdered] | Success[InProgress]:
    """Order a text at the price of `GET /api/commissions/prices`; the credits wait in escrow until it is published.

    With `pay_with` stripe, open `checkout_url`: the order is AWAITING_PAYMENT until the payment is confirmed. A flagged customer
    gets 428 `OTP_REQUIRED` and a code: verify it at `/api/verify-otp` with the `context` and `reference_id` in `details`, then
    send the same request again; if it had no `Idempotency-Key`, with the one in `details`.
    """
    return await answer(ordering.order(body, customer_id=user.user_id, key=key, address=address), response)


@router.get("/commissions/by-checkout/{session_id}", responses=_SHOWN, summary="Show the order of a checkout session")
async def show_by_checkout(
    session_id: Annotated[str, Path(max_length=255, pattern="^[A-Za-z0-9_-]+$")], user: CurrentUser, status: Statuses
) -> Success[CommissionView]:
    """For a customer who comes back from the checkout, perhaps before its payment is confirmed."""
    return success(await status.find_by_checkout(session_id, user))


@router.get("/commissions/{order_id}", responses=_SHOWN, summary="Show an order")
async def show(order_id: uuid.UUID, user: CurrentUser, status: Statuses) -> Success[CommissionView]:
    """To its customer, or to an admin: its status, its versions, and how the work goes on."""
    return success(await status.show(order_id, user))


@router.get(
    "/admin/commissions/stats",
    responses=refusals(ADMIN),
    dependencies=[ADMIN_ONLY],
    summary="Show statistics of orders",
)
async def show_stats(status: Statuses) -> Success[CommissionStats]:
    return success(await status.stats())


@router.post("/commissions/{order_id}/cancel", responses=_CANCEL, summary="Cancel an unpaid order")
async def cancel(
    *,
    order_id: uuid.UUID,
    user: CurrentUser,
    ordering: Ordering,
    response: Response,
    body: EmptyBody | None = None,  # noqa: ARG001 - a field in it is refused
) -> Success[CommissionMoved] | Success[InProgress]:
    return await answer(ordering.cancel(order_id, customer_id=user.user_id), response)


@router.post("/commissions/{order_id}/revisions", responses=_OWN | IN_PROGRESS, summary="Ask for a revision")
async def revise(
    *,
    order_id: uuid.UUID,
    body: RevisionRequest,
    user: CurrentUser,
    key: IdempotencyKey,
    reviews: Reviews,
    response: Response,
) -> Success[WritingRequested] | Success[InProgress]:
    """As often as wanted, while the text is in QUALITY_CHECK. Revisions are written before first texts."""
    revised = reviews.revise(order_id, body.revision_notes, customer_id=user.user_id, key=key)
    return await answer(revised, response)


@router.post("/commissions/{order_id}/submit", responses=_OWN, summary="Submit a text for review")
async def submit(
    *,
    order_id: uuid.UUID,
    user: CurrentUser,
    key: IdempotencyKey,
    reviews: Reviews,
    body: EmptyBody | None = None,  # noqa: ARG001 - a field in it is refused
) -> Success[CommissionMoved]:
    return success(await reviews.submit(order_id, customer_id=user.user_id, key=key))


@router.post("/admin/commissions/{order_id}/approve", responses=_DECIDE | IN_PROGRESS, summary="Publish a text")
async def approve(
    *,
    order_id: uuid.UUID,
    admin: AdminUser,
    key: IdempotencyKey,
    reviews: Reviews,
    audit: Audit,
    response: Response,
    body: ApprovalRequest | None = None,
) -> Success[CommissionMoved] | Success[InProgress]:
    """The text is published at `/api/articles/{slug}` and on its event; the escrow becomes the platform's revenue."""
    entry = audit.record("commission.approve", "commission", order_id)
    number = body.version_number if body else None
    approved = partial(reviews.approve, order_id, admin_id=admin.user_id, key=key, version_number=number)
    return await answer(_recorded(entry, approved), response)


@router.post("/admin/commissions/{order_id}/send-back", responses=_DECIDE, summary="Send a text back to its customer")
async def send_back(
    *, order_id: uuid.UUID, body: SendBackRequest, admin: AdminUser, key: IdempotencyKey, reviews: Reviews, audit: Audit
) -> Success[CommissionMoved]:
    entry = audit.record("commission.send_back", "commission", order_id)
    sent_back = partial(reviews.send_back, order_id, body.notes, admin_id=admin.user_id, key=key)
    return success(await _recorded(entry, sent_back))


@router.post("/admin/commissions/{order_id}/retry", responses=_DECIDE | IN_PROGRESS, summary="Retry a failed order")
async def retry(
    *,
    order_id: uuid.UUID,
    admin: AdminUser,
    key: IdempotencyKey,
    reviews: Reviews,
    audit: Audit,
    response: Response,
    body: EmptyBody | None = None,  # noqa: ARG001 - a field in it is refused
) -> Success[WritingRequested] | Success[InProgress]:
    entry = audit.record("commission.retry", "commission", order_id)
    retried = partial(reviews.retry, order_id, admin_id=admin.user_id, key=key)
    return await answer(_recorded(entry, retried), response)


@router.post("/admin/commissions/{order_id}/refund", responses=_DECIDE | IN_PROGRESS, summary="Refund an order")
async def refund(
    *,
    order_id: uuid.UUID,
    body: RefundReason,
    admin: AdminUser,
    key: IdempotencyKey,
    reviews: Reviews,
    audit: Audit,
    response: Response,
) -> Success[CommissionMoved] | Success[InProgress]:
    """Until the text is published: the customer gets the credits back, even those that were paid by card."""
    entry = audit.record("commission.refund", "commission", order_id, {"reason": body.reason})
    refunded = partial(reviews.refund, order_id, admin_id=admin.user_id, key=key)
    return await answer(_recorded(entry, refunded), response)


async def _recorded(entry: AbstractAsyncContextManager[Change], decide: Callable[[], Awaitable[Decided]]) -> Decided:
    """Decide, with an entry on the audit trail of what has changed."""
    async with entry as change:
        decided = await decide()
        change.after = decided.model_dump(mode="json", include={"status", "slug", "job_id"}, exclude_none=True)
    return decided
