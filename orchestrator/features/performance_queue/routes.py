"""The performance queue (Q4, Q6, M3, M5): status and cancellation for buyers, the queue for its performer."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from common.auth.principal import Principal, Role
from common.http.auth import CurrentUser, require_role
from common.http.dependencies import provided
from common.http.envelope import PageQuery, Success, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.performance_queue.schemas import (
    CompleteRequest,
    DeclineRequest,
    ItemMoved,
    QueueState,
    QueueView,
    RequestStatus,
)
from orchestrator.features.performance_queue.service import PerformanceQueueService
from orchestrator.http.answers import answer
from orchestrator.http.naming import CamelCaseRoute
from orchestrator.http.refusals import COMMON, IDEMPOTENT, IN_PROGRESS
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

_ONE = COMMON | {404: "ITEM_NOT_FOUND"}
_CHANGE = refusals(_ONE | {403: "FORBIDDEN", 409: "ITEM_INVALID_STATE, REQUEST_IN_PROGRESS"}) | IN_PROGRESS
_COMPLETE = _CHANGE | refusals(IDEMPOTENT)
_MINE = refusals(COMMON | {403: "FORBIDDEN"})

router = APIRouter(prefix="/performance-queue", tags=["Performance queue"], route_class=CamelCaseRoute)


Queue = Annotated[PerformanceQueueService, provided(PerformanceQueueService)]
Performer = Annotated[Principal, Depends(require_role(Role.PERFORMER))]


@router.get("/status/{queue_request_id}", responses=refusals(_ONE), summary="Show what became of a queued tip")
async def show_status(
    queue_request_id: uuid.UUID,
    user: CurrentUser,
    queue: Queue,
    naming: Annotated[  # noqa: ARG001 - read by the route's class
        Literal["camel", "snake"], Query(description="Of the answer's names.")
    ] = "snake",
) -> Success[RequestStatus]:
    return success(await queue.status(queue_request_id, buyer_id=user.user_id))


@router.post("/{purchased_item_id}/cancel", responses=_CHANGE, summary="Cancel my pending item")
async def cancel(
    purchased_item_id: uuid.UUID, user: CurrentUser, queue: Queue, response: Response
) -> Success[ItemMoved] | Success[InProgress]:
    """`purchased_item_id` may be a `queue_request_id`, too. Credits in escrow are returned."""
    return await answer(queue.cancel(purchased_item_id, buyer_id=user.user_id), response)


@router.get("", responses=_MINE, summary="Show my queue (performer)")
async def show_queue(performer: Performer, queue: Queue, page: PageQuery) -> Success[QueueView]:
    """Items in progress come first, then those that wait, in their order."""
    return success(await queue.show(performer.user_id, limit=page.per_page, offset=page.offset))


@router.post("/pause", responses=_MINE, summary="Pause my queue (performer)")
async def pause(performer: Performer, queue: Queue) -> Success[QueueState]:
    """Queued tips wait until it is resumed. Fans can still buy."""
    return success(await queue.set_paused(performer.user_id, is_paused=True))


@router.post("/resume", responses=_MINE, summary="Resume my queue (performer)")
async def resume(performer: Performer, queue: Queue) -> Success[QueueState]:
    return success(await queue.set_paused(performer.user_id, is_paused=False))


@router.post("/{purchased_item_id}/start", responses=_CHANGE, summary="Start a menu item (performer)")
async def start(
    purchased_item_id: uuid.UUID, performer: Performer, queue: Queue, response: Response
) -> Success[ItemMoved] | Success[InProgress]:
    return await answer(queue.start(purchased_item_id, performer_id=performer.user_id), response)


@router.post(
    "/{purchased_item_id}/complete", responses=_COMPLETE, summary="Complete a menu item and be paid (performer)"
)
async def complete(
    *,
    purchased_item_id: uuid.UUID,
    performer: Performer,
    key: IdempotencyKey,
    queue: Queue,
    response: Response,
    body: CompleteRequest | None = None,
) -> Success[ItemMoved] | Success[InProgress]:
    """With a note or a file for the buyer. An item that waits is started first."""
    completed = queue.complete(purchased_item_id, body or CompleteRequest(), performer_id=performer.user_id, key=key)
    return await answer(completed, response)


@router.post("/{purchased_item_id}/decline", responses=_CHANGE, summary="Decline an item (performer)")
async def decline(
    *, purchased_item_id: uuid.UUID, body: DeclineRequest, performer: Performer, queue: Queue, response: Response
) -> Success[ItemMoved] | Success[InProgress]:
    """The buyer gets the credits back, and reads the reason."""
    return await answer(queue.decline(purchased_item_id, body.reason, performer_id=performer.user_id), response)
