"""The seeded performer's profile, tip grid and menus. What exists already stays as it is."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert

from common.db.engine import Database
from events.menus.models import menu_items, menus
from events.menus.schemas import MenuKind
from events.menus.templates import TEMPLATES
from events.performers.models import performers

__all__ = ["seed_performer"]

PROFILE: Final = {
    "display_name": "Nova",
    "bio": "Synths, strings and a loop station.",
    "time_zone": "Asia/Singapore",
    "subscription_price": "15.00",
    "device_uid": "nova-stage-light",
}
LIGHTS: Final = {"pattern": "pulse", "duration_seconds": 10}
# Name, description, price, points, activation of the device.
TIPS: Final = (
    ("Applause", "A round of applause from the front row.", "1.00", 1, None),
    ("Cheer", "Your name on the screen behind the stage.", "3.00", 2, None),
    ("Stage lights", "The lights pulse for ten seconds.", "5.00", 3, LIGHTS),
    ("Guitar solo", "One more solo in the next song.", "8.00", 5, None),
    ("Selfie with the crowd", "A picture of the crowd, from the stage.", "12.00", 8, None),
    ("Bouquet", "A bouquet is brought to the stage in your name.", "20.00", 15, None),
)


async def seed_performer(database: Database, performer_id: uuid.UUID) -> None:
    """Add what is missing. Ids are derived from the performer's, the menu's and the item's name."""
    await _add(database, performers, {"performer_id": performer_id, **PROFILE})
    tips = [
        {
            "name": name,
            "description": description,
            "price": price,
            "bonus_loyalty_points": points,
            "device_activation": device,
        }
        for name, description, price, points, device in TIPS
    ]
    grid = {"performer_id": performer_id, "kind": MenuKind.TIP, "name": "Tips", "position": 1}
    await _add_menu(database, "tip grid", grid, tips)
    for position, template in enumerate(TEMPLATES, start=1):
        menu = {**template.menu.model_dump(), "performer_id": performer_id, "kind": MenuKind.PERFORMANCE}
        items = [item.model_dump() for item in template.menu_items]
        await _add_menu(database, template.template, {**menu, "position": position}, items)


async def _add_menu(database: Database, key: str, menu: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
    menu_id = uuid.uuid5(menu["performer_id"], key)
    await _add(database, menus, {**menu, "menu_id": menu_id})
    for position, item in enumerate(items, start=1):
        of_menu = {"item_id": uuid.uuid5(menu_id, item["name"]), "menu_id": menu_id, "position": position}
        await _add(database, menu_items, {**item, **of_menu})


async def _add(database: Database, table: Table, values: Mapping[str, Any]) -> None:
    await database.execute(insert(table).values(values).on_conflict_do_nothing())
