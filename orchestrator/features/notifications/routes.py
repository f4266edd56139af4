"""Feeds, for the gateways."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.http.auth import require_service
from common.http.envelope import Success, refusals, success
from orchestrator.features.notifications.schemas import FeedPage
from orchestrator.features.notifications.service.feeds import Feeds
from orchestrator.http.dependencies import provided

__all__ = ["internal"]

MOST_AT_ONCE: Final = 200
LARGEST_SEQUENCE: Final = 2**63 - 1

internal: Final = APIRouter(prefix="/internal/feed", tags=["Internal: feeds"], dependencies=[Depends(require_service)])


@internal.get("/{user_id}", responses=refusals({400: "INVALID_UUID, VALIDATION_ERROR"}))
async def read_feed(
    user_id: uuid.UUID,
    feeds: Annotated[Feeds, provided(Feeds)],
    since: Annotated[int | None, Query(ge=0, le=LARGEST_SEQUENCE)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_AT_ONCE)] = MOST_AT_ONCE,
) -> Success[FeedPage]:
    """What happened to that user after `since`, oldest first; without it, only how far the feed is."""
    return success(await feeds.read(user_id, since=since, limit=limit))
