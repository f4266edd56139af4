"""What the jobs tell of the texts that they write: how long one will take, how long the oldest waits, which have ended."""

import uuid

import pytest
from sqlalchemy import text

from orchestrator.features.commissions.models import KIND, REVISION_PRIORITY
from orchestrator.features.commissions.repository import WritingJobStore
from orchestrator.jobs.record import JobStatus
from tests.integration.jobs.harness import POLICIES, JobHarness, RecordingHandler

HOUR = 3600.0


@pytest.fixture
def store(harness: JobHarness) -> WritingJobStore:
    return WritingJobStore(harness.database)


async def test_outlook_counts_what_is_before_a_job(harness: JobHarness, store: WritingJobStore) -> None:
    first, second = await harness.enqueue(KIND, "first", "second")
    [revision] = await harness.enqueue(KIND, "revision", priority=REVISION_PRIORITY)
    await harness.enqueue("email", "of another kind")
    assert [(await store.outlook(job.job_id)).before for job in (revision, first, second)] == [0, 1, 2]
    assert (await store.outlook(first.job_id)).median is None


async def test_outlook_has_the_durations_of_the_last_day(harness: JobHarness, store: WritingJobStore) -> None:
    await harness.start_worker((POLICIES[KIND], RecordingHandler()))
    done = await harness.enqueue(KIND, *"abc")
    for job in done:
        await harness.reaches(job, JobStatus.COMPLETED)
    await harness.set_duration(done[:2], seconds=60)
    await harness.set_duration(done[2:], seconds=300)
    outlook = await store.outlook(done[0].job_id)
    assert outlook.median == pytest.approx(60)
    assert outlook.p95 == pytest.approx(276)
    await harness.database.execute(text("UPDATE jobs SET finished_at = finished_at - interval '25 hours'"))
    assert (await store.outlook(done[0].job_id)).median is None


async def test_jobs_that_no_worker_will_run_have_ended(harness: JobHarness, store: WritingJobStore) -> None:
    waiting, deleted, cancelled = await harness.enqueue(KIND, "waiting", "deleted", "cancelled")
    await harness.database.execute(text("DELETE FROM jobs WHERE job_id = :job_id"), {"job_id": deleted.job_id})
    await harness.queue.cancel(cancelled.job_id)
    not_enqueued_yet = uuid.uuid4()
    known = [waiting.job_id, deleted.job_id, cancelled.job_id, not_enqueued_yet]
    assert await store.ended(known) == {deleted.job_id: None, cancelled.job_id: None}


async def test_job_begins_to_wait_again_when_an_admin_retries_it(harness: JobHarness, store: WritingJobStore) -> None:
    assert await store.oldest_waiting_seconds() == 0
    [job] = await harness.enqueue(KIND, "old")
    await harness.database.execute(text("UPDATE jobs SET queued_at = queued_at - interval '2 hours'"))
    assert await store.oldest_waiting_seconds() > HOUR
    failed = "UPDATE jobs SET status = 'failed', failure = 'dead', finished_at = now()"
    await harness.database.execute(text(failed))
    assert await store.oldest_waiting_seconds() == 0
    await harness.queue.retry(job.job_id)
    assert await store.oldest_waiting_seconds() < HOUR
