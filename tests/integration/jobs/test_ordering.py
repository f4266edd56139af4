"""The order of jobs: priority, age, lanes and delays; and cancellation."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.jobs.errors import JobInvalidState, JobNotFound, JobRefused
from orchestrator.jobs.record import JobStatus
from tests.integration.jobs.harness import POLICIES, JobHarness, RecordingHandler, SamplePayload, policy
from tests.support.waiting import eventually

EMAIL = POLICIES["email"]
ALONE = policy("email", concurrency=1)


async def test_higher_priority_first_and_older_before_newer(harness: JobHarness) -> None:
    recording_handler = RecordingHandler()
    jobs = await harness.enqueue("email", "old", "new")
    jobs += await harness.enqueue("email", "urgent", priority=5)
    await harness.start_worker((ALONE, recording_handler))
    for job in jobs:
        await harness.reaches(job, JobStatus.COMPLETED)
    assert recording_handler.done == ["urgent", "old", "new"]


async def test_kind_without_a_worker_keeps_its_wake_up_messages(harness: JobHarness) -> None:
    await harness.start_worker((POLICIES["bulk"], RecordingHandler()))
    [waiting] = await harness.enqueue("email", "welcome")
    [done] = await harness.enqueue("bulk", "parcel")
    await harness.reaches(done, JobStatus.COMPLETED)
    assert (await harness.queue.find(waiting.job_id)).status is JobStatus.QUEUED
    assert await harness.messages_in("jobs.email") == 1


class TestLanes:
    async def test_one_at_a_time_first_in_first_out_with_two_workers(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        names = [str(number) for number in range(30)]
        jobs = await harness.enqueue("email", *names, lane="ann")
        await asyncio.gather(
            harness.start_worker((EMAIL, recording_handler)), harness.start_worker((EMAIL, recording_handler))
        )
        for job in jobs:
            await harness.reaches(job, JobStatus.COMPLETED)
        assert recording_handler.done == names
        assert recording_handler.most_at_once == 1

    async def test_lanes_run_in_parallel(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        await harness.start_worker((EMAIL, recording_handler))
        jobs = [(await harness.enqueue("email", lane, lane=lane))[0] for lane in ("ann", "ben")]
        await eventually(lambda: sorted(recording_handler.begun) == ["ann", "ben"])
        recording_handler.gate.set()
        for job in jobs:
            await harness.reaches(job, JobStatus.COMPLETED)

    async def test_order_is_kept_while_the_first_job_waits_for_its_retry(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler(failures=[ValueError("no")])
        await harness.start_worker((EMAIL, recording_handler))
        jobs = await harness.enqueue("email", *"abc", lane="ann")
        for job in jobs:
            await harness.reaches(job, JobStatus.COMPLETED)
        assert recording_handler.begun == ["a", "a", "b", "c"]

    async def test_permanently_failed_job_unblocks_its_lane(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler(failures=[JobRefused("no")])
        await harness.start_worker((EMAIL, recording_handler))
        jobs = await harness.enqueue("email", *"ab", lane="ann")
        await harness.reaches(jobs[0], JobStatus.FAILED)
        await harness.reaches(jobs[1], JobStatus.COMPLETED)

    async def test_hundred_concurrently_enqueued_jobs_never_overlap(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        await asyncio.gather(
            harness.start_worker((EMAIL, recording_handler)), harness.start_worker((EMAIL, recording_handler))
        )
        enqueued = await asyncio.gather(*(harness.enqueue("email", str(n), lane=str(n % 3)) for n in range(100)))
        for [job] in enqueued:
            await harness.reaches(job, JobStatus.COMPLETED)
        assert recording_handler.most_at_once <= 3
        assert set(recording_handler.attempts.values()) == {1}


class TestDelayed:
    async def test_delayed_job_runs_when_it_is_due(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        await harness.start_worker((EMAIL, recording_handler))
        run_at = datetime.now(UTC) + timedelta(seconds=0.8)
        [job] = await harness.enqueue("email", "later", run_at=run_at)
        done = await harness.reaches(job, JobStatus.COMPLETED)
        assert done.started_at is not None
        assert 0 <= (done.started_at - run_at).total_seconds() < 5

    async def test_delayed_job_does_not_block_its_lane(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        await harness.start_worker((EMAIL, recording_handler))
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        [later] = await harness.enqueue("email", "later", lane="ann", run_at=tomorrow)
        [now] = await harness.enqueue("email", "now", lane="ann")
        await harness.reaches(now, JobStatus.COMPLETED)
        assert (await harness.queue.find(later.job_id)).status is JobStatus.QUEUED

    async def test_due_time_in_the_past_runs_at_once(self, harness: JobHarness) -> None:
        await harness.start_worker((EMAIL, RecordingHandler()))
        [job] = await harness.enqueue("email", "late", run_at=datetime.now(UTC) - timedelta(days=1))
        await harness.reaches(job, JobStatus.COMPLETED)


class TestCancelled:
    async def test_cancelled_job_is_never_run(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        [job, neighbour] = await harness.enqueue("email", "welcome", "other")
        assert (await harness.queue.cancel(job.job_id)).status is JobStatus.CANCELLED
        await harness.start_worker((EMAIL, recording_handler))
        await harness.reaches(neighbour, JobStatus.COMPLETED)
        assert recording_handler.done == ["other"]
        assert (await harness.queue.cancel(job.job_id)).status is JobStatus.CANCELLED

    async def test_cancelled_job_unblocks_its_lane(self, harness: JobHarness) -> None:
        [first, second] = await harness.enqueue("email", *"ab", lane="ann")
        await harness.queue.cancel(first.job_id)
        await harness.start_worker((EMAIL, RecordingHandler()))
        await harness.reaches(second, JobStatus.COMPLETED)

    async def test_job_is_cancelled_only_by_its_requester(self, harness: JobHarness) -> None:
        fan = uuid.uuid4()
        [job] = await harness.enqueue("email", "welcome", requested_by=fan)
        with pytest.raises(JobNotFound):
            await harness.queue.cancel(job.job_id, requested_by=uuid.uuid4())
        assert (await harness.queue.cancel(job.job_id, requested_by=fan)).status is JobStatus.CANCELLED

    async def test_job_that_was_attempted_cannot_be_cancelled(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        await harness.start_worker((EMAIL, recording_handler))
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.RUNNING)
        with pytest.raises(JobInvalidState):
            await harness.queue.cancel(job.job_id)
        recording_handler.gate.set()
        await harness.reaches(job, JobStatus.COMPLETED)

    async def test_concurrent_cancellation_and_run_have_one_outcome(self, harness: JobHarness) -> None:
        """A job is either cancelled or completed, never both."""
        recording_handler = RecordingHandler()
        jobs = await harness.enqueue("email", *(str(number) for number in range(50)))
        await harness.start_worker((EMAIL, recording_handler))
        answers = await asyncio.gather(*(harness.queue.cancel(job.job_id) for job in jobs), return_exceptions=True)
        cancelled = {job.job_id for job, answer in zip(jobs, answers, strict=True) if not isinstance(answer, Exception)}
        for job in jobs:
            expected = JobStatus.CANCELLED if job.job_id in cancelled else JobStatus.COMPLETED
            await harness.reaches(job, expected)
        assert {job_id for job_id, _ in recording_handler.attempts} == {job.job_id for job in jobs} - cancelled


class TestPosition:
    async def test_position_counts_the_jobs_ahead(self, harness: JobHarness) -> None:
        jobs = await harness.enqueue("email", *"abc")
        [urgent] = await harness.enqueue("email", "urgent", priority=5)
        positions = [(await harness.queue.position(job.job_id)).position for job in (*jobs, urgent)]
        assert positions == [2, 3, 4, 1]

    async def test_position_in_a_lane_counts_that_lane(self, harness: JobHarness) -> None:
        await harness.enqueue("email", *"abc", lane="ann")
        [job] = await harness.enqueue("email", "x", lane="ben")
        assert (await harness.queue.position(job.job_id)).position == 1

    async def test_estimated_wait_uses_the_latest_durations(self, harness: JobHarness) -> None:
        jobs = await harness.enqueue("email", *"ab")
        assert (await harness.queue.position(jobs[1].job_id)).estimated_wait_seconds is None
        await harness.start_worker((EMAIL, RecordingHandler()))
        for job in jobs:
            await harness.reaches(job, JobStatus.COMPLETED)
        await harness.stop_workers()
        await harness.set_duration(jobs, seconds=30)
        waiting = await harness.enqueue("email", *"cd")
        first, second = [await harness.queue.position(job.job_id) for job in waiting]
        assert first.estimated_wait_seconds == 0
        assert second.estimated_wait_seconds == pytest.approx(30)

    async def test_finished_job_has_no_position(self, harness: JobHarness) -> None:
        await harness.start_worker((EMAIL, RecordingHandler()))
        [job] = await harness.enqueue("email", "a")
        await harness.reaches(job, JobStatus.COMPLETED)
        assert (await harness.queue.position(job.job_id)).position == 0
        with pytest.raises(JobNotFound):
            await harness.queue.position(uuid.uuid4())


async def test_job_enqueued_in_a_callers_transaction_commits_with_it(harness: JobHarness) -> None:
    await harness.start_worker((EMAIL, RecordingHandler()))
    kept = await harness.enqueue_beside("k1", commit=True)
    lost = await harness.enqueue_beside("k2", commit=False)
    assert (await harness.queue.find(kept)).payload == SamplePayload(name="k1").model_dump()
    with pytest.raises(JobNotFound):
        await harness.queue.find(lost)
