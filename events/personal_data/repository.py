"""A user's data in events_db: the profile and the menus of a performer, and the private menus that a user may see."""

import uuid
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, literal_column, select, text

from common.db.engine import Database, Row
from common.db.pages import find_newest
from common.pages import Cursor, Total
from events.articles.models import articles
from events.menus.models import menu_whitelist, menus
from events.performers.models import performers
from events.personal_data.schemas import SectionName

# Amounts are text: a JSON number would become a float.
_ITEMS: Final = """
    (SELECT coalesce(jsonb_agg(to_jsonb(item) - 'menu_id' || jsonb_build_object('price', item.price::text)
                               ORDER BY item.position, item.item_id), '[]')
     FROM menu_items AS item WHERE item.menu_id = menus.menu_id)
"""


class _Section(NamedTuple):
    rows: Select[Any]
    owner: ColumnElement[Any]
    at: ColumnElement[Any]
    key: ColumnElement[Any]


_SECTIONS: Final[Mapping[SectionName, _Section]] = {
    SectionName.PERFORMERS: _Section(
        select(performers), performers.c.performer_id, performers.c.created_at, performers.c.performer_id
    ),
    SectionName.MENUS: _Section(
        select(menus, literal_column(_ITEMS).label("items")), menus.c.performer_id, menus.c.created_at, menus.c.menu_id
    ),
    SectionName.WHITELISTS: _Section(
        select(menu_whitelist.c.menu_id, menu_whitelist.c.added_at),
        menu_whitelist.c.user_id,
        menu_whitelist.c.added_at,
        menu_whitelist.c.menu_id,
    ),
    SectionName.ARTICLES: _Section(
        select(articles), articles.c.owner_user_id, articles.c.published_at, articles.c.article_id
    ),
}
# What was sold stays as it was sold; it is not for sale any more. Articles stay published, without an owner.
_ERASE: Final = text(
    """
    WITH profile AS (
        UPDATE performers SET
            display_name = 'deleted user', bio = '', image_url = NULL, device_uid = NULL, subscription_price = NULL,
            is_active = false, updated_at = now()
        WHERE performer_id = :user_id),
    disowned AS (UPDATE articles SET owner_user_id = NULL WHERE owner_user_id = :user_id)
    DELETE FROM menu_whitelist
    WHERE user_id = :user_id OR menu_id IN (SELECT menu_id FROM menus WHERE performer_id = :user_id)
    """
)


class PersonalDataRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, user_id: uuid.UUID, name: SectionName, *, limit: int, after: Cursor | None
    ) -> tuple[list[Row], Total]:
        """Return a part of a section, newest first."""
        section = _SECTIONS[name]
        found, total = await find_newest(
            self._database,
            section.rows.where(section.owner == user_id),
            at=section.at,
            key=section.key,
            limit=limit,
            offset=0,
            after=after,
        )
        return [*found], total

    async def erase(self, user_id: uuid.UUID) -> None:
        """Make a deleted performer's profile nameless and inactive, empty the user's whitelists, and disown the articles."""
        await self._database.execute(_ERASE, {"user_id": user_id})
