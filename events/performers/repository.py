"""Performers in PostgreSQL."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import UNIQUE_VIOLATION, Database, sqlstate_of
from common.db.pages import find_page
from common.pages import Total
from common.rows import readable
from events.audit import changed, record
from events.performers.errors import DeviceInUse
from events.performers.models import performers
from events.performers.schemas import Actor, Performer, PerformerFacts, Profile

# A call of every purchase, and one of every list of purchases.
_FACTS: Final = text(
    """
    SELECT performer_id, display_name, is_active, time_zone, subscription_price, settlement, device_uid
    FROM performers WHERE performer_id = ANY(:performer_ids)
    """
)


class PerformerRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, *, search: str | None, limit: int, offset: int) -> tuple[list[Performer], Total]:
        """Return one page of active performers by name, and their number on all pages."""
        found = select(*(performers.c[name] for name in Performer.model_fields)).where(performers.c.is_active)
        if search:
            found = found.where(func.normalize(performers.c.display_name).icontains(search, autoescape=True))
        sorting = performers.c.display_name, performers.c.performer_id
        rows, total = await find_page(
            self._database, found, *sorting, key=performers.c.performer_id, limit=limit, offset=offset
        )
        return readable(rows, Performer.model_validate, of="performers"), total

    async def find(self, performer_id: uuid.UUID) -> Profile | None:
        row = await self._database.fetch_one(select(performers).where(performers.c.performer_id == performer_id))
        return Profile.model_validate(row) if row else None

    async def write(self, actor: Actor, changes: Mapping[str, Any]) -> Profile | None:
        """Change a profile, or write the first one if the changes name it; None if there is none and they do not.

        Raises:
            DeviceInUse: another performer has the device.
            DeactivatedByAdmin: a performer reactivates a profile that an admin has deactivated.
        """
        try:
            async with self._database.transaction() as connection:
                return await _write(connection, actor, changes)
        except IntegrityError as error:
            if sqlstate_of(error) == UNIQUE_VIOLATION:
                raise DeviceInUse from error
            raise

    async def facts(self, performer_ids: Sequence[uuid.UUID]) -> list[PerformerFacts]:
        """Return the performers that exist, in no particular order."""
        rows = await self._database.fetch_all(_FACTS, {"performer_ids": performer_ids})
        return readable(rows, PerformerFacts.model_validate, of="performers")


async def _write(connection: AsyncConnection, actor: Actor, changes: Mapping[str, Any]) -> Profile | None:
    performer_id = actor.performer_id
    found = select(performers).where(performers.c.performer_id == performer_id).with_for_update(key_share=True)
    before = (await connection.execute(found)).mappings().first()
    changes = actor.guarded(changes, before)
    write: Any = update(performers).where(performers.c.performer_id == performer_id)
    write = write.values(**changes, updated_at=func.now())
    if "display_name" in changes:
        write = insert(performers).values(performer_id=performer_id, **changes)
        write = write.on_conflict_do_update(index_elements=["performer_id"], set_={**changes, "updated_at": func.now()})
    row = (await connection.execute(write.returning(performers))).mappings().first()
    if row is None:
        return None
    previous = None if before is None else changed(before, changes)
    await record(connection, actor, "performer.change", performer_id, before=previous, after=changed(row, changes))
    return Profile.model_validate(row)
