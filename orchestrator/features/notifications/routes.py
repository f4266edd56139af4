"""Feeds for the gateway."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import Integer
from common.http.auth import require_service
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from orchestrator.features.notifications.schemas import FeedPage
from orchestrator.features.notifications.service.feeds import FeedService

__all__ = ["internal"]

MAX_ENTRIES: Final = 200
LARGEST_SEQUENCE: Final = 2**63 - 1

internal: Final = APIRouter(prefix="/internal/feed", tags=["Internal: feeds"], dependencies=[Depends(require_service)])


@internal.get("/{user_id}", responses=refusals({400: "INVALID_UUID, VALIDATION_ERROR"}))
async def read_feed(
    user_id: uuid.UUID,
    feeds: Annotated[FeedService, provided(FeedService)],
    since: Annotated[Integer | None, Query(ge=0, le=LARGEST_SEQUENCE)] = None,
    limit: Annotated[Integer, Query(ge=1, le=MAX_ENTRIES)] = MAX_ENTRIES,
) -> Success[FeedPage]:
    """Return a user's entries after `since`, oldest first; without it, only the last sequence number."""
    return success(await feeds.read(user_id, since=since, limit=limit))
