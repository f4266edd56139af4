"""HTTP routes of articles: for the public, for their owners, and for the orchestrator."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query

from common.fields import Integer
from common.http.auth import CurrentUser, require_service
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, NOT_LOGGED_IN, PageQuery, Paginated, Success, paginated, refusals, success
from events.articles.schemas import (
    Article,
    ArticleChanges,
    ArticleFacts,
    ArticleSummary,
    PublishArticle,
    PublishedArticle,
)
from events.articles.service import ArticleService

_ONE: Final = {400: "VALIDATION_ERROR", 404: "NOT_FOUND"}
_PUBLISH: Final = refusals(
    {400: BAD_INPUT, 404: "EVENT_NOT_FOUND, NOT_FOUND", 409: "REQUEST_UNDONE", 422: "IDEMPOTENCY_KEY_REUSED"}
)

Articles = Annotated[ArticleService, provided(ArticleService)]
Slug = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,100}$", examples=["an-evening-at-harbour-lights-live"])]

public: Final = APIRouter(prefix="/api/articles", tags=["Articles"])
internal: Final = APIRouter(
    prefix="/internal/articles", tags=["Internal: articles"], dependencies=[Depends(require_service)]
)


@public.get("", summary="List published articles", responses=refusals({400: BAD_INPUT}))
async def list_articles(
    articles: Articles, page: PageQuery, event_id: uuid.UUID | None = None
) -> Paginated[ArticleSummary]:
    """Newest first, of one event or all. Open to all callers."""
    return paginated(await articles.page(event_id, limit=page.per_page, offset=page.offset), page)


@public.get("/{slug}", summary="Show a published article", responses=refusals(_ONE))
async def show_article(slug: Slug, articles: Articles) -> Success[Article]:
    return success(await articles.show(slug))


@public.patch(
    "/{slug}",
    summary="Allow or refuse backlinks of other customers",
    responses=refusals(_ONE | {401: NOT_LOGGED_IN, 403: "FORBIDDEN"}),
)
async def change_article(
    *, slug: Slug, body: ArticleChanges, user: CurrentUser, address: ClientAddress, articles: Articles
) -> Success[Article]:
    """For its owner, or an admin. Backlinks that were ordered before are still published."""
    return success(await articles.change(slug, body, by=user, address=address))


@internal.post("", responses=_PUBLISH)
async def publish_article(new: PublishArticle, articles: Articles) -> Success[PublishedArticle]:
    """A new article, or with `article_id` the new content of a published one."""
    return success(await articles.publish(new))


@internal.get("", responses=refusals({400: BAD_INPUT}))
async def list_similar_articles(
    articles: Articles, limit: Annotated[Integer, Query(ge=1, le=200)] = 100, event_id: uuid.UUID | None = None
) -> Success[list[ArticleFacts]]:
    """With their contents: those about the event first, then the newest."""
    return success(await articles.similar(event_id, limit=limit))


@internal.get("/{article_id}", responses=refusals({400: "INVALID_UUID", 404: "NOT_FOUND"}))
async def find_article(article_id: uuid.UUID, articles: Articles) -> Success[ArticleFacts]:
    return success(await articles.find(article_id))
