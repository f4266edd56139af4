"""The open codes that verify phones, and the attempts at each, in PostgreSQL."""

from dataclasses import dataclass
from datetime import timedelta
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
        verification_sid = excluded.verification_sid, phone = excluded.phone, attempts = 0, sent_at = now(),
        verified_at = NULL, code_hash = NULL
    """
)
# Counted before the provider is called, so that concurrent attempts cannot exceed the limit.
_COUNT_ATTEMPT: Final = text(
    """
    UPDATE otp_challenges SET attempts = least(attempts + 1, 1000) WHERE user_id = :user_id AND context = :context
    RETURNING verification_sid, phone, attempts,
              CASE WHEN verified_at > now() - CAST(:repeatable AS interval) THEN code_hash END AS code_hash
    """
)
_UNCOUNT_ATTEMPT: Final = text(
    """
    UPDATE otp_challenges SET attempts = attempts - 1
    WHERE user_id = :user_id AND context = :context AND verification_sid = :verification_sid AND attempts > 0
    """
)
# The right code is recognised for a while by its digest; the provider knows it once only.
_MARK_VERIFIED: Final = text(
    """
    UPDATE otp_challenges SET verified_at = now(), code_hash = :code_hash, verification_sid = NULL, attempts = 0
    WHERE user_id = :user_id AND context = :context AND verification_sid = :verification_sid
    """
)
REPEATABLE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A code that was sent to `phone`. `attempts` includes the current one.

    Attributes:
        verification_sid: None once the code was right.
        code_hash: the digest of the right code, for ten minutes.
    """

    user_id: UUID
    context: str
    verification_sid: str | None
    phone: str
    attempts: int
    code_hash: bytes | None

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
        """Count one attempt at the latest challenge; return None if there is none."""
        parameters = {"user_id": user_id, "context": context, "repeatable": REPEATABLE}
        row = await self._database.fetch_one(_COUNT_ATTEMPT, parameters)
        return None if row is None else Challenge(user_id, context, **row)

    async def uncount_attempt(self, challenge: Challenge) -> None:
        await self._database.execute(_UNCOUNT_ATTEMPT, challenge.key)

    async def mark_verified(self, challenge: Challenge, *, code_hash: bytes) -> bool:
        """End the challenge; return False if another call has ended or replaced it."""
        return await self._database.execute(_MARK_VERIFIED, {**challenge.key, "code_hash": code_hash}) == 1
