"""When a saga that fails is tried again."""

from typing import Final

__all__ = ["STUCK_ATTEMPTS", "pause_seconds_after"]

FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 5.0
# These take one to three minutes, longer than a deployment during which copies of two releases run.
STUCK_ATTEMPTS: Final = 20
"""From this failed attempt at a step on, the saga is STUCK: shown, and tried at long intervals."""
FIRST_STUCK_PAUSE_SECONDS: Final = 30.0
LONGEST_STUCK_PAUSE_SECONDS: Final = 600.0
MOST_DOUBLINGS: Final = 10


def pause_seconds_after(attempts: int) -> float:
    """Return the pause after so many failed attempts at one step."""
    if attempts < STUCK_ATTEMPTS:
        return _doubled(FIRST_PAUSE_SECONDS, attempts - 1, longest_seconds=LONGEST_PAUSE_SECONDS)
    return _doubled(FIRST_STUCK_PAUSE_SECONDS, attempts - STUCK_ATTEMPTS, longest_seconds=LONGEST_STUCK_PAUSE_SECONDS)


def _doubled(first_seconds: float, times: int, *, longest_seconds: float) -> float:
    return min(first_seconds * (1 << min(times, MOST_DOUBLINGS)), longest_seconds)
