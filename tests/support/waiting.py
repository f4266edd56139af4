"""Waits for a condition instead of sleeping for a fixed time."""

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
    """Poll until the result is true, and return it.

    An AssertionError of ``look`` counts as "not yet", so ``look`` may assert.

    Raises:
        AssertionError: the condition was not met in time; the message has the last result.
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
