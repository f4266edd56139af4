"""The open codes of registrations, and the attempts at each, in PostgreSQL."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from common.db.engine import Database

_OPEN: Final = text(
    """
    INSERT INTO otp_challenges (user_id, context, reference, verification_sid, phone)
    SELECT user_id, :context, CAST(user_id AS text), :verification_sid, :phone FROM users WHERE user_id = :user_id
    FOR KEY SHARE
    ON CONFLICT (user_id, context, reference) DO UPDATE SET
        verification_sid = excluded.verification_sid, phone = excluded.phone, attempts = 0, sent_at = now()
    """
)
# Counted before the provider is called, so that concurrent attempts cannot exceed the limit.
_COUNT_ATTEMPT: Final = text(
    """
    UPDATE otp_challenges SET attempts = least(attempts + 1, 1000) WHERE user_id = :user_id AND context = :context
    RETURNING verification_sid, phone, attempts
    """
)
_UNCOUNT_ATTEMPT: Final = text(
    """
    UPDATE otp_challenges SET attempts = attempts - 1
    WHERE user_id = :user_id AND context = :context AND verification_sid = :verification_sid AND attempts > 0
    """
)
_CLOSE: Final = text(
    """
    DELETE FROM otp_challenges
    WHERE user_id = :user_id AND context = :context AND verification_sid = :verification_sid
    """
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A code that was sent to `phone`. `attempts` includes the current one."""

    user_id: UUID
    context: str
    verification_sid: str
    phone: str
    attempts: int

    @property
    def key(self) -> dict[str, object]:
        return {"user_id": self.user_id, "context": self.context, "verification_sid": self.verification_sid}


class RegistrationCodeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, *, user_id: UUID, context: str, verification_sid: str, phone: str) -> bool:
        """Store that a code was sent; it replaces the one before. Return False if the user no longer exists."""
        opened = await self._database.execute(
            _OPEN, {"user_id": user_id, "context": context, "verification_sid": verification_sid, "phone": phone}
        )
        return opened == 1

    async def count_attempt(self, *, user_id: UUID, context: str) -> Challenge | None:
        """Count one attempt at the open challenge; return None if there is none."""
        row = await self._database.fetch_one(_COUNT_ATTEMPT, {"user_id": user_id, "context": context})
        if row is None:
            return None
        return Challenge(user_id, context, row["verification_sid"], row["phone"], row["attempts"])

    async def uncount_attempt(self, challenge: Challenge) -> None:
        await self._database.execute(_UNCOUNT_ATTEMPT, challenge.key)

    async def close(self, challenge: Challenge) -> bool:
        """End the challenge; return False if another call has ended or replaced it."""
        return await self._database.execute(_CLOSE, challenge.key) == 1
