"""The logins that have ended although their access tokens have not expired (W1: a logout takes effect at once).

The users service publishes each as a `session.revoked` message. The whole set is read at start, after the broker was
unavailable, and every few seconds while the broker is unavailable or reading fails.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from common.background import BackgroundTask, report_failure
from common.errors import ServiceError, Unavailable
from common.messaging.message import Message
from common.telemetry.logs import get_logger

__all__ = ["REVOKED", "Revocations"]

REVOKED: Final = "session.revoked"
# No message is missed while the broker is connected; this only limits the effect of a bug.
CHECK_SECONDS: Final = 60.0

Source = Callable[[], Awaitable[list[dict[str, Any]]]]
"""Returns ``[{"session_id": …, "expires_at": …}]``."""

logger = get_logger(__name__)


class Revocations(BackgroundTask):
    """The ended logins.

    Args:
        is_fed: whether messages are being received.
        poll_seconds: how often the set is read while they are not, or after reading failed.
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
        super().__init__(self._keep_current, name="revocations")
        self._source = source
        self._is_fed = is_fed
        self._poll_seconds = poll_seconds
        self._on_change = on_change
        self._ends: dict[uuid.UUID, float] = {}  # session -> expiry of its last token, in Unix seconds
        self._is_loaded = False
        self._wanted = asyncio.Event()

    def covers(self, session_id: uuid.UUID) -> bool:
        """Return whether the login has ended.

        Raises:
            Unavailable: the set has not been read yet.
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
        """Read the set again, because messages may have been missed."""
        self._wanted.set()

    async def _keep_current(self) -> None:
        while True:
            self._wanted.clear()
            is_current = await self._load()
            await self._until_due(is_current=is_current)

    async def _until_due(self, *, is_current: bool) -> None:
        """Return after a gap, after `poll_seconds` without the broker or the set, and after CHECK_SECONDS otherwise."""
        check_at = time.monotonic() + CHECK_SECONDS
        while time.monotonic() < check_at:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._wanted.wait()
            if self._wanted.is_set() or not is_current or not await self._is_fed():
                return

    async def _load(self) -> bool:
        """Read the set; return whether that succeeded."""
        try:
            for session in await self._source():
                self._add(session)
        except ServiceError as error:
            logger.warning("revocations.load_failed", reason=repr(error))
            return False
        except Exception as error:  # noqa: BLE001 - an unreadable answer: it is read again soon
            report_failure(self._name, error)
            return False
        now = time.time()
        self._ends = {session_id: ends_at for session_id, ends_at in self._ends.items() if ends_at > now}
        self._is_loaded = True
        self._on_change()
        return True

    def _add(self, session: dict[str, Any]) -> None:
        ends_at = datetime.fromisoformat(session["expires_at"])
        self._ends[uuid.UUID(session["session_id"])] = ends_at.timestamp()
