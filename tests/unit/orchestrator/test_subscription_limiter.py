"""Turns of integrators: a few at once for each, and the others one after the other."""

import uuid
from contextlib import ExitStack

import pytest

from orchestrator.container import JOB_POLICIES as POLICIES
from orchestrator.features.outbound_webhooks.adapters.subscription_limiter import (
    MOST_AT_ONCE,
    MOST_IN_SILENCE,
    SHORTEST_WAIT_SECONDS,
    SubscriptionLimiter,
)
from orchestrator.features.outbound_webhooks.errors import NotDelivered

ANN, BEN = uuid.uuid4(), uuid.uuid4()


def stays_silent(turns: SubscriptionLimiter) -> None:
    with pytest.raises(NotDelivered), turns.taken(ANN):
        raise NotDelivered


def free_turns(turns: SubscriptionLimiter, subscription_id: uuid.UUID) -> int:
    with ExitStack() as hands:
        taken = 0
        while turns.is_free(subscription_id):
            hands.enter_context(turns.taken(subscription_id))
            taken += 1
    return taken


def test_each_has_a_few_turns_at_once_and_never_those_of_others() -> None:
    turns = SubscriptionLimiter()
    with ExitStack() as hands:
        for _ in range(MOST_AT_ONCE):
            hands.enter_context(turns.taken(ANN))
        assert not turns.is_free(ANN)
        assert free_turns(turns, BEN) == MOST_AT_ONCE
    assert turns.is_free(ANN)


def test_one_that_is_silent_has_fewer_until_it_answers() -> None:
    turns = SubscriptionLimiter()
    stays_silent(turns)
    assert free_turns(turns, ANN) == MOST_IN_SILENCE
    with turns.taken(ANN):
        pass
    assert free_turns(turns, ANN) == MOST_AT_ONCE


def test_a_failure_of_ours_says_nothing_about_the_address() -> None:
    turns = SubscriptionLimiter()
    with pytest.raises(RuntimeError), turns.taken(ANN):
        raise RuntimeError
    assert free_turns(turns, ANN) == MOST_AT_ONCE


def test_what_is_put_off_comes_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """As fast as the address has been taking them: 2 at once, 4 seconds each."""
    turns, clock = SubscriptionLimiter(), iter([0.0, 4.0, 4.0, 4.0, 5.0])
    monkeypatch.setattr(
        "orchestrator.features.outbound_webhooks.adapters.subscription_limiter.monotonic", lambda: next(clock)
    )
    stays_silent(turns)
    waits = [turns.book(ANN) for _ in range(3)]
    assert waits == [SHORTEST_WAIT_SECONDS + seconds for seconds in (2.0, 4.0, 5.0)]


def test_nothing_is_put_off_by_more_than_an_hour() -> None:
    turns = SubscriptionLimiter(shortest_wait_seconds=5_000.0)
    assert turns.book(ANN) == pytest.approx(3_600.0)


def test_many_dead_addresses_leave_hands_free() -> None:
    assert POLICIES["delivery"].concurrency >= 8 * MOST_AT_ONCE >= 32 * MOST_IN_SILENCE
