"""Starts services again that ended by themselves, for `make up`."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from devstack.logs import MergedLog
from devstack.stack import Stack

__all__ = ["Restarts"]

SELF: Final = "devstack"
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
SETTLED_SECONDS: Final = 60.0
"""A service that ran for so long before it ended begins with the first pause again."""


@dataclass(frozen=True, kw_only=True)
class _Restart:
    due_at: float
    pause_seconds: float


class Restarts:
    """The pause before a service's start doubles while the service keeps ending.

    Args:
        now: seconds by a monotonic clock.
    """

    def __init__(self, stack: Stack, log: MergedLog, *, now: Callable[[], float] = time.monotonic) -> None:
        self._stack = stack
        self._log = log
        self._now = now
        self._due: dict[str, _Restart] = {}
        self._last: dict[str, _Restart] = {}

    def schedule(self, ended: Mapping[str, str]) -> None:
        """Schedule the start of ended services; the texts say how they ended."""
        for name, how in ended.items():
            pause = self._pause_of(name)
            self._due[name] = _Restart(due_at=self._now() + pause, pause_seconds=pause)
            self._log.write(SELF, f"{how}\n{name} is started again in {pause:g} s")

    def start_due(self) -> None:
        """Start the services whose pause is over; their health is not awaited."""
        for name, restart in list(self._due.items()):
            if restart.due_at <= self._now():
                self._last[name] = self._due.pop(name)
                if not self._stack.runs(name):  # a command may have started it
                    self._stack.spawn_service(name)

    def _pause_of(self, name: str) -> float:
        last = self._last.get(name)
        if last is None or self._now() - last.due_at > SETTLED_SECONDS:
            return FIRST_PAUSE_SECONDS
        return min(2 * last.pause_seconds, LONGEST_PAUSE_SECONDS)
