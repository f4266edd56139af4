"""Indexes for what is exported and erased of a user: the entries of whitelists, and all menus of a performer."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_index(
        "ix_menu_whitelist_user", "menu_whitelist", ["user_id", sa.text("added_at DESC"), sa.text("menu_id DESC")]
    )
    op.create_index("ix_menus_newest", "menus", ["performer_id", sa.text("created_at DESC"), sa.text("menu_id DESC")])


def downgrade() -> None:
    op.drop_index("ix_menus_newest", "menus")
    op.drop_index("ix_menu_whitelist_user", "menu_whitelist")
