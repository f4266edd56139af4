"""Sees that one integrator's deliveries never take all hands of a worker, however slow its address is.

A subscription has a few posts in hand at most; what comes beyond is put off, one after the other, as fast as its
address has been taking them. So whoever waits behind them has its turn at once.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

from orchestrator.features.outbound_webhooks.errors import NotDelivered

__all__ = ["SubscriptionLimiter"]

MOST_AT_ONCE: Final = 8  # an eighth of a worker's hands (`delivery` in `orchestrator.jobs.policies`)
MOST_IN_SILENCE: Final = 2  # to an address that did not answer the last time: enough to find out when it does
SHORTEST_WAIT_SECONDS: Final = 5.0
LONGEST_WAIT_SECONDS: Final = 3_600.0  # an address that is back is not waited with any longer


@dataclass(slots=True)
class _Line:
    """The posts to one address; `booked_until` by the monotonic clock, in seconds."""

    in_hand: int = 0
    is_silent: bool = False
    seconds_a_post: float = 0.0
    booked_until: float = 0.0

    @property
    def most(self) -> int:
        return MOST_IN_SILENCE if self.is_silent else MOST_AT_ONCE


class SubscriptionLimiter:
    """One worker's; `shortest_wait_seconds` is how long a delivery is put off at least."""

    def __init__(self, *, shortest_wait_seconds: float = SHORTEST_WAIT_SECONDS) -> None:
        self._shortest_wait_seconds = shortest_wait_seconds
        self._lines: defaultdict[uuid.UUID, _Line] = defaultdict(_Line)

    def is_free(self, subscription_id: uuid.UUID) -> bool:
        """Whether another post to that subscription may be taken in hand."""
        line = self._lines[subscription_id]
        return line.in_hand < line.most

    @contextmanager
    def taken(self, subscription_id: uuid.UUID) -> Iterator[None]:
        """Have a post in hand, and learn from how it goes."""
        line, began = self._lines[subscription_id], monotonic()
        line.in_hand += 1
        try:
            yield
            line.is_silent = False
        except NotDelivered:
            line.is_silent = True
            raise
        finally:
            line.in_hand -= 1
            line.seconds_a_post = monotonic() - began

    def book(self, subscription_id: uuid.UUID) -> float:
        """Return in how many seconds a delivery that finds no turn free is to come again."""
        line, now = self._lines[subscription_id], monotonic()
        at = max(line.booked_until, now + self._shortest_wait_seconds) + line.seconds_a_post / line.most
        line.booked_until = min(at, now + LONGEST_WAIT_SECONDS)
        return line.booked_until - now
