"""Jobs from the queue to their end: done once, tried again, given up, and kept for people."""

import asyncio
import itertools
import uuid

import pytest

from common.errors import Conflict, Unavailable, Unprocessable
from orchestrator.jobs.errors import JobInvalidState, JobNotFound, JobRefused
from orchestrator.jobs.record import Failure, JobError, JobStatus
from orchestrator.jobs.registry import JobContext
from tests.integration.jobs.site import LADDER, POLICIES, Bench, Errand, Site, policy
from tests.support.waiting import eventually

EMAIL, BULK = POLICIES["email"], POLICIES["bulk"]


async def test_job_is_done_and_says_so(site: Site) -> None:
    bench = Bench()
    await site.worker((EMAIL, bench))
    fan = uuid.uuid4()
    [job] = await site.enqueue("email", "letter", requested_by=fan)
    assert (job.status, job.attempts, job.max_attempts) == (JobStatus.QUEUED, 0, 3)
    done = await site.reaches(job, JobStatus.COMPLETED)
    assert done.result == {"said": "letter is done"}
    assert (done.attempts, done.error) == (1, None)
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.created_at <= done.started_at <= done.finished_at
    [fact] = await site.announced("job.completed")
    assert fact["data"]["user_id"] == str(fan)
    assert fact["subject"] == str(job.job_id)


async def test_what_nobody_waits_for_tells_nobody(site: Site) -> None:
    await site.worker((policy("email", publishes_completion=False), Bench()))
    [job] = await site.enqueue("email", "letter")
    await site.reaches(job, JobStatus.COMPLETED)
    assert await site.announced("job.completed") == []


async def test_who_asked_for_a_job_is_told_of_any(site: Site) -> None:
    await site.worker((policy("email", publishes_completion=False), Bench()))
    [job] = await site.enqueue("email", "letter", requested_by=uuid.uuid4())
    await site.reaches(job, JobStatus.COMPLETED)
    assert len(await site.announced("job.completed")) == 1


async def test_hundred_jobs_are_each_done_once_by_two_workers(site: Site) -> None:
    bench = Bench()
    names = [str(number) for number in range(100)]
    jobs = await site.enqueue("email", *names)
    await asyncio.gather(site.worker((EMAIL, bench)), site.worker((EMAIL, bench)))
    for job in jobs:
        await site.reaches(job, JobStatus.COMPLETED)
    assert sorted(bench.done) == sorted(names)
    assert set(bench.tries.values()) == {1}


async def test_no_more_at_once_than_the_policy_says(site: Site) -> None:
    bench = Bench()
    bench.gate.clear()
    await site.worker((policy("email", concurrency=2), bench))
    jobs = await site.enqueue("email", *"abcdef")
    await eventually(lambda: len(bench.begun) == 2)
    bench.gate.set()
    for job in jobs:
        await site.reaches(job, JobStatus.COMPLETED)
    assert bench.most_at_once == 2


class TestSameKeyAgain:
    async def test_finds_the_job_there_is(self, site: Site) -> None:
        first = await site.queue.enqueue("email", Errand(name="a"), idempotency_key="k")
        again = await site.queue.enqueue("email", Errand(name="a"), idempotency_key="k")
        assert again == first

    async def test_with_another_payload_is_refused(self, site: Site) -> None:
        await site.queue.enqueue("email", Errand(name="a"), idempotency_key="k")
        with pytest.raises(Unprocessable):
            await site.queue.enqueue("email", Errand(name="b"), idempotency_key="k")

    async def test_of_another_kind_is_another_job(self, site: Site) -> None:
        first = await site.queue.enqueue("email", Errand(name="a"), idempotency_key="k")
        other = await site.queue.enqueue("bulk", Errand(name="b"), idempotency_key="k")
        assert other.job_id != first.job_id

    async def test_hundred_at_once_are_one_job(self, site: Site) -> None:
        bench = Bench()
        await site.worker((EMAIL, bench))
        asked = (site.queue.enqueue("email", Errand(name="a"), idempotency_key="k") for _ in range(100))
        jobs = await asyncio.gather(*asked)
        assert len({job.job_id for job in jobs}) == 1
        await site.reaches(jobs[0], JobStatus.COMPLETED)
        assert bench.done == ["a"]

    async def test_unknown_kind_is_refused(self, site: Site) -> None:
        with pytest.raises(Exception, match="VALIDATION_ERROR"):
            await site.queue.enqueue("gardening", Errand(), idempotency_key="k")


