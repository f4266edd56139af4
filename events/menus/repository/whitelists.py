"""The whitelists of private menus."""

import uuid

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from common.db.engine import Database
from common.db.pages import find_page
from common.pages import Total
from common.rows import readable
from events.menus.models import menu_whitelist
from events.menus.schemas import WhitelistEntry


class WhitelistRepository:
    """It does not know whose menu it is; the service does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, menu_id: uuid.UUID, *, limit: int, offset: int) -> tuple[list[WhitelistEntry], Total]:
        """Return one page, newest first, and the number of users on all pages."""
        table = menu_whitelist.c
        found = select(table.user_id, table.added_at).where(table.menu_id == menu_id)
        sorting = table.added_at.desc(), table.user_id.desc()
        rows, total = await find_page(self._database, found, *sorting, key=table.user_id, limit=limit, offset=offset)
        return readable(rows, WhitelistEntry.model_validate, of="menu_whitelist"), total

    async def add(self, menu_id: uuid.UUID, user_id: uuid.UUID) -> WhitelistEntry:
        """Add a user, or return the entry that there is."""
        statement = insert(menu_whitelist).values(menu_id=menu_id, user_id=user_id)
        kept = statement.on_conflict_do_update(
            index_elements=["menu_id", "user_id"], set_={"added_at": menu_whitelist.c.added_at}
        )
        row = await self._database.fetch_one(kept.returning(menu_whitelist.c.user_id, menu_whitelist.c.added_at))
        return WhitelistEntry.model_validate(row)

    async def remove(self, menu_id: uuid.UUID, user_id: uuid.UUID) -> None:
        """Remove a user; a repeated call changes nothing."""
        entry = menu_whitelist.c.menu_id == menu_id, menu_whitelist.c.user_id == user_id
        await self._database.execute(delete(menu_whitelist).where(*entry))
