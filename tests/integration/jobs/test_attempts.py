"""Jobs from enqueueing to their end: completed once, retried, failed permanently, and dead-lettered."""

import asyncio
import itertools
import uuid

import pytest

from common.errors import Conflict, Unavailable, Unprocessable
from orchestrator.jobs.errors import JobInvalidState, JobNotFound, JobPostponed, JobRefused
from orchestrator.jobs.record import Failure, JobError, JobStatus
from orchestrator.jobs.registry import JobContext
from tests.integration.jobs.harness import (
    BACKOFF_SECONDS,
    POLICIES,
    JobHarness,
    RecordingHandler,
    SamplePayload,
    policy,
)
from tests.support.waiting import eventually

EMAIL, BULK = POLICIES["email"], POLICIES["bulk"]


async def test_completed_job_is_announced(harness: JobHarness) -> None:
    recording_handler = RecordingHandler()
    await harness.start_worker((EMAIL, recording_handler))
    fan = uuid.uuid4()
    [job] = await harness.enqueue("email", "welcome", requested_by=fan)
    assert (job.status, job.attempts, job.max_attempts) == (JobStatus.QUEUED, 0, 3)
    done = await harness.reaches(job, JobStatus.COMPLETED)
    assert done.result == {"said": "welcome is done"}
    assert (done.attempts, done.error) == (1, None)
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.created_at <= done.started_at <= done.finished_at
    [fact] = await harness.messages_about("job.completed")
    assert fact["data"]["user_id"] == str(fan)
    assert fact["data"]["duration_seconds"] >= 0
    assert fact["subject"] == str(job.job_id)


async def test_job_without_a_requester_is_not_announced(harness: JobHarness) -> None:
    await harness.start_worker((policy("email", publishes_completion=False), RecordingHandler()))
    [job] = await harness.enqueue("email", "welcome")
    await harness.reaches(job, JobStatus.COMPLETED)
    assert await harness.messages_about("job.completed") == []


async def test_any_job_with_a_requester_is_announced(harness: JobHarness) -> None:
    await harness.start_worker((policy("email", publishes_completion=False), RecordingHandler()))
    [job] = await harness.enqueue("email", "welcome", requested_by=uuid.uuid4())
    await harness.reaches(job, JobStatus.COMPLETED)
    assert len(await harness.messages_about("job.completed")) == 1


async def test_two_workers_run_a_hundred_jobs_once_each(harness: JobHarness) -> None:
    recording_handler = RecordingHandler()
    names = [str(number) for number in range(100)]
    jobs = await harness.enqueue("email", *names)
    await asyncio.gather(
        harness.start_worker((EMAIL, recording_handler)), harness.start_worker((EMAIL, recording_handler))
    )
    for job in jobs:
        await harness.reaches(job, JobStatus.COMPLETED)
    assert sorted(recording_handler.done) == sorted(names)
    assert set(recording_handler.attempts.values()) == {1}


async def test_concurrency_is_limited_by_the_policy(harness: JobHarness) -> None:
    recording_handler = RecordingHandler()
    recording_handler.gate.clear()
    await harness.start_worker((policy("email", concurrency=2), recording_handler))
    jobs = await harness.enqueue("email", *"abcdef")
    await eventually(lambda: len(recording_handler.begun) == 2)
    recording_handler.gate.set()
    for job in jobs:
        await harness.reaches(job, JobStatus.COMPLETED)
    assert recording_handler.most_at_once == 2


