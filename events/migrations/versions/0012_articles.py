"""Published articles."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

UUID = postgresql.UUID(as_uuid=True)
NEWEST = [sa.text("published_at DESC"), sa.text("article_id DESC")]


def upgrade() -> None:
    op.create_table(
        "articles",
        sa.Column("article_id", UUID, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("owner_user_id", UUID),
        sa.Column("event_id", UUID),
        sa.Column("order_id", UUID),
        sa.Column("links_allowed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("article_id", name="pk_articles"),
        sa.ForeignKeyConstraint(["event_id"], ["events.event_id"], name="fk_articles_event_id_events"),
        sa.UniqueConstraint("slug", name="uq_articles_slug"),
        sa.UniqueConstraint("order_id", name="uq_articles_order_id"),
    )
    op.create_index("ix_articles_newest", "articles", NEWEST)
    op.create_index("ix_articles_event", "articles", ["event_id", *NEWEST])
    op.create_index("ix_articles_owner", "articles", ["owner_user_id", *NEWEST])


def downgrade() -> None:
    op.drop_table("articles")
