"""When services are started again that end by themselves."""

import io
from typing import Any, cast

from devstack.logs import MergedLog
from devstack.restarts import LONGEST_PAUSE_SECONDS, SETTLED_SECONDS, Restarts
from devstack.stack import Stack


class Clock:
    """A clock, and the stack whose starts it times."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.started_at: list[float] = []
        self.running: set[str] = set()
        self.restarts = Restarts(cast("Stack", self), MergedLog(io.StringIO()), now=lambda: self.now)

    def runs(self, name: str) -> bool:
        return name in self.running

    def spawn_service(self, _: str) -> None:
        self.started_at.append(self.now)

    def end_and_wait(self) -> float:
        """Let the service end, and return the pause before its start."""
        ended_at, starts = self.now, len(self.started_at)
        self.restarts.schedule({"users": "users ended with exit code 1."})
        while len(self.started_at) == starts:
            self.now += 0.5
            self.restarts.start_due()
        return self.started_at[-1] - ended_at


def test_pauses_double_up_to_the_longest() -> None:
    clock = Clock()
    assert [clock.end_and_wait() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_service_that_ran_for_long_begins_with_the_first_pause() -> None:
    clock = Clock()
    pauses: list[Any] = [clock.end_and_wait() for _ in range(3)]
    clock.now += SETTLED_SECONDS + 1
    pauses.append(clock.end_and_wait())
    assert pauses == [1, 2, 4, 1]


def test_service_that_a_command_has_started_is_left_alone() -> None:
    clock = Clock()
    clock.restarts.schedule({"users": "users ended with exit code 1."})
    clock.running.add("users")
    clock.now += LONGEST_PAUSE_SECONDS
    clock.restarts.start_due()
    assert clock.started_at == []
