"""What the events service does with articles."""

import uuid
from dataclasses import dataclass

from common.auth.principal import Principal, Role
from common.errors import Forbidden
from common.pages import Total
from events.articles.errors import ArticleNotFound
from events.articles.repository import ArticleRepository
from events.articles.schemas import (
    Article,
    ArticleChanges,
    ArticleFacts,
    ArticleSummary,
    PublishArticle,
    PublishedArticle,
)
from events.performers.schemas import Actor


@dataclass(frozen=True, slots=True)
class ArticleService:
    repository: ArticleRepository

    async def publish(self, new: PublishArticle) -> PublishedArticle:
        """Publish a new article, or the new content of a published one; repeatable by its request id.

        Raises:
            EventNotFound, ArticleNotFound.
            Busy: nothing is stored.
        """
        if new.article_id is None:
            return await self.repository.publish(new)
        return await self.repository.replace_content(new, new.article_id)

    async def find(self, article_id: uuid.UUID) -> ArticleFacts:
        """Return an article.

        Raises:
            ArticleNotFound.
        """
        return _found(await self.repository.find(article_id))

    async def similar(self, event_id: uuid.UUID | None, *, limit: int) -> list[ArticleFacts]:
        """Return articles, those about the event first, then the newest."""
        return await self.repository.similar(event_id, limit=limit)

    async def page(self, event_id: uuid.UUID | None, *, limit: int, offset: int) -> tuple[list[ArticleSummary], Total]:
        """Return one page, newest first, and the number on all pages; of one event or all."""
        return await self.repository.page(event_id, limit=limit, offset=offset)

    async def show(self, slug: str) -> Article:
        """Return an article as the public sees it.

        Raises:
            ArticleNotFound.
        """
        return _found(await self.repository.find_by_slug(slug))

    async def change(self, slug: str, changes: ArticleChanges, *, by: Principal, address: str) -> Article:
        """Change an article for its owner or an admin.

        Raises:
            ArticleNotFound.
            Forbidden: the user is neither.
        """
        article = _found(await self.repository.find_by_slug(slug))
        is_admin = by.has_role(Role.ADMIN)
        if not is_admin and article.owner_user_id != by.user_id:
            raise Forbidden
        actor = Actor(by.user_id, by.user_id, is_admin=is_admin, address=address)
        return await self.repository.allow_links(actor, article, links_allowed=changes.links_allowed)


def _found(article: ArticleFacts | None) -> ArticleFacts:
    if article is None:
        raise ArticleNotFound
    return article
