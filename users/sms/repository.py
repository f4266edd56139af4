"""Reads a text message's phone number, and stores that the message was sent."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest

_LOAD: Final = text(
    """
    WITH prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id)
    SELECT (SELECT fingerprint FROM prior) AS prior_fingerprint, (SELECT result FROM prior) AS result,
           (SELECT phone FROM users WHERE user_id = :user_id) AS phone
    """
)


@dataclass(frozen=True, slots=True)
class SmsStatus:
    """`phone` is None if there is no such user."""

    is_sent: bool
    phone: str | None


class SmsRepository:
    def __init__(self, database: Database) -> None:
        self._store = IdempotencyStore(database)

    async def status_of(self, request: ParticipantRequest, user_id: UUID) -> SmsStatus:
        """Return whether the request was done before, and the user's phone.

        Raises:
            Unprocessable: the id was used with other arguments.
        """
        attempt = await self._store.attempt(request, _LOAD, {"user_id": user_id})
        return SmsStatus(is_sent=attempt.done is not None, phone=attempt.row["phone"])

    async def mark_sent(self, request: ParticipantRequest) -> None:
        await self._store.store_done(request, {})
