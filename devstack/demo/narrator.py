"""How the demo tells what happens, and what it says when something else happens than it promised."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console

__all__ = ["DemoFailedError", "Narrator", "await_count", "expect"]

CHAPTER_STYLE: Final = "bold cyan"
POLL_SECONDS: Final = 0.1


class DemoFailedError(Exception):
    """A step did not turn out as it should; the message has what was expected and what was seen."""


class Narrator:
    """Prints chapters and steps; in colour on a terminal, plain elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)

    def chapter(self, title: str) -> None:
        self._console.print(f"\n[{CHAPTER_STYLE}]{title}[/]")

    @contextmanager
    def step(self, text: str) -> Iterator[list[str]]:
        """Tell one step; what is appended to the list is told beside it, once it went well.

        Raises:
            DemoFailedError: passed on from the step, after it was marked as failed.
        """
        told: list[str] = []
        began = time.monotonic()
        try:
            yield told
        except DemoFailedError as error:
            self._console.print(f"  [bold red]failed[/] {text}: {error}")
            raise
        milliseconds = (time.monotonic() - began) * 1000
        outcome = f": [bold]{'; '.join(told)}[/]" if told else ""
        self._console.print(f"  [green]ok[/] {text}{outcome} [dim]({milliseconds:.0f} ms)[/]")

    def note(self, text: str) -> None:
        self._console.print(f"     [dim]{text}[/]")


def expect(what: str, *, wanted: Any, seen: Any) -> None:
    """Compare what a step promised with what happened.

    Raises:
        DemoFailedError: they differ.
    """
    if wanted != seen:
        raise DemoFailedError(f"expected {what} to be {wanted!r}, but it is {seen!r}")


def await_count(what: str, look: Callable[[], int], *, seconds: float) -> int:
    """Look again and again until what is seen is not 0, and return it.

    Raises:
        DemoFailedError: the time is over.
    """
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise DemoFailedError(f"expected {what} within {seconds:.0f} s, but waited in vain")
        time.sleep(POLL_SECONDS)
    return seen
