"""Waiting for something that becomes true by itself, instead of sleeping and hoping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, overload

from tests.support.timeouts import CONDITION_SECONDS

__all__ = ["eventually"]

POLL_SECONDS: Final = 0.02

Value = TypeVar("Value")


@overload
async def eventually(look: Callable[[], Awaitable[Value]], *, within_seconds: float = ...) -> Value: ...
@overload
async def eventually(look: Callable[[], Value], *, within_seconds: float = ...) -> Value: ...
async def eventually(
    look: Callable[[], Value | Awaitable[Value]], *, within_seconds: float = CONDITION_SECONDS
) -> Value:
    """Look again and again until what is seen is true-ish, and return it.

    An AssertionError while looking counts as "not yet", so that ``look`` may assert.

    Raises:
        AssertionError: it was not so in time; the message has what was seen last.
    """
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            found = look()
            seen = await found if inspect.isawaitable(found) else found
            failure = AssertionError(f"not within {within_seconds} s; seen last: {seen!r}")
        except AssertionError as error:
            failure = error
        else:
            if seen:
                return seen
        if time.monotonic() > deadline:
            raise failure
        await asyncio.sleep(POLL_SECONDS)
