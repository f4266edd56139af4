"""What the events service does with performers."""

import uuid
from collections.abc import Sequence

from common.pages import Total
from events.performers.errors import PerformerNotFound, ProfileNotWritten
from events.performers.repository import PerformerRepository
from events.performers.schemas import Actor, Performer, PerformerFacts, Profile, ProfileChanges


class PerformerService:
    def __init__(self, repository: PerformerRepository) -> None:
        self._performers = repository

    async def search(self, text: str | None, *, limit: int, offset: int) -> tuple[list[Performer], Total]:
        """Return one page of active performers by name, and their number on all pages."""
        return await self._performers.page(search=text, limit=limit, offset=offset)

    async def show(self, performer_id: uuid.UUID) -> Performer:
        """Return an active performer.

        Raises:
            PerformerNotFound: no such performer, or an inactive one.
        """
        profile = await self._performers.find(performer_id)
        if profile is None or not profile.is_active:
            raise PerformerNotFound
        return Performer.model_validate(profile.model_dump())

    async def profile(self, performer_id: uuid.UUID) -> Profile:
        """Return a performer's own profile.

        Raises:
            ProfileNotWritten: there is none.
        """
        profile = await self._performers.find(performer_id)
        if profile is None:
            raise ProfileNotWritten
        return profile

    async def write(self, actor: Actor, changes: ProfileChanges) -> Profile:
        """Change a profile, or write the first one.

        Raises:
            ProfileNotWritten: there is none, and the changes have no display_name.
            DeviceInUse: another performer has the device.
            DeactivatedByAdmin: a performer reactivates a profile that an admin has deactivated.
        """
        profile = await self._performers.write(actor, changes.changes)
        if profile is None:
            raise ProfileNotWritten
        return profile

    async def facts(self, performer_id: uuid.UUID) -> PerformerFacts:
        """Return a performer, also an inactive one.

        Raises:
            PerformerNotFound: no such performer.
        """
        found = await self._performers.facts([performer_id])
        if not found:
            raise PerformerNotFound
        return found[0]

    async def look_up(self, performer_ids: Sequence[uuid.UUID]) -> list[PerformerFacts]:
        """Return the performers that exist, in no particular order."""
        return await self._performers.facts(performer_ids)
