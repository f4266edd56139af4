"""Users' names and email addresses, from the users service."""

import asyncio
import itertools
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from cachetools import TTLCache
from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.rows import readable
from common.text import one_line

__all__ = ["DELETED_USER", "UserDirectory", "UserFacts"]

# Names rarely change; a new hall assignment of staff must be seen within seconds.
FACTS_TTL_SECONDS: Final = 5.0
CACHED_USERS: Final = 10_000
LOOKUP_LIMIT: Final = 100  # of the users service
NAMELESS: Final = "Fan"
DELETED_USER: Final = "deleted user"
"""Shown where the name of a user stood whose account was deleted: the users service does not know it any more."""


class UserFacts(BaseModel):
    model_config = ConfigDict(extra="ignore")

    user_id: uuid.UUID
    email: str | None  # None if another account has the address
    name: str
    assigned_hall_id: str | None
    assigned_venue_id: uuid.UUID | None = None  # a users service of the previous release does not send it
    is_verified: bool

    @property
    def display_name(self) -> str:
        """The user's name on one line, or the local part of their email address."""
        return one_line(self.name) or (self.email or NAMELESS).partition("@")[0]


class UserDirectory:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users
        self._cache: TTLCache[uuid.UUID, UserFacts] = TTLCache(CACHED_USERS, FACTS_TTL_SECONDS)

    async def find(self, user_id: uuid.UUID) -> UserFacts:
        """Return a user, at most a few seconds old.

        Raises:
            NotFound: USER_NOT_FOUND.
            Unavailable: the users service does not respond.
        """
        user = self._cache.get(user_id)
        if user is None:
            user = UserFacts.model_validate(await self._users.get(f"/internal/users/{user_id}"))
            self._cache[user_id] = user
        return user

    async def find_by_email(self, email: str) -> UserFacts:
        """Return the user who has proven that email address.

        Raises:
            NotFound: USER_NOT_FOUND.
        """
        return UserFacts.model_validate(await self._users.post("/internal/users/find", {"email": email}))

    async def balance_of(self, user_id: uuid.UUID) -> Decimal:
        """Return the present balance of a user's wallet."""
        return Decimal((await self._users.get(f"/internal/users/{user_id}"))["credit_balance"])

    async def lookup(self, user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, UserFacts]:
        """Return the users that exist, by id; one that cannot be read is nameless."""
        wanted = sorted(set(user_ids))
        pages = [wanted[start : start + LOOKUP_LIMIT] for start in range(0, len(wanted), LOOKUP_LIMIT)]
        answers = await asyncio.gather(
            *(self._users.post("/internal/users/lookup", {"user_ids": page}) for page in pages)
        )
        rows = itertools.chain.from_iterable(answers)
        users = readable(rows, UserFacts.model_validate, of="users", key="user_id", otherwise=_unreadable)
        return {user.user_id: user for user in users}


def _unreadable(row: Mapping[str, Any]) -> UserFacts:
    """Return a user of whom only the id is known, and who is no deleted one."""
    return UserFacts(user_id=row["user_id"], email=None, name="", assigned_hall_id=None, is_verified=False)
