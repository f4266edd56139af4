"""The tables of menus. Purchases refer to menus and items, so these are marked as deleted and stay."""

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    false,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from common.db.base import AMOUNT
from events.database import metadata

menus: Final = Table(
    "menus",
    metadata,
    Column("menu_id", UUID(as_uuid=True), primary_key=True),
    Column("performer_id", UUID(as_uuid=True), ForeignKey("performers.performer_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("position", Integer, nullable=False),
    Column("queue_mode", Text, nullable=False, server_default="OFF"),
    Column("visibility", Text, nullable=False, server_default="public"),
    Column("theme", JSONB, nullable=False, server_default=text("'{}'")),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("is_blocked", Boolean, nullable=False, server_default=false()),  # an admin has deactivated it
    Column("is_deleted", Boolean, nullable=False, server_default=false()),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("kind IN ('TIP', 'PERFORMANCE')", name="kind"),
    CheckConstraint("queue_mode IN ('ON', 'OFF')", name="queue_mode"),
    CheckConstraint("visibility IN ('public', 'subscribers_only', 'private')", name="visibility"),
    # Q7: a grid is public, and its buyer decides whether a tip is queued.
    CheckConstraint("kind <> 'TIP' OR (queue_mode = 'OFF' AND visibility = 'public')", name="tip_grid"),
    Index(
        "ix_menus_performer",
        "performer_id",
        "kind",
        "position",
        "menu_id",
        postgresql_where=text("NOT is_deleted"),
    ),
    Index("ix_menus_newest", "performer_id", text("created_at DESC"), text("menu_id DESC")),
)

menu_items: Final = Table(
    "menu_items",
    metadata,
    Column("item_id", UUID(as_uuid=True), primary_key=True),
    Column("menu_id", UUID(as_uuid=True), ForeignKey("menus.menu_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("category", Text, nullable=False, server_default=""),
    Column("position", Integer, nullable=False),
    Column("price", AMOUNT, nullable=False),
    Column("bonus_loyalty_points", Integer, nullable=False, server_default=text("0")),
    Column("estimated_minutes", Integer, nullable=False, server_default=text("0")),
    Column("daily_limit", Integer),
    Column("daily_limit_per_user", Integer),
    Column("device_activation", JSONB(none_as_null=True)),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("is_blocked", Boolean, nullable=False, server_default=false()),  # an admin has deactivated it
    Column("is_deleted", Boolean, nullable=False, server_default=false()),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("price > 0", name="price"),
    CheckConstraint("bonus_loyalty_points BETWEEN 0 AND price * 10", name="bonus_loyalty_points"),
    CheckConstraint("estimated_minutes >= 0", name="estimated_minutes"),
    CheckConstraint("daily_limit >= 1 AND daily_limit_per_user >= 1", name="daily_limits"),
    Index("ix_menu_items_menu", "menu_id", "position", "item_id", postgresql_where=text("NOT is_deleted")),
)

menu_whitelist: Final = Table(
    "menu_whitelist",
    metadata,
    Column("menu_id", UUID(as_uuid=True), ForeignKey("menus.menu_id"), primary_key=True),
    Column("user_id", UUID(as_uuid=True), primary_key=True),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_menu_whitelist_newest", "menu_id", "added_at", "user_id"),
    Index("ix_menu_whitelist_user", "user_id", text("added_at DESC"), text("menu_id DESC")),
)
