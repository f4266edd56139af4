"""Long work on the loop that everybody shares, cut into short pieces."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

__all__ = ["convert_in_chunks"]

Source = TypeVar("Source")
Result = TypeVar("Result")

PIECE: Final = 250
"""Seats converted before others have their turn: two milliseconds of work."""


async def convert_in_chunks(convert: Callable[[Source], Result], sources: Sequence[Source]) -> list[Result]:
    """Convert them all; a page of 5,000 seats would keep reservations waiting for 40 ms otherwise."""
    results: list[Result] = []
    for start in range(0, len(sources), PIECE):
        results += [convert(source) for source in sources[start : start + PIECE]]
        await asyncio.sleep(0)
    return results
