"""Who people are, as the users service knows them."""

import asyncio
import itertools
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from cachetools import TTLCache
from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient

__all__ = ["UserDirectory", "UserFacts"]

# Names change about never; staff sent to another hall need it within seconds.
FACTS_TTL_SECONDS: Final = 5.0
CACHED_PEOPLE: Final = 10_000
MOST_AT_ONCE: Final = 100  # of the users service's lookup


class UserFacts(BaseModel):
    model_config = ConfigDict(extra="ignore")

    user_id: uuid.UUID
    email: str
    name: str
    assigned_hall_id: str | None
    is_verified: bool

    @property
    def called(self) -> str:
        """What to call them: their name, or what stands before the @ of their e-mail address."""
        return self.name or self.email.partition("@")[0]


class UserDirectory:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users
        self._known: TTLCache[uuid.UUID, UserFacts] = TTLCache(CACHED_PEOPLE, FACTS_TTL_SECONDS)

    async def find(self, user_id: uuid.UUID) -> UserFacts:
        """Return somebody, as they were a few seconds ago at most.

        Raises:
            NotFound: USER_NOT_FOUND.
            Unavailable: the users service gives no answer.
        """
        person = self._known.get(user_id)
        if person is None:
            person = UserFacts.model_validate(await self._users.get(f"/internal/users/{user_id}"))
            self._known[user_id] = person
        return person

    async def find_by_email(self, email: str) -> UserFacts:
        """Return who has that e-mail address.

        Raises:
            NotFound: USER_NOT_FOUND.
        """
        return UserFacts.model_validate(await self._users.post("/internal/users/find", {"email": email}))

    async def balance_of(self, user_id: uuid.UUID) -> Decimal:
        """Return what is in somebody's wallet right now."""
        return Decimal((await self._users.get(f"/internal/users/{user_id}"))["credit_balance"])

    async def lookup(self, user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, UserFacts]:
        """Return those that exist, by id."""
        wanted = sorted(set(user_ids))
        pages = [wanted[start : start + MOST_AT_ONCE] for start in range(0, len(wanted), MOST_AT_ONCE)]
        answers = await asyncio.gather(
            *(self._users.post("/internal/users/lookup", {"user_ids": page}) for page in pages)
        )
        people = [UserFacts.model_validate(user) for user in itertools.chain.from_iterable(answers)]
        return {person.user_id: person for person in people}
