"""The logins that have ended while their access tokens are still alive (W1: logging out counts at once, everywhere).

Users tells of each by a `session.revoked` message. The whole set is read at start, whenever the broker came back, and
every few seconds while it is away or while reading it fails.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from common.errors import ServiceError, Unavailable
from common.messaging.message import Message
from common.telemetry.logs import get_logger

__all__ = ["REVOKED", "Revocations"]

REVOKED: Final = "session.revoked"
# With the broker up nothing is missed; this only bounds the harm of a mistake of ours.
CHECK_SECONDS: Final = 60.0

Source = Callable[[], Awaitable[list[dict[str, Any]]]]
"""Returns ``[{"session_id": …, "expires_at": …}]``."""

logger = get_logger(__name__)


class Revocations:
    """Knows which logins have ended.

    Args:
        is_fed: whether messages are coming in right now.
        poll_seconds: how often the set is read again while they are not, and after it could not be read.
        on_change: called whenever logins may have been added.
    """

    def __init__(
        self,
        source: Source,
        *,
        is_fed: Callable[[], Awaitable[bool]],
        poll_seconds: float,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._is_fed = is_fed
        self._poll_seconds = poll_seconds
        self._on_change = on_change
        self._ends: dict[uuid.UUID, float] = {}  # session -> when its last token expires, in Unix seconds
        self._is_loaded = False
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_current(), name="revocations")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def covers(self, session_id: uuid.UUID) -> bool:
        """Whether that login has ended.

        Raises:
            Unavailable: not known, because the set was never read.
        """
        if not self._is_loaded:
            raise Unavailable(reason="revoked sessions are not loaded")
        return session_id in self._ends

    async def is_healthy(self) -> bool:
        return self._is_loaded

    async def take(self, message: Message) -> None:
        """Handle a `session.revoked` message."""
        self._add(message.data)
        if self._is_loaded:
            self._on_change()

    def reload(self) -> None:
        """Say that messages may have been missed."""
        self._wanted.set()

    async def _keep_current(self) -> None:
        while True:
            self._wanted.clear()
            is_current = await self._load()
            await self._until_due(is_current=is_current)

    async def _until_due(self, *, is_current: bool) -> None:
        """Return after a gap, after one poll's time without the broker or the whole set, and now and then with both."""
        check_at = time.monotonic() + CHECK_SECONDS
        while time.monotonic() < check_at:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._wanted.wait()
            if self._wanted.is_set() or not is_current or not await self._is_fed():
                return

    async def _load(self) -> bool:
        """Read the set, and say whether that went well."""
        try:
            for session in await self._source():
                self._add(session)
        except (ServiceError, KeyError, TypeError, ValueError) as error:
            logger.warning("revocations.unknown", reason=repr(error))
            return False
        now = time.time()
        self._ends = {session_id: ends_at for session_id, ends_at in self._ends.items() if ends_at > now}
        self._is_loaded = True
        self._on_change()
        return True

    def _add(self, session: dict[str, Any]) -> None:
        ends_at = datetime.fromisoformat(session["expires_at"])
        self._ends[uuid.UUID(session["session_id"])] = ends_at.timestamp()
