"""Workers that come, go, fall silent, and lose the broker; and what is thrown away in the end."""

import asyncio
from urllib.parse import urlsplit

from sqlalchemy import text

from devstack.ports import LOOPBACK
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.record import JobStatus
from orchestrator.jobs.registry import JobContext
from tests.chaos.network import Line, open_lines
from tests.integration.jobs.harness import POLICIES, JobHarness, RecordingHandler, SamplePayload, policy
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

EMAIL = POLICIES["email"]
LEASE_SECONDS = 3.0  # a busy machine renews it in time


class TestShutdown:
    async def test_what_is_in_hand_is_finished(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        worker = await harness.worker((EMAIL, recording_handler))
        [job] = await harness.enqueue("email", "letter")
        await harness.reaches(job, JobStatus.RUNNING)
        leaving = asyncio.create_task(harness.stop_worker(worker, grace_seconds=ANSWER_SECONDS))
        [late] = await harness.enqueue("email", "late")
        recording_handler.gate.set()
        await leaving
        assert (await harness.queue.find(job.job_id)).status is JobStatus.COMPLETED
        await harness.worker((EMAIL, recording_handler))
        await harness.reaches(late, JobStatus.COMPLETED)

    async def test_what_takes_too_long_is_handed_back_and_its_try_does_not_count(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        worker = await harness.worker((EMAIL, recording_handler), lease_seconds=60)
        [job] = await harness.enqueue("email", "letter")
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.stop_worker(worker, grace_seconds=0.1)
        back = await harness.queue.find(job.job_id)
        assert (back.status, back.attempts, recording_handler.cancelled) == (JobStatus.RETRYING, 0, 1)
        recording_handler.gate.set()
        await harness.worker((EMAIL, recording_handler))
        assert (await harness.reaches(job, JobStatus.COMPLETED)).attempts == 1


class TestLostWorker:
    async def test_its_job_is_taken_over_and_its_own_answer_no_longer_counts(self, harness: JobHarness) -> None:
        """It sleeps through its lease, as a frozen process would."""
        asleep, other = RecordingHandler(), RecordingHandler()
        asleep.gate.clear()
        sleeper = await harness.worker((EMAIL, asleep), lease_seconds=0.5)
        await sleeper.runner.close()  # leases are no longer kept
        [job] = await harness.enqueue("email", "letter")
        await harness.reaches(job, JobStatus.RUNNING)
        await sleeper.consumer.stop()
        await harness.worker((EMAIL, other), lease_seconds=5)
        done = await harness.reaches(job, JobStatus.COMPLETED)
        assert (done.attempts, other.done) == (2, ["letter"])
        asleep.gate.set()
        await eventually(lambda: harness.outcomes["lost"] == 1)
        assert await harness.queue.find(job.job_id) == done

    async def test_its_late_answer_does_not_end_the_try_of_another(self, harness: JobHarness) -> None:
        asleep, other = RecordingHandler(), RecordingHandler()
        for recording_handler in (asleep, other):
            recording_handler.gate.clear()
        sleeper = await harness.worker((EMAIL, asleep), lease_seconds=0.5)
        await sleeper.runner.close()
        [job] = await harness.enqueue("email", "letter")
        await harness.reaches(job, JobStatus.RUNNING)
        await sleeper.consumer.stop()
        await harness.worker((EMAIL, other), lease_seconds=5)
        await eventually(lambda: other.begun)
        asleep.gate.set()
        await eventually(lambda: harness.outcomes["lost"] == 1)
        assert (await harness.queue.find(job.job_id)).status is JobStatus.RUNNING
        other.gate.set()
        assert (await harness.reaches(job, JobStatus.COMPLETED)).attempts == 2
        assert len(await harness.messages_about("job.completed")) == 1

    async def test_one_that_finds_its_lease_gone_stops(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        await harness.worker((EMAIL, recording_handler), lease_seconds=LEASE_SECONDS)
        [job] = await harness.enqueue("email", "letter")
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.database.execute(text("UPDATE jobs SET epoch = epoch + 1"))
        await eventually(lambda: recording_handler.cancelled == 1)
        assert harness.outcomes["lost"] == 1

    async def test_one_that_comes_back_to_the_worker_that_lost_it_is_kept(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        await harness.worker((EMAIL, recording_handler), lease_seconds=LEASE_SECONDS)
        [job] = await harness.enqueue("email", "letter")
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.database.execute(text("UPDATE jobs SET epoch = epoch + 1, status = 'queued', lease_until = NULL"))
        await harness.enqueue("email", "another")  # its token wakes a second hand, which takes the best ready job
        await eventually(lambda: recording_handler.cancelled == 1)
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.lease_is_renewed(job, times=3)
        recording_handler.gate.set()
        assert (await harness.reaches(job, JobStatus.COMPLETED)).attempts == 2

    async def test_lease_is_kept_while_the_handler_works(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        await harness.worker((EMAIL, recording_handler), lease_seconds=LEASE_SECONDS)
        [job] = await harness.enqueue("email", "letter")
        await harness.reaches(job, JobStatus.RUNNING)
        await harness.lease_is_renewed(job, times=3)
        recording_handler.gate.set()
        assert (await harness.reaches(job, JobStatus.COMPLETED)).attempts == 1

    async def test_lost_in_its_last_try_it_has_failed(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        worker = await harness.worker((EMAIL, recording_handler))
        job = await harness.queue_with({"email": policy("email", tries=1)}).enqueue(
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
    async def test_try_goes_on_when_the_connection_is_lost(self, harness: JobHarness) -> None:
        """Its token comes again, and finds no hand free before the try has ended, and nothing to do then."""
        recording_handler = RecordingHandler()
        recording_handler.gate.clear()
        broker = urlsplit(harness.vhost.url)
        async with open_lines([Line("rabbitmq", lambda: (str(broker.hostname), broker.port or 0))]) as lines:
            over_line = broker._replace(netloc=f"guest:guest@{LOOPBACK}:{lines['rabbitmq'].port}").geturl()
            worker = await harness.worker(
                (policy("email", concurrency=1, timeout_seconds=60), recording_handler), rabbitmq_url=over_line
            )
            [job, next_job] = await harness.enqueue("email", "letter", "next")
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
            ["letter", "next"],
            1,
            0,
        )

    async def test_lost_tokens_are_sent_again(self, harness: JobHarness) -> None:
        jobs = await harness.enqueue("email", *"abc")
        await eventually(lambda: harness.messages_in("jobs.email"))
        await harness.purge()
        await harness.worker((EMAIL, RecordingHandler()), grace_seconds=0.3)
        for job in jobs:
            await harness.reaches(job, JobStatus.COMPLETED)

    async def test_lost_token_is_sent_again_also_to_those_who_are_always_busy(self, harness: JobHarness) -> None:
        """Jobs of higher priority come all the time, each with its token."""
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
            await harness.worker((EMAIL, recording_handler), grace_seconds=0.3)
            await harness.reaches(lost, JobStatus.COMPLETED)
        finally:
            busy.cancel()
        assert len(recording_handler.done) > 50  # the others were not kept waiting

    async def test_duplicated_tokens_find_nothing_to_do(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        jobs = await harness.enqueue("email", *"abc")
        await harness.database.execute(text("UPDATE outbox SET sent_at = NULL"))
        await eventually(lambda: harness.messages_in("jobs.email"))
        await harness.worker((EMAIL, recording_handler))
        for job in jobs:
            await harness.reaches(job, JobStatus.COMPLETED)

        async def all_wake_ups_are_consumed() -> bool:
            return not await harness.messages_in("jobs.email")

        await eventually(all_wake_ups_are_consumed)
        assert sorted(recording_handler.done) == ["a", "b", "c"]


async def test_progress_is_seen_at_once(harness: JobHarness) -> None:
    go_on = asyncio.Event()

    async def report_and_wait(_: SamplePayload, context: JobContext) -> None:
        await context.report({"step": 2, "of": 5})
        await go_on.wait()

    await harness.worker((EMAIL, report_and_wait))
    [job] = await harness.enqueue("email", "article")

    async def progress() -> object:
        return (await harness.queue.find(job.job_id)).progress

    assert await eventually(progress) == {"step": 2, "of": 5}
    go_on.set()
    done = await harness.reaches(job, JobStatus.COMPLETED)
    assert (done.result, done.progress) == (None, {"step": 2, "of": 5})


async def test_request_ids_are_the_same_in_every_try(harness: JobHarness) -> None:
    seen = []

    async def fail_once(_: SamplePayload, context: JobContext) -> None:
        seen.append((context.request_id("charge"), context.request_id("tell"), context.is_last_attempt))
        if context.attempt == 1:
            raise ValueError

    await harness.worker((policy("email", tries=2), fail_once))
    job = await harness.queue_with({"email": policy("email", tries=2)}).enqueue(
        "email", SamplePayload(), idempotency_key="k"
    )
    await harness.reaches(job, JobStatus.COMPLETED)
    assert seen[0][:2] == seen[1][:2]
    assert seen[0][0] != seen[0][1]
    assert [is_last for *_, is_last in seen] == [False, True]


class TestRetention:
    async def test_only_the_last_are_kept_and_counted_all_the_same(self, harness: JobHarness) -> None:
        rules = policy("email", keep_completed=3, keep_failed=2)
        await harness.worker((rules, RecordingHandler(failures=[JobRefused("no")] * 4)), trim_seconds=0.2)
        jobs = await harness.enqueue("email", *(str(number) for number in range(12)))

        async def kept() -> bool:
            by_status = [(await harness.queue.page(status=status))[1] for status in JobStatus]
            return by_status == [0, 0, 0, 3, 2, 0]

        await eventually(kept)
        [stats] = [each for each in await harness.queue.stats() if each.kind == "email"]
        assert (stats.completed, stats.failed, stats.failed_kept) == (8, 4, 2)
        assert stats.success_rate == 8 / 12
        assert len(jobs) == 12

    async def test_cancelled_ones_take_no_place_of_completed_ones(self, harness: JobHarness) -> None:
        done = await harness.enqueue("email", *"ab")
        worker = await harness.worker((EMAIL, RecordingHandler()))
        for job in done:
            await harness.reaches(job, JobStatus.COMPLETED)
        await harness.stop_worker(worker)
        for job in await harness.enqueue("email", *"cdef"):  # later, so that they would be the last two
            await harness.queue.cancel(job.job_id)
        await harness.worker((policy("email", keep_completed=2), RecordingHandler()), trim_seconds=0.1)

        async def kept() -> bool:
            counts = [
                (await harness.queue.page(status=status))[1] for status in (JobStatus.COMPLETED, JobStatus.CANCELLED)
            ]
            return counts == [2, 2]

        await eventually(kept)

    async def test_key_of_a_job_that_is_gone_is_still_known(self, harness: JobHarness) -> None:
        recording_handler = RecordingHandler()
        await harness.worker((policy("email", keep_completed=0), recording_handler), trim_seconds=0.1)
        job = await harness.queue.enqueue("email", SamplePayload(name="a"), idempotency_key="k")

        async def is_gone() -> bool:
            return (await harness.queue.page())[1] == 0

        await eventually(is_gone)
        again = await harness.queue.enqueue("email", SamplePayload(name="a"), idempotency_key="k")
        assert (again.job_id, again.status) == (job.job_id, JobStatus.COMPLETED)
        assert recording_handler.done == ["a"]

    async def test_old_ones_go_however_few_they_are(self, harness: JobHarness) -> None:
        await harness.worker((policy("email", keep_completed_seconds=3600), RecordingHandler()), trim_seconds=0.1)
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
