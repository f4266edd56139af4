"""Pauses between retries."""

from collections.abc import Iterator


def backoff(first_seconds: float, *, longest_seconds: float) -> Iterator[float]:
    """Yield pauses in seconds without end: each is twice the one before, up to the maximum."""
    pause_seconds = first_seconds
    while True:
        yield pause_seconds
        pause_seconds = min(pause_seconds * 2, longest_seconds)
