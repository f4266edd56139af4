"""Performers, their tip grids and performance menus, the whitelists of these, and messages to be sent."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UUID = postgresql.UUID(as_uuid=True)
AMOUNT = sa.Numeric(14, 2)


def text(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable, server_default=default)


def number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def flag(name: str, default: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=default)


def time(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def upgrade() -> None:
    op.create_table(
        "performers",
        sa.Column("performer_id", UUID, nullable=False),
        text("display_name"),
        text("bio", ""),
        text("image_url", nullable=True),
        text("time_zone", "Asia/Singapore"),
        sa.Column("subscription_price", AMOUNT),
        text("settlement", "INSTANT"),
        text("device_uid", nullable=True),
        flag("is_active", "true"),
        flag("is_blocked", "false"),
        time("created_at"),
        time("updated_at"),
        sa.PrimaryKeyConstraint("performer_id", name="pk_performers"),
        check("performers", "subscription_price", "subscription_price > 0"),
        check("performers", "settlement", "settlement IN ('INSTANT', 'BATCHED')"),
    )
    op.create_index(
        "ix_performers_active_name",
        "performers",
        ["display_name", "performer_id"],
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "uq_performers_device",
        "performers",
        ["device_uid"],
        unique=True,
        postgresql_where=sa.text("device_uid IS NOT NULL"),
    )
    op.create_table(
        "menus",
        sa.Column("menu_id", UUID, nullable=False),
        sa.Column("performer_id", UUID, nullable=False),
        text("kind"),
        text("name"),
        text("description", ""),
        sa.Column("position", sa.Integer(), nullable=False),
        text("queue_mode", "OFF"),
        text("visibility", "public"),
        sa.Column("theme", postgresql.JSONB(), nullable=False, server_default="{}"),
        flag("is_active", "true"),
        flag("is_blocked", "false"),
        flag("is_deleted", "false"),
        time("created_at"),
        time("updated_at"),
        sa.PrimaryKeyConstraint("menu_id", name="pk_menus"),
        sa.ForeignKeyConstraint(["performer_id"], ["performers.performer_id"], name="fk_menus_performer_id_performers"),
        check("menus", "kind", "kind IN ('TIP', 'PERFORMANCE')"),
        check("menus", "queue_mode", "queue_mode IN ('ON', 'OFF')"),
        check("menus", "visibility", "visibility IN ('public', 'subscribers_only', 'private')"),
        check("menus", "tip_grid", "kind <> 'TIP' OR (queue_mode = 'OFF' AND visibility = 'public')"),
    )
    op.create_index(
        "ix_menus_performer",
        "menus",
        ["performer_id", "kind", "position", "menu_id"],
        postgresql_where=sa.text("NOT is_deleted"),
    )
    op.create_table(
        "menu_items",
        sa.Column("item_id", UUID, nullable=False),
        sa.Column("menu_id", UUID, nullable=False),
        text("name"),
        text("description", ""),
        text("category", ""),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("price", AMOUNT, nullable=False),
        number("bonus_loyalty_points"),
        number("estimated_minutes"),
        sa.Column("daily_limit", sa.Integer()),
        sa.Column("daily_limit_per_user", sa.Integer()),
        sa.Column("device_activation", postgresql.JSONB()),
        flag("is_active", "true"),
        flag("is_blocked", "false"),
        flag("is_deleted", "false"),
        time("created_at"),
        time("updated_at"),
        sa.PrimaryKeyConstraint("item_id", name="pk_menu_items"),
        sa.ForeignKeyConstraint(["menu_id"], ["menus.menu_id"], name="fk_menu_items_menu_id_menus"),
        check("menu_items", "price", "price > 0"),
        check("menu_items", "bonus_loyalty_points", "bonus_loyalty_points BETWEEN 0 AND price * 10"),
        check("menu_items", "estimated_minutes", "estimated_minutes >= 0"),
        check("menu_items", "daily_limits", "daily_limit >= 1 AND daily_limit_per_user >= 1"),
    )
    op.create_index(
        "ix_menu_items_menu",
        "menu_items",
        ["menu_id", "position", "item_id"],
        postgresql_where=sa.text("NOT is_deleted"),
    )
    op.create_table(
        "menu_whitelist",
        sa.Column("menu_id", UUID, nullable=False),
        sa.Column("user_id", UUID, nullable=False),
        time("added_at"),
        sa.PrimaryKeyConstraint("menu_id", "user_id", name="pk_menu_whitelist"),
        sa.ForeignKeyConstraint(["menu_id"], ["menus.menu_id"], name="fk_menu_whitelist_menu_id_menus"),
    )
    op.create_index("ix_menu_whitelist_newest", "menu_whitelist", ["menu_id", "added_at", "user_id"])
    op.create_table(
        "outbox",
        sa.Column("message_id", UUID, nullable=False),
        text("exchange"),
        text("routing_key"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("message_id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_unsent", "outbox", ["created_at"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("ix_outbox_sent", "outbox", ["sent_at"], postgresql_where=sa.text("sent_at IS NOT NULL"))


def downgrade() -> None:
    for table in ("outbox", "menu_whitelist", "menu_items", "menus", "performers"):
        op.drop_table(table)
