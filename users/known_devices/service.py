"""Remembers the devices that logged in to an account, so that strangers' wrong passwords do not lock them out.

A device token is random, opaque, and stored as a hash. It proves no identity: it only spares its device the limit that
all devices of the world share.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from users.known_devices.repository import KnownDeviceRepository

__all__ = ["KNOWN_DAYS", "KnownDeviceService"]

TOKEN_BYTES: Final = 32
KNOWN_DAYS: Final = 180  # after the last login


@dataclass(frozen=True, slots=True)
class KnownDeviceService:
    repository: KnownDeviceRepository

    async def known_as(self, token: str | None, *, email: str) -> str | None:
        """Return under which name attempts of the device at the account are counted; None if it is not known."""
        if not token:
            return None
        token_hash = _hash(token)
        return token_hash.hex() if await self.repository.is_known(token_hash, email=email) else None

    async def remember(self, user_id: UUID, *, token: str | None) -> str:
        """Return the device's token after a login: its present one, or a new one if that is not of this account.

        A token that the client made up, or that is another account's, never becomes valid for this one.
        """
        new = secrets.token_urlsafe(TOKEN_BYTES)
        is_renewed = await self.repository.remember(user_id, presented_hash=_hash(token or ""), new_hash=_hash(new))
        return token if token and is_renewed else new


def _hash(token: str) -> bytes:
    # The token is random, so it cannot be guessed from a plain hash.
    return hashlib.sha256(token.encode()).digest()
