"""Remembers which codes of people who register are open, and how often each was tried."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from common.db.engine import Database

__all__ = ["Challenge", "ChallengeRepository"]

_OPEN: Final = text(
    """
    INSERT INTO otp_challenges (user_id, context, reference, verification_sid, phone)
    SELECT user_id, :context, CAST(user_id AS text), :verification_sid, :phone FROM users WHERE user_id = :user_id
    FOR KEY SHARE
    ON CONFLICT (user_id, context, reference) DO UPDATE SET
        verification_sid = excluded.verification_sid, phone = excluded.phone, attempts = 0, sent_at = now()
    """
)
# Counted before the provider is asked, so that codes tried at once cannot get past the limit.
_TAKE: Final = text(
    """
    UPDATE otp_challenges SET attempts = least(attempts + 1, 1000) WHERE user_id = :user_id AND context = :context
    RETURNING verification_sid, phone, attempts
    """
)
_GIVE_BACK: Final = text(
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
    """A code that was sent to `phone`. `attempts` counts the one being made."""

    user_id: UUID
    context: str
    verification_sid: str
    phone: str
    attempts: int

    @property
    def key(self) -> dict[str, object]:
        return {"user_id": self.user_id, "context": self.context, "verification_sid": self.verification_sid}


class ChallengeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, *, user_id: UUID, context: str, verification_sid: str, phone: str) -> bool:
        """Note that a code was sent; it replaces the one before. False when there is no such user any more."""
        opened = await self._database.execute(
            _OPEN, {"user_id": user_id, "context": context, "verification_sid": verification_sid, "phone": phone}
        )
        return opened == 1

    async def take_attempt(self, *, user_id: UUID, context: str) -> Challenge | None:
        """Count one attempt at the open challenge; None when there is none."""
        row = await self._database.fetch_one(_TAKE, {"user_id": user_id, "context": context})
        if row is None:
            return None
        return Challenge(user_id, context, row["verification_sid"], row["phone"], row["attempts"])

    async def give_back_attempt(self, challenge: Challenge) -> None:
        await self._database.execute(_GIVE_BACK, challenge.key)

    async def close(self, challenge: Challenge) -> bool:
        """End the challenge; False when another call ended or replaced it before."""
        return await self._database.execute(_CLOSE, challenge.key) == 1
