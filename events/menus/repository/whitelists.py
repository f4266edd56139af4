"""The whitelists of private menus."""

import uuid
from typing import Final

from sqlalchemy import ColumnElement, delete, func, insert, select

from common.db.engine import Database
from common.db.pages import find_page
from common.pages import Total
from common.rows import readable
from events.audit import record
from events.menus.errors import MenuNotFound, TooManyWhitelistedUsers
from events.menus.models import menu_whitelist, menus
from events.menus.schemas import WhitelistEntry
from events.performers.schemas import Actor

MOST_WHITELISTED_USERS: Final = 1_000
_ENTRY: Final = menu_whitelist.c.user_id, menu_whitelist.c.added_at


class WhitelistRepository:
    """It does not know whose menu it is; the service does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, menu_id: uuid.UUID, *, limit: int, offset: int) -> tuple[list[WhitelistEntry], Total]:
        """Return one page, newest first, and the number of users on all pages."""
        table = menu_whitelist.c
        found = select(*_ENTRY).where(table.menu_id == menu_id)
        sorting = table.added_at.desc(), table.user_id.desc()
        rows, total = await find_page(self._database, found, *sorting, key=table.user_id, limit=limit, offset=offset)
        return readable(rows, WhitelistEntry.model_validate, of="menu_whitelist"), total

    async def add(self, actor: Actor, menu_id: uuid.UUID, user_id: uuid.UUID) -> WhitelistEntry:
        """Add a user, or return the entry that there is.

        The menu's row is locked before, so that concurrent requests count one after the other.

        Raises:
            MenuNotFound: the menu was deleted.
            TooManyWhitelistedUsers: there are 1,000.
        """
        entry = {"menu_id": menu_id, "user_id": user_id}
        menu = select(menus.c.menu_id).where(menus.c.menu_id == menu_id, ~menus.c.is_deleted)
        count = select(func.count()).select_from(menu_whitelist).where(menu_whitelist.c.menu_id == menu_id)
        async with self._database.transaction() as connection:
            if (await connection.execute(menu.with_for_update(key_share=True))).first() is None:
                raise MenuNotFound
            row = (await connection.execute(select(*_ENTRY).where(*_is(menu_id, user_id)))).mappings().first()
            if row is None:
                if (await connection.scalar(count) or 0) >= MOST_WHITELISTED_USERS:
                    raise TooManyWhitelistedUsers
                statement = insert(menu_whitelist).values(entry).returning(*_ENTRY)
                row = (await connection.execute(statement)).mappings().one()
                await record(connection, actor, "menu_whitelist.add", menu_id, after=entry)
        return WhitelistEntry.model_validate(row)

    async def remove(self, actor: Actor, menu_id: uuid.UUID, user_id: uuid.UUID) -> None:
        """Remove a user; a repeated call changes nothing."""
        async with self._database.transaction() as connection:
            removed = await connection.execute(delete(menu_whitelist).where(*_is(menu_id, user_id)))
            if removed.rowcount:
                before = {"menu_id": menu_id, "user_id": user_id}
                await record(connection, actor, "menu_whitelist.remove", menu_id, before=before)


def _is(menu_id: uuid.UUID, user_id: uuid.UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return menu_whitelist.c.menu_id == menu_id, menu_whitelist.c.user_id == user_id