class TestIdempotencyKey:
    async def test_returns_the_existing_job(self, harness: JobHarness) -> None:
        first = await harness.queue.enqueue("email", SamplePayload(name="a"), idempotency_key="k")
        again = await harness.queue.enqueue("email", SamplePayload(name="a"), idempotency_key="k")
        assert again == first

    async def test_with_another_payload_is_refused(self, harness: JobHarness) -> None:
        await harness.queue.enqueue("email", SamplePayload(name="a"), idempotency_key="k")
        with pytest.raises(Unprocessable):
            await harness.queue.enqueue("email", SamplePayload(name="b"), idempotency_key="k")

    async def test_same_key_of_another_kind_is_another_job(self, harness: JobHarness) -> None:
        first = await harness.queue.enqueue("email", SamplePayload(name="a"), idempotency_key="k")
        other = await harness.queue.enqueue("bulk", SamplePayload(name="b"), idempotency_key="k")
        assert other.job_id != first.job_id

    async def test_hundred_concurrent_calls_enqueue_one_job(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        await harness.start_worker((EMAIL, recording_handler))
        asked = (harness.queue.enqueue("email", SamplePayload(name="a"), idempotency_key="k") for _ in range(100))
        jobs = await asyncio.gather(*asked)
        assert len({job.job_id for job in jobs}) == 1
        await harness.reaches(jobs[0], JobStatus.COMPLETED)
        assert recording_handler.done == ["a"]

    async def test_unknown_kind_is_refused(self, harness: JobHarness) -> None:
        with pytest.raises(Exception, match="VALIDATION_ERROR"):
            await harness.queue.enqueue("gardening", SamplePayload(), idempotency_key="k")


class TestFailures:
    async def test_job_that_fails_twice_completes_on_the_third_attempt(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler(failures=[ValueError("first"), Unavailable()])
        await harness.start_worker((EMAIL, recording_handler))
        [job] = await harness.enqueue("email", "welcome")
        done = await harness.reaches(job, JobStatus.COMPLETED)
        assert done.attempts == 3
        assert done.error is None
        assert [number for _, number in recording_handler.attempts] == [1, 2, 3]

    async def test_error_of_the_last_attempt_is_shown_between_attempts(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler(failures=[Conflict(code="ORDER_INVALID_STATE")])
        await harness.start_worker((policy("email", retry_seconds=(30.0,)), recording_handler))
        [job] = await harness.enqueue("email", "welcome")
        waiting = await harness.reaches(job, JobStatus.RETRYING)
        assert waiting.error is not None
        assert waiting.error.code == "ORDER_INVALID_STATE"
        assert (waiting.run_at - waiting.created_at).total_seconds() > 29

    async def test_job_that_always_fails_is_dead_lettered_after_its_backoff(self, harness: JobHarness) -> None:
        """F2's five retries with shorter pauses; other jobs are not affected."""
        backoff = (1.0, 2.0, 3.0)
        recording_handler, neighbour = RecordingHandler(failures=[ValueError("no")] * 9), RecordingHandler()
        rules = policy("email", max_attempts=4, retry_seconds=backoff)
        await harness.start_worker((rules, recording_handler), (BULK, neighbour))
        job = await harness.queue_with({"email": rules}).enqueue(
            "email", SamplePayload(name="welcome"), idempotency_key="k"
        )
        others = await harness.enqueue("bulk", *"abc")
        for other in others:
            await harness.reaches(other, JobStatus.COMPLETED)
        failed = await harness.reaches(job, JobStatus.FAILED)
        assert failed.attempts == 4
        assert failed.error is not None
        assert (failed.error.code, failed.error.message) == ("INTERNAL_ERROR", "ValueError")
        pauses = [later - earlier for earlier, later in itertools.pairwise(recording_handler.times)]
        # The database has the pause of an attempt; a busy machine may start later, but never much earlier.
        assert all(0.8 * seconds <= pause for seconds, pause in zip(backoff, pauses, strict=True))

    async def test_dead_job_completes_when_an_admin_retries_it(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler(failures=[ValueError("no")] * 3)
        await harness.start_worker((EMAIL, recording_handler))
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.FAILED)
        dead_letter = await eventually(lambda: harness.taken_from("jobs.dead"))
        assert dead_letter is not None
        assert dead_letter.data == {
            "job_id": str(job.job_id),
            "kind": "email",
            "error": {"code": "INTERNAL_ERROR", "message": "ValueError"},
            "attempts": 3,
        }
        retried = await harness.queue.retry(job.job_id)
        assert (retried.status, retried.attempts, retried.max_attempts) == (JobStatus.QUEUED, 3, 6)
        done = await harness.reaches(job, JobStatus.COMPLETED)
        assert (done.attempts, recording_handler.done) == (4, ["welcome"])

    async def test_admin_who_retries_a_job_is_notified_of_its_end(self, harness: JobHarness) -> None:
        """If the job has a requester, the requester is notified instead."""
        await harness.start_worker(
            (policy("email", publishes_completion=False), RecordingHandler(failures=[JobRefused("no")] * 2))
        )
        fan, admin = uuid.uuid4(), uuid.uuid4()
        [without_requester] = await harness.enqueue("email", "without requester")
        [fans] = await harness.enqueue("email", "a fan's", requested_by=fan)
        for job in (without_requester, fans):
            await harness.reaches(job, JobStatus.FAILED)
            await harness.queue.retry(job.job_id, requested_by=admin)
            await harness.reaches(job, JobStatus.COMPLETED)
        notified = {fact["subject"]: fact["data"]["user_id"] for fact in await harness.messages_about("job.completed")}
        assert notified == {str(without_requester.job_id): str(admin), str(fans.job_id): str(fan)}

    async def test_retried_job_starts_its_backoff_again(self, harness: JobHarness) -> None:
        """A third step, if the backoff continued, would last longer than the test."""
        recording_handler = RecordingHandler(failures=[ValueError("no")] * 5)
        await harness.start_worker((policy("email", retry_seconds=(*BACKOFF_SECONDS[:2], 3_600.0)), recording_handler))
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.FAILED)
        await harness.queue.retry(job.job_id)
        done = await harness.reaches(job, JobStatus.COMPLETED)
        assert done.attempts == 6
        assert recording_handler.times[4] - recording_handler.times[3] >= BACKOFF_SECONDS[0]

    async def test_all_failed_jobs_can_be_retried_together(self, harness: JobHarness) -> None:
        recording_handler, other = (
            RecordingHandler(failures=[JobRefused("no")] * 3),
            RecordingHandler(failures=[JobRefused("no")]),
        )
        await harness.start_worker((EMAIL, recording_handler), (BULK, other))
        jobs = [*await harness.enqueue("email", *"abc"), *await harness.enqueue("bulk", "d")]
        for job in jobs:
            await harness.reaches(job, JobStatus.FAILED)
        assert await harness.queue.retry_all("email") == 3
        assert await harness.queue.retry_all() == 1
        for job in jobs:
            await harness.reaches(job, JobStatus.COMPLETED)

    async def test_job_refused_by_its_handler_is_not_retried(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler(failures=[JobRefused("no such fan", code="NO_SUCH_FAN")])
        await harness.start_worker((EMAIL, recording_handler))
        [job] = await harness.enqueue("email", "welcome")
        failed = await harness.reaches(job, JobStatus.FAILED)
        assert failed.error is not None
        assert (failed.attempts, failed.error.code, failed.error.message) == (1, "NO_SUCH_FAN", "no such fan")

    async def test_refused_job_is_not_dead_lettered(self, harness: JobHarness) -> None:
        """A refusal is an expected end: it is announced without an alert."""
        await harness.start_worker((EMAIL, RecordingHandler(failures=[JobRefused("gone"), *[ValueError()] * 3])))
        [refused] = await harness.enqueue("email", "refused")
        assert (await harness.reaches(refused, JobStatus.FAILED)).failure is Failure.REFUSED
        [broken] = await harness.enqueue("email", "broken")
        assert (await harness.reaches(broken, JobStatus.FAILED)).failure is Failure.DEAD
        assert {fact["subject"] for fact in await harness.messages_about("job.failed")} == {
            str(refused.job_id),
            str(broken.job_id),
        }
        assert [dead_letter["subject"] for dead_letter in await harness.messages_about("jobs.dead")] == [
            str(broken.job_id)
        ]

    async def test_text_of_an_unexpected_error_is_not_stored(self, harness: JobHarness) -> None:
        """The text may quote user input: a card number, a password."""
        await harness.start_worker(
            (policy("email", max_attempts=1), RecordingHandler(failures=[ValueError("4242 4242 4242 4242")]))
        )
        job = await harness.queue_with({"email": policy("email", max_attempts=1)}).enqueue(
            "email", SamplePayload(), idempotency_key="k"
        )
        failed = await harness.reaches(job, JobStatus.FAILED)
        assert failed.error == JobError(code="INTERNAL_ERROR", message="ValueError")

    async def test_invalid_payload_is_not_retried(self, harness: JobHarness) -> None:
        await harness.start_worker((EMAIL, RecordingHandler()))
        job = await harness.queue.enqueue("email", {"name": ["not", "a", "name"]}, idempotency_key="k")
        failed = await harness.reaches(job, JobStatus.FAILED)
        assert failed.error is not None
        assert failed.error.code == "PAYLOAD_INVALID"
        assert failed.failure is Failure.DEAD

    async def test_job_over_its_timeout_is_cancelled(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        await harness.start_worker((policy("email", timeout_seconds=0.2, max_attempts=1), recording_handler))
        job = await harness.queue_with({"email": policy("email", max_attempts=1)}).enqueue(
            "email", SamplePayload(name="slow"), idempotency_key="k"
        )
        failed = await harness.reaches(job, JobStatus.FAILED)
        assert failed.error is not None
        assert failed.error.code == "JOB_TIMEOUT"
        assert recording_handler.cancelled == 1

    async def test_only_failed_jobs_can_be_retried(self, harness: JobHarness) -> None:
        [job] = await harness.enqueue("email", "welcome")
        with pytest.raises(JobInvalidState):
            await harness.queue.retry(job.job_id)
        with pytest.raises(JobNotFound):
            await harness.queue.retry(uuid.uuid4())


class TestUnstorableText:
    """PostgreSQL stores no U+0000 in jsonb, and JSON has no lone surrogates."""

    @pytest.mark.parametrize("said", ["a\0b", "a\ud800b"])
    async def test_unstorable_result_is_omitted_without_a_second_attempt(self, harness: JobHarness, said: str) -> None:
        begun = []

        async def say(payload: SamplePayload, _: JobContext) -> dict[str, str]:
            begun.append(payload.name)
            return {"said": said}

        await harness.start_worker((EMAIL, say), lease_seconds=5.0)
        [job] = await harness.enqueue("email", "welcome", lane="ann")
        [behind] = await harness.enqueue("email", "behind", lane="ann")
        failed = await harness.reaches(job, JobStatus.FAILED)
        assert (failed.result, failed.attempts) == (None, 1)
        assert failed.error is not None
        assert failed.error.code == "RESULT_INVALID"
        await harness.reaches(behind, JobStatus.FAILED)
        assert begun == ["welcome", "behind"]

    @pytest.mark.parametrize("said", ["a\0b", "a\ud800b"])
    async def test_error_is_stored_without_the_unstorable_text(self, harness: JobHarness, said: str) -> None:
        recording_handler = RecordingHandler(failures=[JobRefused(said, code=said)])
        await harness.start_worker((EMAIL, recording_handler), lease_seconds=5.0)
        [job] = await harness.enqueue("email", "welcome")
        failed = await harness.reaches(job, JobStatus.FAILED)
        assert failed.error == JobError(code="a?b", message="a?b")
        assert recording_handler.begun == ["welcome"]
        assert failed.failure is Failure.REFUSED

    async def test_error_of_a_retried_job_is_stored_without_it_too(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler(failures=[Conflict(code="a\0b")])
        await harness.start_worker((EMAIL, recording_handler), lease_seconds=60)
        [job] = await harness.enqueue("email", "welcome")
        assert (await harness.reaches(job, JobStatus.COMPLETED)).attempts == 2


async def test_postponed_job_uses_no_attempt_and_keeps_its_place_in_the_lane(harness: JobHarness) -> None:
    postponements = 2 * BULK.max_attempts
    handler = RecordingHandler(failures=[JobPostponed(pause_seconds=0.05) for _ in range(postponements)])
    await harness.start_worker((BULK, handler))
    first, second = await harness.enqueue("bulk", "first", "second", lane="one")
    await harness.reaches(second, JobStatus.COMPLETED)
    assert handler.done == ["first", "second"]
    assert (await harness.queue.find(first.job_id)).attempts == 1
    assert harness.outcomes == {"postponed": postponements, "completed": 2}
