"""HTTP routes of performers' queues, for the orchestrator."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import Integer
from common.http.auth import require_service
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, Success, refusals, success
from common.pages import MAX_COUNTED
from orders.performer_queues.schemas import PerformerQueue, SetPaused
from orders.performer_queues.service import PerformerQueueService
from orders.purchased_items.schemas import PurchasedItem

Queues = Annotated[PerformerQueueService, provided(PerformerQueueService)]

internal: Final = APIRouter(
    prefix="/internal/performer-queues", tags=["Internal: performers' queues"], dependencies=[Depends(require_service)]
)


@internal.get("/{performer_id}", responses=refusals({400: "INVALID_UUID"}))
async def find_queue(performer_id: uuid.UUID, queues: Queues) -> Success[PerformerQueue]:
    return success(await queues.find(performer_id))


@internal.post("/{performer_id}", responses=refusals({400: BAD_INPUT}))
async def set_paused(performer_id: uuid.UUID, body: SetPaused, queues: Queues) -> Success[PerformerQueue]:
    """Pause or resume; while a queue is paused, no item's turn is announced."""
    return success(await queues.set_paused(performer_id, is_paused=body.is_paused))


@internal.get("/{performer_id}/items", responses=refusals({400: BAD_INPUT}))
async def list_queued_items(
    performer_id: uuid.UUID,
    queues: Queues,
    limit: Annotated[Integer, Query(ge=1, le=200)] = 50,
    offset: Annotated[Integer, Query(ge=0, le=MAX_COUNTED)] = 0,
) -> Success[list[PurchasedItem]]:
    """The items in progress, then those that wait, in their order."""
    return success(await queues.items(performer_id, limit=limit, offset=offset))
