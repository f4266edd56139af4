"""Purchases: reserve, pay, cancel (T2, T3, T5, T7)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from common.http.auth import CurrentUser
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Success, refusals
from common.http.idempotency_key import IdempotencyKey
from orchestrator.clients.models import SeatChoice
from orchestrator.features.purchases.schemas import (
    BestAvailableRequest,
    Cancellation,
    OrderInProgress,
    PayRequest,
    Receipt,
    Reservation,
    ReserveRequest,
)
from orchestrator.features.purchases.service import PurchaseService
from orchestrator.http.answers import answer_or
from orchestrator.http.refusals import COMMON, IDEMPOTENT

__all__ = ["router"]

_COMMON = COMMON | IDEMPOTENT
_RESERVE = refusals(
    _COMMON
    | {
        404: "EVENT_NOT_FOUND, SEAT_NOT_FOUND",
        409: (
            "SEAT_UNAVAILABLE, SEAT_ALREADY_SOLD, PURCHASE_LIMIT_REACHED, REQUEST_IN_PROGRESS, ORDER_INVALID_STATE, "
            "ORDER_ALREADY_CONFIRMED, EVENT_INVALID_STATE"
        ),
        410: "EVENT_ENDED, HOLD_EXPIRED",
        429: "RATE_LIMITED, HOLD_COOLDOWN",
    }
)
_PAY = refusals(
    _COMMON
    | {
        402: "INSUFFICIENT_CREDITS",
        403: "FORBIDDEN, ACCOUNT_SUSPENDED",
        404: "ORDER_NOT_FOUND",
        409: "ORDER_INVALID_STATE, ORDER_ALREADY_CONFIRMED, REQUEST_IN_PROGRESS",
        410: "HOLD_EXPIRED",
        428: "OTP_REQUIRED",
    }
)
_CANCEL = refusals(
    COMMON
    | {
        403: "FORBIDDEN",
        404: "ORDER_NOT_FOUND",
        409: "ORDER_INVALID_STATE, ORDER_ALREADY_CONFIRMED, REQUEST_IN_PROGRESS",
    }
)

router = APIRouter(tags=["Purchase"], responses={202: {"model": Success[OrderInProgress]}})


Purchases = Annotated[PurchaseService, provided(PurchaseService)]


@router.post("/reserve", responses=_RESERVE, response_model_exclude_none=True, summary="Hold 1 to 10 seats")
async def reserve(
    *, body: ReserveRequest, user: CurrentUser, key: IdempotencyKey, purchases: Purchases, response: Response
) -> Success[Reservation] | Success[OrderInProgress]:
    """All seats or none, for five minutes. A seat that is held, sold, or being held is refused at once.

    A repeated request returns the first one's order while it holds the seats, and then why it does not: 410
    `HOLD_EXPIRED`, 409 `ORDER_INVALID_STATE` (cancelled) or `ORDER_ALREADY_CONFIRMED` (paid).

    An account holds at most 10 seats of an event and 20 in all. If several of its holds of an event expire or are
    cancelled, it cannot hold seats of that event for some minutes (`Retry-After`).
    """
    choice = SeatChoice(seat_ids=body.chosen)
    held = purchases.reserve(user_id=user.user_id, event_id=body.event_id, choice=choice, key=key)
    return await answer_or(held, response, _in_progress)


@router.post(
    "/reserve/best-available",
    responses=_RESERVE,
    response_model_exclude_none=True,
    summary="Hold the best available seats of a category",
)
async def reserve_best_available(
    *, body: BestAvailableRequest, user: CurrentUser, key: IdempotencyKey, purchases: Purchases, response: Response
) -> Success[Reservation] | Success[OrderInProgress]:
    """Adjacent seats in one row, if there are enough."""
    choice = SeatChoice(category=body.category, quantity=body.quantity)
    held = purchases.reserve(user_id=user.user_id, event_id=body.event_id, choice=choice, key=key)
    return await answer_or(held, response, _in_progress)


@router.post("/pay", responses=_PAY, response_model_exclude_none=True, summary="Pay for held seats and get the tickets")
async def pay(
    *,
    body: PayRequest,
    user: CurrentUser,
    key: IdempotencyKey,
    address: ClientAddress,
    purchases: Purchases,
    response: Response,
) -> Success[Receipt] | Success[OrderInProgress]:
    """A 402 (too few credits) does not end the hold: top up and pay again before it expires.

    Nor does a 428: verify the code that was sent (`/verify-otp`), and pay again. In both cases the request may be repeated
    with the same `Idempotency-Key`.
    """
    paid = purchases.pay(user_id=user.user_id, order_id=body.order_id, key=key, address=address)
    return await answer_or(paid, response, _in_progress)


@router.post("/orders/{order_id}/cancel", responses=_CANCEL, summary="Cancel an unpaid order")
async def cancel(
    order_id: uuid.UUID, user: CurrentUser, purchases: Purchases, response: Response
) -> Success[Cancellation] | Success[OrderInProgress]:
    """Cancelling twice is the same as cancelling once."""
    return await answer_or(purchases.cancel(user_id=user.user_id, order_id=order_id), response, _in_progress)


def _in_progress(saga_id: uuid.UUID) -> OrderInProgress:
    return OrderInProgress(order_id=saga_id, saga_id=saga_id)
