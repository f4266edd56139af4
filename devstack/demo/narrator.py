"""Prints the demo's steps and checks their results."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console

__all__ = ["DemoFailedError", "Narrator", "await_count", "expect"]

SECTION_STYLE: Final = "bold cyan"
POLL_SECONDS: Final = 0.1


class DemoFailedError(Exception):
    """A step failed; the message states the expected and the actual result."""


class Narrator:
    """Prints sections and steps; in colour on a terminal, plain elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)

    def section(self, title: str) -> None:
        self._console.print(f"\n[{SECTION_STYLE}]{title}[/]")

    @contextmanager
    def step(self, text: str) -> Iterator[list[str]]:
        """Run one step and print its result, with the details that the step appends to the list.

        Raises:
            DemoFailedError: the step failed, which is printed.
        """
        details: list[str] = []
        began = time.monotonic()
        try:
            yield details
        except DemoFailedError as error:
            self._console.print(f"  [bold red]failed[/] {text}: {error}")
            raise
        milliseconds = (time.monotonic() - began) * 1000
        outcome = f": [bold]{'; '.join(details)}[/]" if details else ""
        self._console.print(f"  [green]ok[/] {text}{outcome} [dim]({milliseconds:.0f} ms)[/]")

    def note(self, text: str) -> None:
        self._console.print(f"     [dim]{text}[/]")


def expect(what: str, *, wanted: Any, seen: Any) -> None:
    """Compare the expected with the actual value.

    Raises:
        DemoFailedError: they differ.
    """
    if wanted != seen:
        raise DemoFailedError(f"expected {what} to be {wanted!r}, but it is {seen!r}")


def await_count(what: str, count: Callable[[], int], *, seconds: float) -> int:
    """Poll until the count is not 0, and return it.

    Raises:
        DemoFailedError: it is still 0 after this time.
    """
    deadline = time.monotonic() + seconds
    while not (seen := count()):
        if time.monotonic() > deadline:
            raise DemoFailedError(f"expected {what} within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
    return seen
