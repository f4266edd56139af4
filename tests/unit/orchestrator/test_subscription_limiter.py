"""Delivery slots of subscriptions: a few at once for each, and the others one after the other."""

import uuid
from contextlib import ExitStack

import pytest

from orchestrator.container import JOB_POLICIES as POLICIES
from orchestrator.features.outbound_webhooks.adapters.subscription_limiter import (
    MOST_AT_ONCE,
    MOST_IF_FAILING,
    SHORTEST_WAIT_SECONDS,
    SubscriptionLimiter,
)
from orchestrator.features.outbound_webhooks.errors import NotDelivered

ANN, BEN = uuid.uuid4(), uuid.uuid4()


def time_out(limiter: SubscriptionLimiter) -> None:
    with pytest.raises(NotDelivered), limiter.slot(ANN):
        raise NotDelivered


def free_slots(limiter: SubscriptionLimiter, subscription_id: uuid.UUID) -> int:
    with ExitStack() as slots:
        taken = 0
        while limiter.has_slot(subscription_id):
            slots.enter_context(limiter.slot(subscription_id))
            taken += 1
    return taken


def test_each_subscription_has_its_own_slots() -> None:
    limiter = SubscriptionLimiter()
    with ExitStack() as slots:
        for _ in range(MOST_AT_ONCE):
            slots.enter_context(limiter.slot(ANN))
        assert not limiter.has_slot(ANN)
        assert free_slots(limiter, BEN) == MOST_AT_ONCE
    assert limiter.has_slot(ANN)


def test_unresponsive_subscription_has_fewer_slots_until_it_responds() -> None:
    limiter = SubscriptionLimiter()
    time_out(limiter)
    assert free_slots(limiter, ANN) == MOST_IF_FAILING
    with limiter.slot(ANN):
        pass
    assert free_slots(limiter, ANN) == MOST_AT_ONCE


def test_internal_failure_does_not_reduce_slots() -> None:
    limiter = SubscriptionLimiter()
    with pytest.raises(RuntimeError), limiter.slot(ANN):
        raise RuntimeError
    assert free_slots(limiter, ANN) == MOST_AT_ONCE


def test_postponed_deliveries_are_spaced_by_the_measured_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace is that of the address: 2 at once, 4 seconds each."""
    limiter, clock = SubscriptionLimiter(), iter([0.0, 4.0, 4.0, 4.0, 5.0])
    monkeypatch.setattr(
        "orchestrator.features.outbound_webhooks.adapters.subscription_limiter.monotonic", lambda: next(clock)
    )
    time_out(limiter)
    waits = [limiter.reserve_wait(ANN) for _ in range(3)]
    assert waits == [SHORTEST_WAIT_SECONDS + seconds for seconds in (2.0, 4.0, 5.0)]


def test_delivery_is_postponed_by_an_hour_at_most() -> None:
    limiter = SubscriptionLimiter(shortest_wait_seconds=5_000.0)
    assert limiter.reserve_wait(ANN) == pytest.approx(3_600.0)


def test_many_unresponsive_addresses_leave_delivery_slots_free() -> None:
    assert POLICIES["delivery"].concurrency >= 8 * MOST_AT_ONCE >= 32 * MOST_IF_FAILING
