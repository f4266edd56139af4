"""Known devices in PostgreSQL."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from common.db.engine import Database
from common.db.retention import Retention

# The device's account must be the only one that can log in by the address: others have chosen their passwords themselves,
# and must not spare the owner's account its limits.
_FIND: Final = text(
    """
    SELECT 1 FROM known_devices JOIN users own USING (user_id)
    WHERE token_hash = :token_hash AND expires_at > now()
      AND (own.email = :email OR (own.new_email = :email AND own.email IS NULL))
      AND ((own.email IS NOT NULL AND own.email_verified_at IS NOT NULL) OR NOT EXISTS (
          SELECT FROM users other
          WHERE other.user_id <> own.user_id
            AND (other.email = :email OR (other.new_email = :email AND other.email IS NULL))))
    """
)
# Renews the presented token, or adds a new one. The devices that logged in longest ago make room for it; concurrent
# logins skip each other's rows.
_REMEMBER: Final = text(
    """
    WITH renewed AS (
        UPDATE known_devices SET expires_at = now() + make_interval(days => :days)
        WHERE token_hash = :presented_hash AND user_id = :user_id AND expires_at > now()
        RETURNING token_hash),
    added AS (
        INSERT INTO known_devices (token_hash, user_id, expires_at)
        SELECT :new_hash, :user_id, now() + make_interval(days => :days) WHERE NOT EXISTS (SELECT FROM renewed)),
    surplus AS (
        SELECT token_hash FROM known_devices
        WHERE user_id = :user_id AND NOT EXISTS (SELECT FROM renewed)
        ORDER BY expires_at DESC OFFSET :most - 1),
    forgotten AS (
        DELETE FROM known_devices WHERE token_hash IN (
            SELECT token_hash FROM known_devices WHERE token_hash IN (SELECT token_hash FROM surplus)
            FOR UPDATE SKIP LOCKED))
    SELECT EXISTS (SELECT FROM renewed) AS is_renewed
    """
)
DEVICES_RETENTION: Final = Retention(table="known_devices", aged_by="expires_at", keep_days=0)


class KnownDeviceRepository:
    """Known devices.

    Args:
        days: how long a device is known after its last login.
        most: how many devices an account has.
    """

    def __init__(self, database: Database, *, days: int, most: int) -> None:
        self._database = database
        self._bounds = {"days": days, "most": most}

    async def is_known(self, token_hash: bytes, *, email: str) -> bool:
        """Return whether the token is of a device that logged in to the one account that can log in by that address."""
        return await self._database.fetch_one(_FIND, {"token_hash": token_hash, "email": email}) is not None

    async def remember(self, user_id: UUID, *, presented_hash: bytes, new_hash: bytes) -> bool:
        """Renew the presented token and return True; add the new one and return False if it is none of this account."""
        keys = {"user_id": user_id, "presented_hash": presented_hash, "new_hash": new_hash}
        row = await self._database.fetch_one(_REMEMBER, {**keys, **self._bounds})
        return row is not None and bool(row["is_renewed"])
