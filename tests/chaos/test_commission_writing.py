"""Providers of text that fail, and workers that are killed or frozen while they write.

Each order gets each of its texts once, or fails and can be tried again; its credits stay in escrow.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from common.errors import Conflict
from devstack.home import Home
from devstack.keys import keys_of
from devstack.sandbox.text import CHARACTERS_PER_TOKEN
from devstack.stack import Stack
from orchestrator.clients.orders.commissions import CommissionStatus
from orchestrator.container import Container, build_container
from orchestrator.features.commissions.jobs import POLICY, FailedTextTask, OrderFailure
from orchestrator.features.commissions.repository import WritingJobStore
from orchestrator.features.commissions.service.writing import Step
from orchestrator.jobs.record import Failure, JobStatus
from tests.chaos.commission_orders import CREDITS, CommissionOrders
from tests.chaos.crash_commissions import AFTER, BEFORE, CRASHABLE_WRITER_COMMAND
from tests.chaos.crash_orchestrator import CRASH_POINT_FILE, CrashPoint
from tests.chaos.services import Service
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import publish_event
from tests.support.http_client import http_client
from tests.support.orchestrator_settings import orchestrator_settings
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

WORKERS = ("worker", "orchestrator")  # the second worker runs in the orchestrator's place
BACKOFF = "0.1,0.2"


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, crash_point: CrashPoint) -> Iterator[Stack]:
    """The services that texts need, and two workers. The first crashes at the crash point; both restart when killed."""
    env = {
        "LOG_LEVEL": "WARNING",
        "JOB_LEASE_SECONDS": "10",  # long enough for a busy machine; `expire_lease` ends it
        "JOB_SCHEDULER_SECONDS": "0.1",
        "JOB_REDISPATCH_SECONDS": "0.5",
        "JOB_RETRY_SECONDS": BACKOFF,
        "OUTBOX_POLL_SECONDS": "0.1",
        "TEXT_PROVIDER": "openai",
        CRASH_POINT_FILE: str(crash_point.file.with_suffix(".never")),
    }
    with running_platform(
        database_url=database_url,
        vhost=vhost,
        services=["sandbox", "users", "orders", "events", "inventory", *WORKERS],
        env=env,
        service_env={"worker": {CRASH_POINT_FILE: str(crash_point.file)}},
        commands=dict.fromkeys(WORKERS, CRASHABLE_WRITER_COMMAND),
        seed=False,
    ) as running:
        yield running


@pytest.fixture(scope="module")
async def container(stack: Stack, vhost: Vhost) -> AsyncIterator[Container]:
    """The orchestrator's services in the test's process; the workers send the messages."""
    database_url = stack.urls.databases["orchestrator"]
    settings = orchestrator_settings(
        stack, database_url=database_url, rabbitmq_url=vhost.url, job_retry_seconds=BACKOFF
    )
    container = build_container(settings)
    yield container
    await container.close()


@pytest.fixture(scope="module")
async def commissions(stack: Stack, container: Container) -> AsyncIterator[CommissionOrders]:
    secret = keys_of(Home(stack.home)).service_token_secret
    async with Databases(stack.urls.databases, users_url=stack.urls.users, service_token_secret=secret) as databases:
        event = await publish_event(container.resources.clients, rows=1)
        async with http_client(stack.urls.sandbox) as sandbox:
            yield CommissionOrders(
                container=container,
                databases=databases,
                sandbox=sandbox,
                event_id=event.event_id,
                customer_id=await databases.new_fan(CREDITS),
            )


@pytest.mark.parametrize(
    ("fault", "attempts", "regenerations"),
    [
        ("cut_off", 2, 0),
        ("not_json", 2, 0),
        ("empty", 2, 0),
        ("too_long", 2, 0),
        ("french", 1, 1),
        ("script", 1, 1),
        ("two_links", 1, 1),
        ("wrong_price", 1, 1),
    ],
)
async def test_faulty_text_is_written_again(
    commissions: CommissionOrders, *, fault: str, attempts: int, regenerations: int
) -> None:
    """An answer that cannot be read fails the attempt; a text that fails its checks is generated again, with the findings."""
    marker = await commissions.break_texts(fault)
    order = await commissions.assert_written_once(await commissions.order(brief=marker))
    assert order.versions[0].quality.regenerations == regenerations
    assert (await commissions.job(order.order_id)).attempts == attempts
    first, second = await commissions.requests_about(marker)
    assert not first["document"]["findings"]
    assert bool(second["document"]["findings"]) == bool(regenerations)
    # What all drafts of the attempt took is stored.
    tokens_of_a_draft = (len(first["system"]) + len(json.dumps(first["document"]))) / CHARACTERS_PER_TOKEN
    assert (await commissions.input_tokens_of(order.order_id) > 1.5 * tokens_of_a_draft) == bool(regenerations)


async def test_provider_is_told_the_facts_and_the_notes_of_all_revisions(commissions: CommissionOrders) -> None:
    order_id = await commissions.order(brief=(brief := f"Why fans should not miss it, {uuid.uuid4().hex}"))
    texts = [(await commissions.assert_written_once(order_id)).versions[-1].content]
    for number, notes in enumerate(("A livelier opening, please.", "Shorter, please."), start=2):
        await commissions.revise(order_id, notes)
        await commissions.job_reaches(order_id, JobStatus.COMPLETED, round_number=number)
        texts.append((await commissions.find(order_id)).versions[-1].content)
    documents = [request["document"] for request in await commissions.requests_about(brief)]
    assert [(document["notes"], document["earlier_notes"]) for document in documents] == [
        ("", []),
        ("A livelier opening, please.", []),
        ("Shorter, please.", ["A livelier opening, please."]),
    ]
    assert [document["previous_html"] for document in documents] == ["", *texts[:2]]
    event = documents[0]["event"]
    assert [(tier["total"], tier["available"], tier["sold"]) for tier in event["tiers"]] == [(20, 20, 0)]


async def test_provider_that_fails_twice_is_asked_a_third_time(commissions: CommissionOrders) -> None:
    await commissions.break_api(status=500, calls=2)
    order = await commissions.assert_written_once(await commissions.order())
    assert (await commissions.job(order.order_id)).attempts == 3


async def test_provider_that_is_down_fails_the_order_until_its_job_is_retried(commissions: CommissionOrders) -> None:
    await commissions.break_api(status=503, calls=3)
    order = await commissions.assert_failed(order_id := await commissions.order(), "SERVICE_UNAVAILABLE")
    assert order.failure_message == "The text generator does not respond."
    job = await commissions.job_reaches(order_id, JobStatus.FAILED)
    assert (job.attempts, job.failure) == (3, Failure.DEAD)
    await commissions.container.resources.jobs.retry(job.job_id)  # as an admin does
    await commissions.reaches(order_id, CommissionStatus.QUALITY_CHECK)
    job = await commissions.job_reaches(order_id, JobStatus.COMPLETED)
    assert job.attempts == 4
    assert await commissions.messages_about(order_id) == ["received", "failed", "ready"]


async def test_text_that_never_passes_its_checks_fails_the_order_until_an_admin_retries_it(
    commissions: CommissionOrders,
) -> None:
    marker = await commissions.break_texts("french", times=4)
    await commissions.assert_failed(order_id := await commissions.order(brief=marker), "TEXT_REFUSED")
    job = await commissions.job_reaches(order_id, JobStatus.FAILED)
    assert (job.attempts, job.failure) == (1, Failure.REFUSED)
    assert job.error is not None
    assert "not English" in job.error.message
    await commissions.retry(order_id)
    await commissions.reaches(order_id, CommissionStatus.QUALITY_CHECK)
    await commissions.job_reaches(order_id, JobStatus.COMPLETED, round_number=2)
    assert len(await commissions.requests_about(marker)) == 5


async def test_busy_provider_is_asked_again_after_the_time_that_it_names(commissions: CommissionOrders) -> None:
    marker = await commissions.break_texts("limited", retry_after="120")
    order_id = await commissions.order(brief=marker)
    job = await commissions.job_reaches(order_id, JobStatus.RETRYING)
    assert job.started_at is not None
    assert job.run_at - job.started_at > timedelta(seconds=120)
    assert len(await commissions.requests_about(marker)) == 1
    await commissions.make_due(order_id)
    order = await commissions.assert_written_once(order_id)
    assert (await commissions.job(order.order_id)).attempts == 1


async def test_provider_that_has_been_busy_for_an_hour_has_failed(commissions: CommissionOrders) -> None:
    marker = await commissions.break_texts("limited", times=4, retry_after="999999")
    order_id = await commissions.order(brief=marker)
    job = await commissions.job_reaches(order_id, JobStatus.RETRYING)
    assert job.started_at is not None
    assert timedelta(minutes=59) < job.run_at - job.started_at < timedelta(minutes=61)
    await commissions.make_due(order_id, limited_for=timedelta(minutes=61))
    await commissions.assert_failed(order_id, "SERVICE_UNAVAILABLE")
    assert (await commissions.job_reaches(order_id, JobStatus.FAILED)).attempts == 3


async def test_order_whose_job_was_cancelled_fails_and_one_whose_job_waits_does_not(
    stack: Stack, commissions: CommissionOrders
) -> None:
    resources = commissions.container.resources
    failure = OrderFailure(resources.clients.commissions)
    store = WritingJobStore(resources.database)
    task = FailedTextTask(resources.clients, store, failure, grace=timedelta(0))
    async with Service(stack, "orchestrator").frozen(), Service(stack, "worker").frozen():
        cancelled, waiting = await commissions.order(), await commissions.order()
        await resources.jobs.cancel((await commissions.job(cancelled)).job_id)
        await asyncio.gather(task.fail_all(), task.fail_all())
        await commissions.assert_failed(cancelled, "COMMISSION_FAILED")
        assert (await commissions.find(waiting)).status is CommissionStatus.PROCESSING
    assert await commissions.messages_about(cancelled) == ["received", "failed"]
    await commissions.assert_written_once(waiting)


@pytest.mark.parametrize("step", Step)
async def test_worker_killed_at_every_step(
    stack: Stack, commissions: CommissionOrders, crash_point: CrashPoint, step: Step
) -> None:
    order_id = await stopped_order(stack, commissions, crash_point, (BEFORE, step))
    await commissions.expire_lease(order_id)
    await commissions.assert_written_once(order_id)
    assert (await commissions.job(order_id)).attempts == 2


async def test_worker_frozen_before_it_stores_its_text_stores_nothing(
    stack: Stack, commissions: CommissionOrders, crash_point: CrashPoint
) -> None:
    """Two workers never write one order at once: when the first one continues, the text of the second one is there."""
    order_id = await stopped_order(stack, commissions, crash_point, (AFTER, Step.STORING))
    async with Service(stack, "worker").frozen():  # it has suspended itself
        await commissions.expire_lease(order_id)
        written = await commissions.assert_written_once(order_id)
    async with Service(stack, "orchestrator").frozen():  # the first worker continues
        await commissions.assert_written_once(await commissions.order())
    assert (await commissions.assert_written_once(order_id)).versions == written.versions


async def stopped_order(
    stack: Stack, commissions: CommissionOrders, crash_point: CrashPoint, point: tuple[str, Step]
) -> uuid.UUID:
    """Order a text whose worker crashes or freezes at a point, and return it once that has happened."""
    moment, step = point
    async with Service(stack, "orchestrator").frozen():  # so that the other worker writes it
        async with Service(stack, "worker").frozen():
            order_id = await commissions.order()
            crash_point.arm(moment, f"{order_id} {step}")
        await eventually(lambda: crash_point.has_crashed)
    return order_id


async def test_revision_in_progress_cannot_be_submitted(stack: Stack, commissions: CommissionOrders) -> None:
    await commissions.assert_written_once(order_id := await commissions.order())
    async with Service(stack, "orchestrator").frozen(), Service(stack, "worker").frozen():
        await commissions.revise(order_id, "A livelier opening, please.")
        with pytest.raises(Conflict) as refused:
            await commissions.submit(order_id)
    assert refused.value.code == "ORDER_INVALID_STATE"
    assert len((await commissions.reaches(order_id, CommissionStatus.QUALITY_CHECK)).versions) == 2
    await commissions.submit(order_id)


async def test_revisions_are_written_before_first_texts_that_were_ordered_earlier(
    stack: Stack, commissions: CommissionOrders
) -> None:
    written = [await commissions.order() for _ in range(3)]
    for order_id in written:
        await commissions.assert_written_once(order_id)
    async with Service(stack, "orchestrator").down(), Service(stack, "worker").down():
        waiting = await asyncio.gather(*(commissions.order() for _ in range(50)))
        for order_id in written:
            await commissions.revise(order_id, "A livelier opening, please.")
    for order_id in written:
        await commissions.reaches(order_id, CommissionStatus.QUALITY_CHECK)
    revised = [(await commissions.job(order_id, round_number=2)).started_at for order_id in written]
    first = [(await commissions.job(order_id)).started_at for order_id in waiting]
    last_revision = max(moment for moment in revised if moment)
    # The workers claim at once: while one takes the last revision, the others may take first texts.
    assert sum(moment < last_revision for moment in first if moment) < len(WORKERS) * POLICY.concurrency