class TestFailures:
    async def test_failing_twice_and_then_done(self, site: Site) -> None:
        bench = Bench(failures=[ValueError("first"), Unavailable()])
        await site.worker((EMAIL, bench))
        [job] = await site.enqueue("email", "letter")
        done = await site.reaches(job, JobStatus.COMPLETED)
        assert done.attempts == 3
        assert done.error is None
        assert [number for _, number in bench.tries] == [1, 2, 3]

    async def test_between_tries_it_says_why_the_last_one_failed(self, site: Site) -> None:
        bench = Bench(failures=[Conflict(code="ORDER_INVALID_STATE")])
        await site.worker((policy("email", retry_seconds=(30.0,)), bench))
        [job] = await site.enqueue("email", "letter")
        waiting = await site.reaches(job, JobStatus.RETRYING)
        assert waiting.error is not None
        assert waiting.error.code == "ORDER_INVALID_STATE"
        assert (waiting.run_at - waiting.created_at).total_seconds() > 29

    async def test_failing_for_ever_ends_among_the_dead_after_its_ladder(self, site: Site) -> None:
        """F2's five repetitions, with shorter pauses; neighbours do not notice."""
        ladder = (1.0, 2.0, 3.0)
        bench, neighbour = Bench(failures=[ValueError("no")] * 9), Bench()
        rules = policy("email", tries=4, retry_seconds=ladder)
        await site.worker((rules, bench), (BULK, neighbour))
        job = await site.queue_with({"email": rules}).enqueue("email", Errand(name="letter"), idempotency_key="k")
        others = await site.enqueue("bulk", *"abc")
        for other in others:
            await site.reaches(other, JobStatus.COMPLETED)
        failed = await site.reaches(job, JobStatus.FAILED)
        assert failed.attempts == 4
        assert failed.error is not None
        assert (failed.error.code, failed.error.message) == ("INTERNAL_ERROR", "ValueError")
        pauses = [later - earlier for earlier, later in itertools.pairwise(bench.times)]
        # The pause that a try was given is in the database; a busy machine may begin later, but never much earlier.
        assert all(0.8 * seconds <= pause for seconds, pause in zip(ladder, pauses, strict=True))

    async def test_dead_one_waits_for_people_and_completes_when_retried(self, site: Site) -> None:
        bench = Bench(failures=[ValueError("no")] * 3)
        await site.worker((EMAIL, bench))
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.FAILED)
        letter = await eventually(lambda: site.taken_from("jobs.dead"))
        assert letter is not None
        assert letter.data == {
            "job_id": str(job.job_id),
            "kind": "email",
            "error": {"code": "INTERNAL_ERROR", "message": "ValueError"},
            "attempts": 3,
        }
        retried = await site.queue.retry(job.job_id)
        assert (retried.status, retried.attempts, retried.max_attempts) == (JobStatus.QUEUED, 3, 6)
        done = await site.reaches(job, JobStatus.COMPLETED)
        assert (done.attempts, bench.done) == (4, ["letter"])

    async def test_who_has_it_tried_again_is_told_of_its_end(self, site: Site) -> None:
        """Unless it is somebody's anyway: then it is they who are told."""
        await site.worker((policy("email", publishes_completion=False), Bench(failures=[JobRefused("no")] * 2)))
        fan, admin = uuid.uuid4(), uuid.uuid4()
        [nobodys] = await site.enqueue("email", "nobody's")
        [fans] = await site.enqueue("email", "a fan's", requested_by=fan)
        for job in (nobodys, fans):
            await site.reaches(job, JobStatus.FAILED)
            await site.queue.retry(job.job_id, requested_by=admin)
            await site.reaches(job, JobStatus.COMPLETED)
        told = {fact["subject"]: fact["data"]["user_id"] for fact in await site.announced("job.completed")}
        assert told == {str(nobodys.job_id): str(admin), str(fans.job_id): str(fan)}

    async def test_retried_it_has_its_whole_ladder_again(self, site: Site) -> None:
        """A third step, had it gone on, lasts longer than the test."""
        bench = Bench(failures=[ValueError("no")] * 5)
        await site.worker((policy("email", retry_seconds=(*LADDER[:2], 3_600.0)), bench))
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.FAILED)
        await site.queue.retry(job.job_id)
        done = await site.reaches(job, JobStatus.COMPLETED)
        assert done.attempts == 6
        assert bench.times[4] - bench.times[3] >= LADDER[0]

    async def test_all_failed_ones_can_be_retried_together(self, site: Site) -> None:
        bench, other = Bench(failures=[JobRefused("no")] * 3), Bench(failures=[JobRefused("no")])
        await site.worker((EMAIL, bench), (BULK, other))
        jobs = [*await site.enqueue("email", *"abc"), *await site.enqueue("bulk", "d")]
        for job in jobs:
            await site.reaches(job, JobStatus.FAILED)
        assert await site.queue.retry_all("email") == 3
        assert await site.queue.retry_all() == 1
        for job in jobs:
            await site.reaches(job, JobStatus.COMPLETED)

    async def test_refused_by_its_handler_it_is_not_tried_again(self, site: Site) -> None:
        bench = Bench(failures=[JobRefused("no such fan", code="NOBODY")])
        await site.worker((EMAIL, bench))
        [job] = await site.enqueue("email", "letter")
        failed = await site.reaches(job, JobStatus.FAILED)
        assert failed.error is not None
        assert (failed.attempts, failed.error.code, failed.error.message) == (1, "NOBODY", "no such fan")

    async def test_refused_one_is_not_among_the_dead(self, site: Site) -> None:
        """It ended as such jobs may end: it is told, and nobody is called."""
        await site.worker((EMAIL, Bench(failures=[JobRefused("gone"), *[ValueError()] * 3])))
        [refused] = await site.enqueue("email", "refused")
        assert (await site.reaches(refused, JobStatus.FAILED)).failure is Failure.REFUSED
        [broken] = await site.enqueue("email", "broken")
        assert (await site.reaches(broken, JobStatus.FAILED)).failure is Failure.DEAD
        assert {fact["subject"] for fact in await site.announced("job.failed")} == {
            str(refused.job_id),
            str(broken.job_id),
        }
        assert [letter["subject"] for letter in await site.announced("jobs.dead")] == [str(broken.job_id)]

    async def test_words_of_an_unknown_error_are_not_kept(self, site: Site) -> None:
        """They may quote what somebody sent: a card's number, a password."""
        await site.worker((policy("email", tries=1), Bench(failures=[ValueError("4242 4242 4242 4242")])))
        job = await site.queue_with({"email": policy("email", tries=1)}).enqueue("email", Errand(), idempotency_key="k")
        failed = await site.reaches(job, JobStatus.FAILED)
        assert failed.error == JobError(code="INTERNAL_ERROR", message="ValueError")

    async def test_payload_of_another_shape_is_not_tried_again(self, site: Site) -> None:
        await site.worker((EMAIL, Bench()))
        job = await site.queue.enqueue("email", {"name": ["not", "a", "name"]}, idempotency_key="k")
        failed = await site.reaches(job, JobStatus.FAILED)
        assert failed.error is not None
        assert failed.error.code == "PAYLOAD_INVALID"
        assert failed.failure is Failure.DEAD

    async def test_one_that_takes_too_long_is_ended(self, site: Site) -> None:
        bench = Bench()
        bench.gate.clear()
        await site.worker((policy("email", timeout_seconds=0.2, tries=1), bench))
        job = await site.queue_with({"email": policy("email", tries=1)}).enqueue(
            "email", Errand(name="slow"), idempotency_key="k"
        )
        failed = await site.reaches(job, JobStatus.FAILED)
        assert failed.error is not None
        assert failed.error.code == "JOB_TIMEOUT"
        assert bench.cancelled == 1

    async def test_only_what_failed_can_be_retried(self, site: Site) -> None:
        [job] = await site.enqueue("email", "letter")
        with pytest.raises(JobInvalidState):
            await site.queue.retry(job.job_id)
        with pytest.raises(JobNotFound):
            await site.queue.retry(uuid.uuid4())


