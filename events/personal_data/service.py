"""Lists what a user has in the events service, and erases it with the account."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from common.db.engine import Row
from common.pages import Cursor
from events.personal_data.repository import PersonalDataRepository
from events.personal_data.schemas import Section, SectionName

PAGE: Final = 100
PLACE: Final = frozenset({"place_at", "place_key"})
"""Where a row is in its list, which no export shows."""


@dataclass(frozen=True, slots=True)
class PersonalDataService:
    repository: PersonalDataRepository

    async def section(self, user_id: uuid.UUID, name: SectionName, *, after: Cursor | None) -> Section:
        """Return a part of a section of the export."""
        rows, total = await self.repository.page(user_id, name, limit=PAGE, after=after)
        return Section(items=[_plain(row) for row in rows], next=None if total.next is None else str(total.next))

    async def erase(self, user_id: uuid.UUID) -> None:
        """Erase what is stored of a deleted account beside its id. It may be repeated."""
        await self.repository.erase(user_id)


def _plain(row: Row) -> dict[str, Any]:
    return {
        name: f"{value:.2f}" if isinstance(value, Decimal) else value
        for name, value in row.items()
        if name not in PLACE
    }
