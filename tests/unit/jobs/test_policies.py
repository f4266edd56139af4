"""Job policies and the topology derived from them."""

import pytest

from common.messaging.declarations import Topology
from orchestrator.container import JOB_POLICIES as POLICIES
from orchestrator.features.commissions.models import REVISION_PRIORITY
from orchestrator.jobs.policies import JobPolicy, with_backoff
from rabbitmq.topology import JOB_KINDS, job_queue_name, platform_topology, retry_exchange_name

TOPOLOGY = platform_topology()
MESSAGES = ("email", "sms")


def arguments_of(topology: Topology, name: str) -> dict[str, object]:
    [queue] = [queue for queue in topology.queues if queue.name == name]
    return queue.all_arguments


def test_every_kind_has_a_policy_and_a_queue() -> None:
    assert set(POLICIES) == set(JOB_KINDS)
    assert {job_queue_name(kind) for kind in JOB_KINDS} <= {queue.name for queue in TOPOLOGY.queues}


def test_fulfillment_is_retried_five_times_with_exponential_backoff() -> None:
    rules = POLICIES["fulfillment"]
    assert rules.max_attempts == 6
    assert [rules.pause_after(attempt) for attempt in range(1, 6)] == [2, 4, 8, 16, 32]


def test_commissions_are_tried_three_times_with_growing_backoff() -> None:
    rules = POLICIES["commission"]
    assert rules.max_attempts == 3
    assert rules.pause_after(1) < rules.pause_after(2)


@pytest.mark.parametrize("kind", JOB_KINDS)
def test_retention_is_100_completed_for_a_day_and_500_failed_for_a_week(kind: str) -> None:
    rules = POLICIES[kind]
    assert (rules.keep_completed, rules.keep_completed_seconds) == (100, 24 * 3600)
    assert (rules.keep_failed, rules.keep_failed_seconds) == (100_000 if kind in MESSAGES else 500, 7 * 24 * 3600)


@pytest.mark.parametrize("kind", MESSAGES)
def test_messages_are_retried_for_three_days_at_most_an_hour_apart(kind: str) -> None:
    rules = POLICIES[kind]
    pauses = [rules.pause_after(attempt) for attempt in range(1, rules.max_attempts)]
    assert pauses == sorted(pauses)
    assert sum(pauses[:3]) < 120
    assert max(pauses) <= 3600
    assert 3 * 24 * 3600 <= sum(pauses) < rules.keep_failed_seconds


def test_emails_about_accounts_are_retried_for_a_day_at_most_five_minutes_apart() -> None:
    rules = POLICIES["account_email"]
    pauses = [rules.pause_after(attempt) for attempt in range(1, rules.max_attempts)]
    assert max(pauses) == 300
    assert 24 * 3600 <= sum(pauses) < 25 * 3600


def test_deliveries_are_retried_for_more_than_two_days() -> None:
    rules = POLICIES["delivery"]
    assert sum(rules.pause_after(attempt) for attempt in range(1, rules.max_attempts)) > 2 * 24 * 3600


def test_revisions_have_a_higher_priority_than_first_texts() -> None:
    assert POLICIES["commission"].priority < REVISION_PRIORITY


def test_configured_backoff_replaces_that_of_every_kind() -> None:
    shortened = with_backoff(POLICIES, [0.1, 0.2])
    assert {rules.retry_seconds for rules in shortened.values()} == {(0.1, 0.2)}
    assert shortened["fulfillment"].pause_after(5) == 0.2
    assert with_backoff(POLICIES, []) is POLICIES


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "gardening"}, {"retry_seconds": ()}, {"timeout_seconds": 0}, {"timeout_seconds": 1_800}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_invalid_policy_is_refused(wrong: dict[str, object]) -> None:
    usual = {"kind": "email", "max_attempts": 2, "retry_seconds": (1.0,), "timeout_seconds": 10, "concurrency": 1}
    with pytest.raises(ValueError, match=r"\w"):
        JobPolicy(**{**usual, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [2, 4, 8, 16, 32])
def test_retry_queue_dead_letters_back_to_the_jobs_exchange(seconds: int) -> None:
    name = retry_exchange_name(seconds)
    assert name == f"jobs.retry.{seconds}s"
    assert arguments_of(TOPOLOGY, name) == {
        "x-queue-type": "quorum",
        "x-message-ttl": seconds * 1000,
        "x-dead-letter-exchange": "jobs.exchange",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    assert tuple(exchange.kind for exchange in TOPOLOGY.exchanges if exchange.name == name) == ("fanout",)


def test_another_backoff_schedule_declares_other_queues() -> None:
    names = {queue.name for queue in platform_topology(retry_seconds=(0.1, 2.5)).queues}
    assert {"jobs.retry.100ms", "jobs.retry.2500ms"} <= names
    assert "jobs.retry.2s" not in names
