"""Workers that start, stop, freeze and lose the broker; and the retention of jobs."""

import asyncio
from urllib.parse import urlsplit

from sqlalchemy import text

from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.record import Failure, JobStatus
from orchestrator.jobs.registry import JobContext
from tests.chaos.network import TcpProxy, open_proxies
from tests.integration.jobs.harness import POLICIES, JobHarness, RecordingHandler, SamplePayload, policy
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

EMAIL = POLICIES["email"]
LEASE_SECONDS = 3.0  # a busy machine renews it in time


class TestShutdown:
    async def test_running_job_is_finished_during_shutdown(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        worker = await harness.start_worker((EMAIL, recording_handler))
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.RUNNING)
        leaving = asyncio.create_task(harness.stop_worker(worker, grace_seconds=ANSWER_SECONDS))
        [late] = await harness.enqueue("email", "late")
        recording_handler.gate.set()
        await leaving
        assert (await harness.queue.find(job.job_id)).status is JobStatus.COMPLETED
        await harness.start_worker((EMAIL, recording_handler))
        await harness.reaches(late, JobStatus.COMPLETED)

    async def test_job_over_the_grace_period_is_released_without_counting_the_attempt(
        self, harness: JobHarness
    ) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        worker = await harness.start_worker((EMAIL, recording_handler), lease_seconds=60)
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.stop_worker(worker, grace_seconds=0.1)
        back = await harness.queue.find(job.job_id)
        assert (back.status, back.attempts, recording_handler.cancelled) == (JobStatus.RETRYING, 0, 1)
        recording_handler.gate.set()
        await harness.start_worker((EMAIL, recording_handler))
        assert (await harness.reaches(job, JobStatus.COMPLETED)).attempts == 1


