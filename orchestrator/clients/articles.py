"""Published articles, in the events service."""

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.rows import readable
from orchestrator.clients.calls import post
from orchestrator.saga_engine.plan import Call

__all__ = ["ArticleFacts", "ArticlesClient", "Publication"]

PATH = "/internal/articles"


class Publication(BaseModel):
    """What is published: a new article, or with `article_id` the new content of one that a backlink went into."""

    model_config = ConfigDict(frozen=True)

    order_id: uuid.UUID
    owner_user_id: uuid.UUID
    article_id: uuid.UUID | None = None
    event_id: uuid.UUID | None = None
    title: str
    content: str
    """Clean HTML."""
    links_allowed: bool = False


class ArticleFacts(BaseModel):
    """A published article. `links_allowed`: its owner lets other customers order backlinks into it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    article_id: uuid.UUID
    slug: str
    title: str
    content: str
    owner_user_id: uuid.UUID | None
    event_id: uuid.UUID | None
    links_allowed: bool
    published_at: datetime


class ArticlesClient:
    def __init__(self, events: ServiceClient) -> None:
        self._events = events

    async def publish(self, call: Call, publication: Publication) -> str:
        """Publish and return the slug. A new article gets a slug from its title that no other article has."""
        answer = await post(self._events, PATH, call, **publication.model_dump(mode="json"))
        return str(answer["slug"])

    async def find(self, article_id: uuid.UUID) -> ArticleFacts:
        """Return an article.

        Raises:
            NotFound: NOT_FOUND.
        """
        return ArticleFacts.model_validate(await self._events.get(f"{PATH}/{article_id}"))

    async def similar(self, *, event_id: uuid.UUID | None, limit: int = 100) -> list[ArticleFacts]:
        """Return the articles that a new one may be too much like: those about the event first, then the newest."""
        query = {"limit": limit} | ({"event_id": str(event_id)} if event_id else {})
        rows = await self._events.get(PATH, query)
        return readable(rows, ArticleFacts.model_validate, of="articles", key="article_id")
