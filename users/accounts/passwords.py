"""Password hashing (argon2id) in a small pool of threads, so that logins cannot starve other requests."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from common.errors import Unavailable

__all__ = ["Passwords"]

Result = TypeVar("Result")

# OWASP's password storage cheat sheet: argon2id with 19 MiB, two passes, one lane.
MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
RETRY_AFTER_SECONDS: Final = 1


class Passwords:
    """Hashes and checks, `threads` at a time; if `queue` calls already wait, the next is refused."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._limit = threads + queue
        self._pending = 0
        # Checked if there is no such account, so that the check takes the same time.
        self._dummy_hash = self._hasher.hash("no account's password")

    async def hash(self, password: str) -> str:
        """Return the hash to store.

        Raises:
            Unavailable: too many calls are waiting.
        """
        return await self._run(lambda: self._hasher.hash(_normalized(password)))

    async def renewed(self, password: str, *, stored_hash: str) -> str | None:
        """Return the hash to store instead, if the right password's hash is from a release that did not normalise.

        Raises:
            Unavailable: too many calls are waiting.
        """
        if _normalized(password) == password:
            return None
        is_current = await self._run(lambda: self._is_hash_of(_normalized(password), stored_hash))
        return None if is_current else await self.hash(password)

    async def matches(self, password: str, *, stored_hash: str | None) -> bool:
        """Return whether it is the password. Without a stored hash: False, after the usual time.

        Raises:
            Unavailable: too many calls are waiting.
        """
        is_right = await self._run(lambda: self._verify(stored_hash or self._dummy_hash, password))
        return is_right and stored_hash is not None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored_hash: str, password: str) -> bool:
        """Try the password in NFKC, then as it was typed, which an earlier release hashed."""
        return any(self._is_hash_of(form, stored_hash) for form in dict.fromkeys((_normalized(password), password)))

    def _is_hash_of(self, password: str, stored_hash: str) -> bool:
        try:
            return self._hasher.verify(stored_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._pending >= self._limit:
            raise Unavailable(retry_after_seconds=RETRY_AFTER_SECONDS, waiting=self._pending)
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pending -= 1


def _normalized(password: str) -> str:
    """Return the form that is the same on every keyboard , full-width letters included."""
    return unicodedata.normalize("NFKC", password)