class TestLostWorker:
    async def test_expired_job_is_taken_over_and_the_old_result_is_discarded(self, harness: JobHarness) -> None:
        """The worker sleeps through its lease, as a frozen process would."""
        frozen_handler, other = RecordingHandler(), RecordingHandler()
        frozen_handler.gate.clear()
        frozen_worker = await harness.start_worker((EMAIL, frozen_handler), lease_seconds=0.5)
        await frozen_worker.runner.close()  # leases are no longer renewed
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.RUNNING)
        await frozen_worker.consumer.stop()
        await harness.start_worker((EMAIL, other), lease_seconds=5)
        done = await harness.reaches(job, JobStatus.COMPLETED)
        assert (done.attempts, other.done) == (2, ["welcome"])
        frozen_handler.gate.set()
        await eventually(lambda: harness.outcomes["lost"] == 1)
        assert await harness.queue.find(job.job_id) == done

    async def test_late_result_does_not_end_the_new_attempt(self, harness: JobHarness) -> None:
        frozen_handler, other = RecordingHandler(), RecordingHandler()
        for recording_handler in (frozen_handler, other):
            recording_handler.gate.clear()
        frozen_worker = await harness.start_worker((EMAIL, frozen_handler), lease_seconds=0.5)
        await frozen_worker.runner.close()
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.RUNNING)
        await frozen_worker.consumer.stop()
        await harness.start_worker((EMAIL, other), lease_seconds=5)
        await eventually(lambda: other.begun)
        frozen_handler.gate.set()
        await eventually(lambda: harness.outcomes["lost"] == 1)
        assert (await harness.queue.find(job.job_id)).status is JobStatus.RUNNING
        other.gate.set()
        assert (await harness.reaches(job, JobStatus.COMPLETED)).attempts == 2
        assert len(await harness.messages_about("job.completed")) == 1

    async def test_worker_that_lost_its_lease_stops_the_job(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        await harness.start_worker((EMAIL, recording_handler), lease_seconds=LEASE_SECONDS)
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.database.execute(text("UPDATE jobs SET epoch = epoch + 1"))
        await eventually(lambda: recording_handler.cancelled == 1)
        await eventually(lambda: harness.outcomes["lost"] == 1)

    async def test_job_claimed_again_by_the_worker_that_lost_it_keeps_its_lease(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        await harness.start_worker((EMAIL, recording_handler), lease_seconds=LEASE_SECONDS)
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.database.execute(text("UPDATE jobs SET epoch = epoch + 1, status = 'queued', lease_until = NULL"))
        await harness.enqueue(
            "email", "another"
        )  # its wake-up message wakes a second slot, which takes the best ready job
        await eventually(lambda: recording_handler.cancelled == 1)
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.lease_is_renewed(job, times=3)
        recording_handler.gate.set()
        assert (await harness.reaches(job, JobStatus.COMPLETED)).attempts == 2

    async def test_lease_is_renewed_while_the_handler_runs(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        await harness.start_worker((EMAIL, recording_handler), lease_seconds=LEASE_SECONDS)
        [job] = await harness.enqueue("email", "welcome")
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.lease_is_renewed(job, times=3)
        recording_handler.gate.set()
        assert (await harness.reaches(job, JobStatus.COMPLETED)).attempts == 1

    async def test_job_lost_in_its_last_attempt_fails(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        worker = await harness.start_worker((EMAIL, recording_handler))
        job = await harness.queue_with({"email": policy("email", max_attempts=1)}).enqueue(
            "email", SamplePayload(), idempotency_key="k"
        )
        await harness.reaches(job, JobStatus.RUNNING)
        await worker.runner.close()
        await harness.database.execute(text("UPDATE jobs SET lease_until = now() - interval '1 s'"))
        failed = await harness.reaches(job, JobStatus.FAILED)
        assert failed.error is not None
        assert failed.error.code == "WORKER_LOST"
        assert await eventually(lambda: harness.taken_from("jobs.dead"))


class TestBroker:
    async def test_attempt_continues_when_the_broker_connection_is_lost(self, harness: JobHarness) -> None:
        """Its wake-up message is redelivered, finds no free slot before the attempt ends, and then nothing to do."""
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        broker = urlsplit(harness.vhost.url)
        async with open_proxies([TcpProxy("rabbitmq", lambda: (str(broker.hostname), broker.port or 0))]) as lines:
            over_line = lines["rabbitmq"].url_of(harness.vhost.url)
            worker = await harness.start_worker(
                (policy("email", concurrency=1, timeout_seconds=60), recording_handler), rabbitmq_url=over_line
            )
            [job, next_job] = await harness.enqueue("email", "welcome", "next")
            await harness.reaches(job, JobStatus.RUNNING)

            async def is_lost() -> bool:
                return not await worker.consumer.broker.is_healthy()

            async with lines["rabbitmq"].cut():
                await eventually(is_lost)
            await eventually(worker.consumer.broker.is_healthy)
            recording_handler.gate.set()
            for each in (job, next_job):
                assert (await harness.reaches(each, JobStatus.COMPLETED)).attempts == 1
            await harness.stop_worker(worker)
        assert (recording_handler.begun, recording_handler.most_at_once, recording_handler.cancelled) == (
            ["welcome", "next"],
            1,
            0,
        )

    async def test_lost_wake_up_messages_are_sent_again(self, harness: JobHarness) -> None:
        jobs = await harness.enqueue("email", *"abc")
        await eventually(lambda: harness.messages_in("jobs.email"))
        await harness.purge()
        await harness.start_worker((EMAIL, RecordingHandler()), grace_seconds=0.3)
        for job in jobs:
            await harness.reaches(job, JobStatus.COMPLETED)

    async def test_lost_wake_up_message_is_sent_again_even_if_workers_are_always_busy(
        self, harness: JobHarness
    ) -> None:
        """Jobs of higher priority arrive all the time, each with its wake-up message."""
        recording_handler = RecordingHandler()
        [lost] = await harness.enqueue("email", "lost")
        await eventually(lambda: harness.messages_in("jobs.email"))
        await harness.purge()

        async def keep_busy() -> None:
            while True:
                await harness.enqueue("email", "urgent", priority=10)
                await asyncio.sleep(0.02)

        busy = asyncio.create_task(keep_busy())
        try:
            await eventually(lambda: harness.messages_in("jobs.email"))
            await harness.start_worker((EMAIL, recording_handler), grace_seconds=0.3)
            await harness.reaches(lost, JobStatus.COMPLETED)
        finally:
            busy.cancel()
        assert len(recording_handler.done) > 50  # the others did not wait

    async def test_duplicate_wake_up_messages_have_no_effect(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        jobs = await harness.enqueue("email", *"abc")
        await harness.database.execute(text("UPDATE outbox SET sent_at = NULL"))
        await eventually(lambda: harness.messages_in("jobs.email"))
        await harness.start_worker((EMAIL, recording_handler))
        for job in jobs:
            await harness.reaches(job, JobStatus.COMPLETED)

        async def all_wake_ups_are_consumed() -> bool:
            return not await harness.messages_in("jobs.email")

        await eventually(all_wake_ups_are_consumed)
        assert sorted(recording_handler.done) == ["a", "b", "c"]


async def test_progress_is_visible_at_once(harness: JobHarness) -> None:
    go_on = asyncio.Event()

    async def report_and_wait(_: SamplePayload, context: JobContext) -> None:
        await context.report({"step": 2, "of": 5})
        await go_on.wait()

    await harness.start_worker((EMAIL, report_and_wait))
    [job] = await harness.enqueue("email", "article")

    async def progress() -> object:
        return (await harness.queue.find(job.job_id)).progress

    assert await eventually(progress) == {"step": 2, "of": 5}
    go_on.set()
    done = await harness.reaches(job, JobStatus.COMPLETED)
    assert (done.result, done.progress) == (None, {"step": 2, "of": 5})


async def test_request_ids_are_the_same_in_every_attempt(harness: JobHarness) -> None:
    seen = []

    async def fail_once(_: SamplePayload, context: JobContext) -> None:
        seen.append((context.request_id("charge"), context.request_id("tell"), context.is_last_attempt))
        if context.attempt == 1:
            raise ValueError

    await harness.start_worker((policy("email", max_attempts=2), fail_once))
    job = await harness.queue_with({"email": policy("email", max_attempts=2)}).enqueue(
        "email", SamplePayload(), idempotency_key="k"
    )
    await harness.reaches(job, JobStatus.COMPLETED)
    assert seen[0][:2] == seen[1][:2]
    assert seen[0][0] != seen[0][1]
    assert [is_last for *_, is_last in seen] == [False, True]


class TestRetention:
    async def test_only_the_latest_jobs_are_kept_and_statistics_count_all(self, harness: JobHarness) -> None:
        rules = policy("email", keep_completed=3, keep_failed=2)
        await harness.start_worker((rules, RecordingHandler(failures=[JobRefused("no")] * 4)), trim_seconds=0.2)
        jobs = await harness.enqueue("email", *(str(number) for number in range(12)))

        async def kept() -> bool:
            by_status = [(await harness.queue.page(status=status))[1].number for status in JobStatus]
            return by_status == [0, 0, 0, 3, 2, 0]

        await eventually(kept)
        [stats] = [each for each in await harness.queue.stats() if each.kind == "email"]
        assert (stats.completed, stats.failed, stats.failed_kept) == (8, 4, 2)
        assert stats.success_rate == 8 / 12
        assert len(jobs) == 12

    async def test_dead_jobs_of_a_kind_that_keeps_them_are_kept(self, harness: JobHarness) -> None:
        rules = policy("email", max_attempts=1, keep_failed=1, keep_failed_seconds=0.001, keeps_dead=True)
        failures: list[BaseException] = [ValueError(), JobRefused("no"), ValueError()]
        await harness.start_worker((rules, RecordingHandler(failures=failures)), trim_seconds=0.1)
        queue = harness.queue_with({"email": rules})
        jobs = [
            await queue.enqueue("email", SamplePayload(name=name), idempotency_key=name, lane="one") for name in "abc"
        ]

        async def kept() -> bool:
            found, _ = await harness.queue.page(status=JobStatus.FAILED)
            assert {job.job_id for job in found} == {jobs[0].job_id, jobs[2].job_id}
            return {job.failure for job in found} == {Failure.DEAD}

        await eventually(kept)

    async def test_cancelled_jobs_do_not_displace_completed_ones(self, harness: JobHarness) -> None:
        done = await harness.enqueue("email", *"ab")
        worker = await harness.start_worker((EMAIL, RecordingHandler()))
        for job in done:
            await harness.reaches(job, JobStatus.COMPLETED)
        await harness.stop_worker(worker)
        for job in await harness.enqueue("email", *"cdef"):  # later, so that they would be the latest two
            await harness.queue.cancel(job.job_id)
        await harness.start_worker((policy("email", keep_completed=2), RecordingHandler()), trim_seconds=0.1)

        async def kept() -> bool:
            counts = [
                (await harness.queue.page(status=status))[1].number
                for status in (JobStatus.COMPLETED, JobStatus.CANCELLED)
            ]
            return counts == [2, 2]

        await eventually(kept)

    async def test_idempotency_key_outlives_its_job(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        await harness.start_worker((policy("email", keep_completed=0), recording_handler), trim_seconds=0.1)
        job = await harness.queue.enqueue("email", SamplePayload(name="a"), idempotency_key="k")

        async def is_gone() -> bool:
            return (await harness.queue.page())[1].number == 0

        await eventually(is_gone)
        again = await harness.queue.enqueue("email", SamplePayload(name="a"), idempotency_key="k")
        assert (again.job_id, again.status) == (job.job_id, JobStatus.COMPLETED)
        assert recording_handler.done == ["a"]

    async def test_old_jobs_are_deleted_even_if_few(self, harness: JobHarness) -> None:
        await harness.start_worker((policy("email", keep_completed_seconds=3600), RecordingHandler()), trim_seconds=0.1)
        [old, new] = await harness.enqueue("email", "old", "new")
        for job in (old, new):
            await harness.reaches(job, JobStatus.COMPLETED)
        await harness.database.execute(
            text("UPDATE jobs SET finished_at = finished_at - interval '2 hours' WHERE job_id = :job_id"),
            {"job_id": old.job_id},
        )

        async def left() -> bool:
            jobs, _ = await harness.queue.page()
            return [job.job_id for job in jobs] == [new.job_id]

        await eventually(left)
