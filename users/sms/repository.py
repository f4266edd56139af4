"""Finds whom a text message goes to, and remembers that it went."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest

__all__ = ["SmsRepository", "Standing"]

_LOOK: Final = text(
    """
    WITH prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id)
    SELECT (SELECT fingerprint FROM prior) AS prior_fingerprint, (SELECT result FROM prior) AS result,
           (SELECT phone FROM users WHERE user_id = :user_id) AS phone
    """
)


@dataclass(frozen=True, slots=True)
class Standing:
    """`phone` is None when there is no such user."""

    is_sent: bool
    phone: str | None


class SmsRepository:
    def __init__(self, database: Database) -> None:
        self._memory = IdempotencyStore(database)

    async def look(self, request: ParticipantRequest, user_id: UUID) -> Standing:
        """Return whether the request was done before, and whose phone it is about.

        Raises:
            Unprocessable: the id was used with other arguments.
        """
        attempt = await self._memory.attempt(request, _LOOK, {"user_id": user_id})
        return Standing(is_sent=attempt.done is not None, phone=attempt.row["phone"])

    async def note_sent(self, request: ParticipantRequest) -> None:
        await self._memory.store_done(request, {})
