"""What sagas read of menus: one statement for an item, because every purchase reads one."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text

from common.db.engine import Database, Row
from common.rows import readable
from events.menus.repository.menus import items_of
from events.menus.schemas import DeviceActivation, DeviceSettings, Menu, MenuFacts, MenuItem, MenuItemFacts, MenuKind

_IS_WHITELISTED: Final = """
    EXISTS (SELECT FROM menu_whitelist AS entry WHERE entry.menu_id = menu.menu_id AND entry.user_id = :user_id)
        AS is_whitelisted
"""
# A deleted item is an inactive one: a fan who still sees it must not be told that it never existed.
_ITEM: Final = text(
    f"""
    SELECT item.item_id, menu.menu_id, item.name, item.description, item.price,
        item.bonus_loyalty_points AS bonus_points, item.estimated_minutes, item.daily_limit,
        item.daily_limit_per_user, item.device_activation,
        item.is_active AND NOT item.is_deleted AND menu.is_active AND NOT menu.is_deleted AND performer.is_active
            AS is_active,
        menu.kind = 'PERFORMANCE' AND menu.queue_mode = 'ON' AS is_queued, menu.visibility, {_IS_WHITELISTED},
        jsonb_build_object(
            'performer_id', performer.performer_id, 'display_name', performer.display_name,
            'is_active', performer.is_active, 'time_zone', performer.time_zone,
            'subscription_price', performer.subscription_price::text, 'settlement', performer.settlement,
            'device_uid', performer.device_uid) AS performer
    FROM menu_items AS item JOIN menus AS menu USING (menu_id) JOIN performers AS performer USING (performer_id)
    WHERE item.item_id = :item_id AND menu.kind = :kind
    """  # noqa: S608 - a constant
)
_MENUS: Final = text(
    f"""
    SELECT menu.menu_id, menu.performer_id, menu.name, menu.description, menu.queue_mode, menu.visibility, menu.theme,
        menu.is_active AND performer.is_active AS is_active, {_IS_WHITELISTED}
    FROM menus AS menu JOIN performers AS performer USING (performer_id)
    WHERE (menu.menu_id = :menu_id OR menu.performer_id = :performer_id)
        AND menu.kind = 'PERFORMANCE' AND NOT menu.is_deleted
    ORDER BY menu.position, menu.created_at, menu.menu_id
    """  # noqa: S608 - a constant
)


class MenuFactsRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def item(self, item_id: uuid.UUID, *, kind: MenuKind, buyer_user_id: uuid.UUID) -> MenuItemFacts | None:
        """Return an item of a menu of that kind, also an inactive or deleted one."""
        row = await self._database.fetch_one(_ITEM, {"item_id": item_id, "kind": kind.value, "user_id": buyer_user_id})
        return MenuItemFacts.model_validate({**row, "device": _device(row)}) if row else None

    async def menus(
        self,
        *,
        menu_id: uuid.UUID | None = None,
        performer_id: uuid.UUID | None = None,
        reader_user_id: uuid.UUID,
    ) -> list[MenuFacts]:
        """Return a performance menu, or those of a performer, in order, with their active items; inactive ones, too."""
        parameters = {"menu_id": menu_id, "performer_id": performer_id, "user_id": reader_user_id}
        rows = await self._database.fetch_all(_MENUS, parameters)
        items = await items_of(self._database, [row["menu_id"] for row in rows], MenuItem, only_active=True)
        return readable(rows, lambda row: _facts(row, items.get(row["menu_id"], [])), of="menus")


def _device(row: Mapping[str, Any]) -> DeviceSettings | None:
    if row["device_activation"] is None:
        return None
    device = DeviceActivation.model_validate(row["device_activation"])
    return DeviceSettings(pattern=device.pattern, strength=device.intensity, seconds=device.duration_seconds)


def _facts(row: Row, items: Sequence[MenuItem]) -> MenuFacts:
    return MenuFacts.model_validate({**row, "menu": Menu.model_validate({**row, "items": items})})
