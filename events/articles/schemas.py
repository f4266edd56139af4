"""Articles: what the orchestrator publishes and reads, what the public sees, what their owners change."""

import re
import unicodedata
import uuid
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from common.fields import ArticleHtml, SentText, StoredInstant
from common.http.body import RequestBody
from common.http.calls import RepeatableCall

LONGEST_SLUG: Final = 80
UNNAMED: Final = "event"  # the slug of a title without a letter or digit of ASCII
_WORDS: Final = re.compile(r"[a-z0-9]+")
_SUMMARY: Final[JsonDict] = {
    "article_id": "a7a7a7a7-a7a7-a7a7-a7a7-a7a7a7a7a7a1",
    "slug": "an-evening-at-harbour-lights-live",
    "title": "An evening at Harbour Lights Live",
    "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
    "links_allowed": True,
    "published_at": "2027-03-01T09:00:00Z",
}


class PublishArticle(RepeatableCall):
    """A new article, or with `article_id` the new content of a published one, which keeps its title, event and owner."""

    order_id: uuid.UUID
    owner_user_id: uuid.UUID
    article_id: uuid.UUID | None = None
    event_id: uuid.UUID | None = None
    title: Annotated[SentText, Field(min_length=1, max_length=300)]
    content: ArticleHtml
    links_allowed: bool = False

    @property
    def slug(self) -> str:
        """The title's words of ASCII, at most 80 characters; another article may have the same."""
        plain = unicodedata.normalize("NFKD", self.title).encode("ascii", "ignore").decode().lower()
        return "-".join(_WORDS.findall(plain))[:LONGEST_SLUG].strip("-") or UNNAMED


class PublishedArticle(BaseModel):
    article_id: uuid.UUID
    slug: str


class ArticleSummary(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": _SUMMARY})

    article_id: uuid.UUID
    slug: str
    title: str
    event_id: uuid.UUID | None
    links_allowed: bool = Field(description="Whether other customers may order backlinks into it.")
    published_at: StoredInstant


class Article(ArticleSummary):
    model_config = ConfigDict(
        json_schema_extra={
            "example": _SUMMARY | {"content": "<p>The lights go down.</p>", "updated_at": "2027-03-01T09:00:00Z"}
        }
    )

    content: str = Field(description="Clean HTML.")
    updated_at: StoredInstant = Field(description="The time of the last change of its content.")


class ArticleFacts(Article):
    """As the orchestrator sees it. `owner_user_id` is null once the account is deleted."""

    owner_user_id: uuid.UUID | None


class ArticleChanges(RequestBody):
    links_allowed: bool
