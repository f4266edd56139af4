"""Indexes for what is exported and erased of a user: the entries of whitelists, and all menus of a performer."""

from alembic import op

from common.db.migrations import create_index_online

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    create_index_online("ix_menu_whitelist_user", "menu_whitelist", "user_id, added_at DESC, menu_id DESC")
    create_index_online("ix_menus_newest", "menus", "performer_id, created_at DESC, menu_id DESC")


def downgrade() -> None:
    op.drop_index("ix_menus_newest", "menus")
    op.drop_index("ix_menu_whitelist_user", "menu_whitelist")
