"""Limits each subscription's share of a worker's slots, even if its URL is slow.

A subscription has only a few concurrent posts; further deliveries are postponed one after another, at the rate at which
its URL has responded. Deliveries of other subscriptions behind them therefore run at once.
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

MOST_AT_ONCE: Final = 8  # an eighth of a worker's slots (`POLICY` in `jobs`)
MOST_IF_FAILING: Final = 2  # to a URL whose last post failed: enough to notice when it responds again
SHORTEST_WAIT_SECONDS: Final = 5.0
LONGEST_WAIT_SECONDS: Final = 3_600.0  # bounds the delay after a URL has recovered


@dataclass(slots=True)
class _Load:
    """The posts of one subscription; `reserved_until` is in seconds of the monotonic clock."""

    running: int = 0
    is_failing: bool = False
    seconds_per_post: float = 0.0
    reserved_until: float = 0.0

    @property
    def most(self) -> int:
        return MOST_IF_FAILING if self.is_failing else MOST_AT_ONCE


class SubscriptionLimiter:
    """One worker's limiter; a delivery is postponed by at least `shortest_wait_seconds`."""

    def __init__(self, *, shortest_wait_seconds: float = SHORTEST_WAIT_SECONDS) -> None:
        self._shortest_wait_seconds = shortest_wait_seconds
        self._loads: defaultdict[uuid.UUID, _Load] = defaultdict(_Load)

    def has_slot(self, subscription_id: uuid.UUID) -> bool:
        """Return whether the subscription may have another concurrent post."""
        load = self._loads[subscription_id]
        return load.running < load.most

    @contextmanager
    def slot(self, subscription_id: uuid.UUID) -> Iterator[None]:
        """Occupy a slot during a post, and record its outcome and duration."""
        load, began = self._loads[subscription_id], monotonic()
        load.running += 1
        try:
            yield
            load.is_failing = False
        except NotDelivered:
            load.is_failing = True
            raise
        finally:
            load.running -= 1
            load.seconds_per_post = monotonic() - began

    def reserve_wait(self, subscription_id: uuid.UUID) -> float:
        """Return the number of seconds by which to postpone a delivery that finds no slot."""
        load, now = self._loads[subscription_id], monotonic()
        at = max(load.reserved_until, now + self._shortest_wait_seconds) + load.seconds_per_post / load.most
        load.reserved_until = min(at, now + LONGEST_WAIT_SECONDS)
        return load.reserved_until - now
