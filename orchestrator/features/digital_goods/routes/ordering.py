"""Digital orders of buyers (F1). They list their orders at the orders service."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from common.http.auth import CurrentUser
from common.http.body import EmptyBody
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.digital_goods.schemas.ordering import (
    DigitalOrderMoved,
    DigitalOrderPlaced,
    DigitalOrderRequest,
)
from orchestrator.features.digital_goods.schemas.status import FulfillmentView
from orchestrator.features.digital_goods.service.ordering import DigitalOrderingService
from orchestrator.features.digital_goods.service.status import FulfillmentStatusService
from orchestrator.http.answers import answer
from orchestrator.http.refusals import COMMON, IDEMPOTENT, IN_PROGRESS
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

_ORDER = (
    refusals(
        COMMON
        | IDEMPOTENT
        | {
            402: "INSUFFICIENT_CREDITS",
            403: "ACCOUNT_SUSPENDED",
            404: "PRODUCT_NOT_FOUND",
            409: "OUT_OF_STOCK, ITEM_INACTIVE, PURCHASE_LIMIT_REACHED, ORDER_INVALID_STATE, REQUEST_IN_PROGRESS",
            428: "OTP_REQUIRED",
        }
    )
    | IN_PROGRESS
)
_CANCEL = (
    refusals(COMMON | {403: "FORBIDDEN", 404: "ORDER_NOT_FOUND", 409: "ORDER_INVALID_STATE, REQUEST_IN_PROGRESS"})
    | IN_PROGRESS
)
_SHOWN = refusals(COMMON | {403: "FORBIDDEN", 404: "ORDER_NOT_FOUND"})

router = APIRouter(tags=["Digital goods"])

Ordering = Annotated[DigitalOrderingService, provided(DigitalOrderingService)]
Statuses = Annotated[FulfillmentStatusService, provided(FulfillmentStatusService)]


@router.post("/digital-orders", status_code=201, responses=_ORDER, summary="Order digital goods")
async def order(
    *,
    body: DigitalOrderRequest,
    user: CurrentUser,
    key: IdempotencyKey,
    address: ClientAddress,
    ordering: Ordering,
    response: Response,
) -> Success[DigitalOrderPlaced] | Success[InProgress]:
    """Order products of `GET /api/products`; the credits wait in escrow until the supplier has delivered.

    With `pay_with` crypto, send exactly `payment.pay_amount` to `payment.pay_address`: the order is CREATED until the payment is
    confirmed. Three orders may wait for their payments at a time. A flagged buyer gets 428 `OTP_REQUIRED` and a code: verify it at `/api/verify-otp` with the `context` and
    `reference_id` in `details`, then send the same request again; if it had no `Idempotency-Key`, with the one in `details`.
    """
    return await answer(ordering.order(body, buyer_id=user.user_id, key=key, address=address), response)


@router.post("/digital-orders/{order_id}/cancel", responses=_CANCEL, summary="Cancel an unpaid digital order")
async def cancel(
    *,
    order_id: uuid.UUID,
    user: CurrentUser,
    ordering: Ordering,
    response: Response,
    body: EmptyBody | None = None,  # noqa: ARG001 - a field in it is refused
) -> Success[DigitalOrderMoved] | Success[InProgress]:
    return await answer(ordering.cancel(order_id, buyer_id=user.user_id), response)


@router.get("/fulfillment/{order_id}/status", responses=_SHOWN, summary="Show a digital order's fulfilment status")
async def show_status(order_id: uuid.UUID, user: CurrentUser, statuses: Statuses) -> Success[FulfillmentView]:
    """To its buyer, or to an admin: its status, its items, and how it is paid while it waits for that."""
    return success(await statuses.show(order_id, user))
