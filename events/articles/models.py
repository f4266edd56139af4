"""The table of published articles."""

from typing import Final

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Table, Text, UniqueConstraint, false, func, text
from sqlalchemy.dialects.postgresql import UUID

from events.database import metadata

articles: Final = Table(
    "articles",
    metadata,
    Column("article_id", UUID(as_uuid=True), primary_key=True),
    Column("slug", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("content", Text, nullable=False),  # clean HTML
    Column("owner_user_id", UUID(as_uuid=True)),  # null once the account is deleted
    Column("event_id", UUID(as_uuid=True), ForeignKey("events.event_id")),
    Column("order_id", UUID(as_uuid=True)),  # the order that it was written for; null for one of the seed data
    Column("links_allowed", Boolean, nullable=False, server_default=false()),
    Column("published_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),  # of its content
    UniqueConstraint("slug", name="uq_articles_slug"),
    UniqueConstraint("order_id", name="uq_articles_order_id"),
    Index("ix_articles_newest", text("published_at DESC"), text("article_id DESC")),
    Index("ix_articles_event", "event_id", text("published_at DESC"), text("article_id DESC")),
    Index("ix_articles_owner", "owner_user_id", text("published_at DESC"), text("article_id DESC")),
)
