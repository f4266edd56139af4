"""Whose turn it is: priority, age, lanes, delays; and who may leave the queue."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.jobs.errors import JobInvalidState, JobNotFound, JobRefused
from orchestrator.jobs.record import JobStatus
from tests.integration.jobs.site import POLICIES, Bench, Errand, Site, policy
from tests.support.waiting import eventually

EMAIL = POLICIES["email"]
ALONE = policy("email", concurrency=1)


async def test_higher_priority_first_and_older_before_newer(site: Site) -> None:
    bench = Bench()
    jobs = await site.enqueue("email", "old", "new")
    jobs += await site.enqueue("email", "urgent", priority=5)
    await site.worker((ALONE, bench))
    for job in jobs:
        await site.reaches(job, JobStatus.COMPLETED)
    assert bench.done == ["urgent", "old", "new"]


async def test_kind_nobody_works_on_keeps_its_tokens(site: Site) -> None:
    await site.worker((POLICIES["bulk"], Bench()))
    [waiting] = await site.enqueue("email", "letter")
    [done] = await site.enqueue("bulk", "parcel")
    await site.reaches(done, JobStatus.COMPLETED)
    assert (await site.queue.find(waiting.job_id)).status is JobStatus.QUEUED
    assert await site.messages_in("jobs.email") == 1


class TestLanes:
    async def test_one_at_a_time_first_in_first_out_with_two_workers(self, site: Site) -> None:
        bench = Bench()
        names = [str(number) for number in range(30)]
        jobs = await site.enqueue("email", *names, lane="ann")
        await asyncio.gather(site.worker((EMAIL, bench)), site.worker((EMAIL, bench)))
        for job in jobs:
            await site.reaches(job, JobStatus.COMPLETED)
        assert bench.done == names
        assert bench.most_at_once == 1

    async def test_lanes_go_on_side_by_side(self, site: Site) -> None:
        bench = Bench()
        bench.gate.clear()
        await site.worker((EMAIL, bench))
        jobs = [(await site.enqueue("email", lane, lane=lane))[0] for lane in ("ann", "ben")]
        await eventually(lambda: sorted(bench.begun) == ["ann", "ben"])
        bench.gate.set()
        for job in jobs:
            await site.reaches(job, JobStatus.COMPLETED)

    async def test_order_is_kept_while_the_first_waits_for_another_try(self, site: Site) -> None:
        bench = Bench(failures=[ValueError("no")])
        await site.worker((EMAIL, bench))
        jobs = await site.enqueue("email", *"abc", lane="ann")
        for job in jobs:
            await site.reaches(job, JobStatus.COMPLETED)
        assert bench.begun == ["a", "a", "b", "c"]

    async def test_one_that_failed_for_good_makes_way(self, site: Site) -> None:
        bench = Bench(failures=[JobRefused("no")])
        await site.worker((EMAIL, bench))
        jobs = await site.enqueue("email", *"ab", lane="ann")
        await site.reaches(jobs[0], JobStatus.FAILED)
        await site.reaches(jobs[1], JobStatus.COMPLETED)

    async def test_hundred_enqueued_at_once_never_meet(self, site: Site) -> None:
        bench = Bench()
        await asyncio.gather(site.worker((EMAIL, bench)), site.worker((EMAIL, bench)))
        enqueued = await asyncio.gather(*(site.enqueue("email", str(n), lane=str(n % 3)) for n in range(100)))
        for [job] in enqueued:
            await site.reaches(job, JobStatus.COMPLETED)
        assert bench.most_at_once <= 3
        assert set(bench.tries.values()) == {1}


class TestDelayed:
    async def test_runs_when_its_time_has_come(self, site: Site) -> None:
        bench = Bench()
        await site.worker((EMAIL, bench))
        run_at = datetime.now(UTC) + timedelta(seconds=0.8)
        [job] = await site.enqueue("email", "later", run_at=run_at)
        done = await site.reaches(job, JobStatus.COMPLETED)
        assert done.started_at is not None
        assert 0 <= (done.started_at - run_at).total_seconds() < 5

    async def test_does_not_stand_in_the_way_of_its_lane(self, site: Site) -> None:
        bench = Bench()
        await site.worker((EMAIL, bench))
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        [later] = await site.enqueue("email", "later", lane="ann", run_at=tomorrow)
        [now] = await site.enqueue("email", "now", lane="ann")
        await site.reaches(now, JobStatus.COMPLETED)
        assert (await site.queue.find(later.job_id)).status is JobStatus.QUEUED

    async def test_time_in_the_past_is_now(self, site: Site) -> None:
        await site.worker((EMAIL, Bench()))
        [job] = await site.enqueue("email", "late", run_at=datetime.now(UTC) - timedelta(days=1))
        await site.reaches(job, JobStatus.COMPLETED)


class TestCancelled:
    async def test_is_never_tried(self, site: Site) -> None:
        bench = Bench()
        [job, neighbour] = await site.enqueue("email", "letter", "other")
        assert (await site.queue.cancel(job.job_id)).status is JobStatus.CANCELLED
        await site.worker((EMAIL, bench))
        await site.reaches(neighbour, JobStatus.COMPLETED)
        assert bench.done == ["other"]
        assert (await site.queue.cancel(job.job_id)).status is JobStatus.CANCELLED

    async def test_makes_way_in_its_lane(self, site: Site) -> None:
        [first, second] = await site.enqueue("email", *"ab", lane="ann")
        await site.queue.cancel(first.job_id)
        await site.worker((EMAIL, Bench()))
        await site.reaches(second, JobStatus.COMPLETED)

    async def test_only_by_whoever_asked_for_it(self, site: Site) -> None:
        fan = uuid.uuid4()
        [job] = await site.enqueue("email", "letter", requested_by=fan)
        with pytest.raises(JobNotFound):
            await site.queue.cancel(job.job_id, requested_by=uuid.uuid4())
        assert (await site.queue.cancel(job.job_id, requested_by=fan)).status is JobStatus.CANCELLED

    async def test_not_once_it_was_tried(self, site: Site) -> None:
        bench = Bench()
        bench.gate.clear()
        await site.worker((EMAIL, bench))
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.RUNNING)
        with pytest.raises(JobInvalidState):
            await site.queue.cancel(job.job_id)
        bench.gate.set()
        await site.reaches(job, JobStatus.COMPLETED)

    async def test_hundred_cancels_race_the_worker(self, site: Site) -> None:
        """Either it is cancelled or it is done, never both."""
        bench = Bench()
        jobs = await site.enqueue("email", *(str(number) for number in range(50)))
        await site.worker((EMAIL, bench))
        answers = await asyncio.gather(*(site.queue.cancel(job.job_id) for job in jobs), return_exceptions=True)
        cancelled = {job.job_id for job, answer in zip(jobs, answers, strict=True) if not isinstance(answer, Exception)}
        for job in jobs:
            expected = JobStatus.CANCELLED if job.job_id in cancelled else JobStatus.COMPLETED
            await site.reaches(job, expected)
        assert {job_id for job_id, _ in bench.tries} == {job.job_id for job in jobs} - cancelled


class TestPosition:
    async def test_counts_those_ahead(self, site: Site) -> None:
        jobs = await site.enqueue("email", *"abc")
        [urgent] = await site.enqueue("email", "urgent", priority=5)
        positions = [(await site.queue.position(job.job_id)).position for job in (*jobs, urgent)]
        assert positions == [2, 3, 4, 1]

    async def test_in_a_lane_counts_that_lane(self, site: Site) -> None:
        await site.enqueue("email", *"abc", lane="ann")
        [job] = await site.enqueue("email", "x", lane="ben")
        assert (await site.queue.position(job.job_id)).position == 1

    async def test_wait_goes_by_how_long_the_last_ones_took(self, site: Site) -> None:
        jobs = await site.enqueue("email", *"ab")
        assert (await site.queue.position(jobs[1].job_id)).estimated_wait_seconds is None
        await site.worker((EMAIL, Bench()))
        for job in jobs:
            await site.reaches(job, JobStatus.COMPLETED)
        await site.send_workers_home()
        await site.took(jobs, seconds=30)
        waiting = await site.enqueue("email", *"cd")
        first, second = [await site.queue.position(job.job_id) for job in waiting]
        assert first.estimated_wait_seconds == 0
        assert second.estimated_wait_seconds == pytest.approx(30)

    async def test_of_a_finished_one_is_none(self, site: Site) -> None:
        await site.worker((EMAIL, Bench()))
        [job] = await site.enqueue("email", "a")
        await site.reaches(job, JobStatus.COMPLETED)
        assert (await site.queue.position(job.job_id)).position == 0
        with pytest.raises(JobNotFound):
            await site.queue.position(uuid.uuid4())


async def test_enqueued_in_somebody_elses_transaction_it_stands_and_falls_with_it(site: Site) -> None:
    await site.worker((EMAIL, Bench()))
    kept = await site.enqueue_beside("k1", commit=True)
    lost = await site.enqueue_beside("k2", commit=False)
    assert (await site.queue.find(kept)).payload == Errand(name="k1").model_dump()
    with pytest.raises(JobNotFound):
        await site.queue.find(lost)