class TestWhatCannotBeStored:
    """PostgreSQL keeps no U+0000 in a jsonb, and JSON has no lone surrogates."""

    @pytest.mark.parametrize("said", ["a\0b", "a\ud800b"])
    async def test_result_is_left_out_and_its_effect_not_repeated(self, site: Site, said: str) -> None:
        begun = []

        async def say(errand: Errand, _: JobContext) -> dict[str, str]:
            begun.append(errand.name)
            return {"said": said}

        await site.worker((EMAIL, say), lease_seconds=5.0)
        [job] = await site.enqueue("email", "letter", lane="ann")
        [behind] = await site.enqueue("email", "behind", lane="ann")
        failed = await site.reaches(job, JobStatus.FAILED)
        assert (failed.result, failed.attempts) == (None, 1)
        assert failed.error is not None
        assert failed.error.code == "RESULT_INVALID"
        await site.reaches(behind, JobStatus.FAILED)
        assert begun == ["letter", "behind"]

    @pytest.mark.parametrize("said", ["a\0b", "a\ud800b"])
    async def test_error_is_kept_without_it(self, site: Site, said: str) -> None:
        bench = Bench(failures=[JobRefused(said, code=said)])
        await site.worker((EMAIL, bench), lease_seconds=5.0)
        [job] = await site.enqueue("email", "letter")
        failed = await site.reaches(job, JobStatus.FAILED)
        assert failed.error == JobError(code="a?b", message="a?b")
        assert bench.begun == ["letter"]
        assert failed.failure is Failure.REFUSED

    async def test_error_of_one_to_be_tried_again_is_too(self, site: Site) -> None:
        bench = Bench(failures=[Conflict(code="a\0b")])
        await site.worker((EMAIL, bench), lease_seconds=60)
        [job] = await site.enqueue("email", "letter")
        assert (await site.reaches(job, JobStatus.COMPLETED)).attempts == 2
