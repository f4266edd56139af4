"""Articles in PostgreSQL."""

import uuid
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, select, text, update

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest
from common.db.pages import find_newest
from common.errors import Busy, ServiceError
from common.pages import Total
from common.rows import readable
from events.articles.errors import ArticleNotFound
from events.articles.models import articles
from events.articles.schemas import ArticleFacts, ArticleSummary, PublishArticle, PublishedArticle
from events.articles.statements import PUBLISH, REPLACE_CONTENT, SIMILAR
from events.audit import record
from events.catalogue.errors import EventNotFound
from events.performers.schemas import Actor

# Each attempt fails only if another article has taken the slug: of as many at once, the last one succeeds.
ATTEMPTS: Final = 50
_IS_VISIBLE: Final = text("SELECT FROM events WHERE event_id = :event_id AND status <> 'DRAFT'")
_SUMMARY: Final[Select[Any]] = select(*(articles.c[name] for name in ArticleSummary.model_fields))


class ArticleRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = IdempotencyStore(database)

    async def publish(self, new: PublishArticle) -> PublishedArticle:
        """Store a new article under a slug that no other has; an order has one article.

        Raises:
            EventNotFound: there is no such event, or it is a draft.
            Busy: others have taken the slug at each attempt; nothing is stored.
        """
        facts = new.model_dump(exclude={"request_id", "article_id"})
        request = ParticipantRequest.of(new.request_id, "publish article", **facts)
        for _ in range(ATTEMPTS):
            attempt = await self._store.attempt(request, PUBLISH, {**facts, "slug": new.slug})
            if attempt.done is not None:
                return PublishedArticle(**attempt.done)
            if new.event_id and not await self._database.fetch_all(_IS_VISIBLE, {"event_id": new.event_id}):
                return PublishedArticle(**await self._store.store_refusal(request, EventNotFound()))
        raise Busy(request_id=new.request_id)

    async def replace_content(self, new: PublishArticle, article_id: uuid.UUID) -> PublishedArticle:
        """Store the new content of an article.

        Raises:
            ArticleNotFound: there is no such article.
        """
        facts = {"article_id": article_id, "content": new.content}

        async def refuse() -> ServiceError:
            return ArticleNotFound()

        request = ParticipantRequest.of(new.request_id, "replace content", **facts)
        return PublishedArticle(**await self._store.answer(request, REPLACE_CONTENT, facts, refuse=refuse))

    async def find(self, article_id: uuid.UUID) -> ArticleFacts | None:
        return await self._find(articles.c.article_id == article_id)

    async def find_by_slug(self, slug: str) -> ArticleFacts | None:
        return await self._find(articles.c.slug == slug)

    async def similar(self, event_id: uuid.UUID | None, *, limit: int) -> list[ArticleFacts]:
        """Return articles, those about the event first, then the newest."""
        rows = await self._database.fetch_all(SIMILAR, {"event_id": event_id, "limit": limit})
        return readable(rows, ArticleFacts.model_validate, of="articles")

    async def page(self, event_id: uuid.UUID | None, *, limit: int, offset: int) -> tuple[list[ArticleSummary], Total]:
        """Return one page, newest first, and the number on all pages; of one event or all."""
        rows, total = await find_newest(
            self._database,
            _SUMMARY if event_id is None else _SUMMARY.where(articles.c.event_id == event_id),
            at=articles.c.published_at,
            key=articles.c.article_id,
            limit=limit,
            offset=offset,
        )
        return readable(rows, ArticleSummary.model_validate, of="articles"), total

    async def allow_links(self, actor: Actor, article: ArticleFacts, *, links_allowed: bool) -> ArticleFacts:
        """Change whether other customers may order backlinks into an article; an admin's change is on the audit trail."""
        article_id, before = article.article_id, {"links_allowed": article.links_allowed}
        change = update(articles).where(articles.c.article_id == article_id).values(links_allowed=links_allowed)
        async with self._database.transaction() as connection:
            row = (await connection.execute(change.returning(articles))).mappings().one()
            await record(
                connection, actor, "article.change", article_id, before=before, after={"links_allowed": links_allowed}
            )
        return ArticleFacts.model_validate(row)

    async def _find(self, condition: ColumnElement[bool]) -> ArticleFacts | None:
        row = await self._database.fetch_one(select(articles).where(condition))
        return ArticleFacts.model_validate(row) if row else None
