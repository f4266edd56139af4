"""Workers that come, go, fall silent, and lose the broker; and what is thrown away in the end."""

import asyncio
from urllib.parse import urlsplit

from sqlalchemy import text

from devstack.ports import LOOPBACK
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.record import JobStatus
from orchestrator.jobs.registry import JobContext
from tests.chaos.network import TcpProxy, open_proxies
from tests.integration.jobs.site import POLICIES, Bench, Errand, Site, policy
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

EMAIL = POLICIES["email"]
LEASE_SECONDS = 3.0  # a busy machine renews it in time


class TestShutdown:
    async def test_what_is_in_hand_is_finished(self, site: Site) -> None:
        bench = Bench()
        bench.gate.clear()
        worker = await site.worker((EMAIL, bench))
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.RUNNING)
        leaving = asyncio.create_task(site.dismiss(worker, grace_seconds=ANSWER_SECONDS))
        [late] = await site.enqueue("email", "late")
        bench.gate.set()
        await leaving
        assert (await site.queue.find(job.job_id)).status is JobStatus.COMPLETED
        await site.worker((EMAIL, bench))
        await site.reaches(late, JobStatus.COMPLETED)

    async def test_what_takes_too_long_is_handed_back_and_its_try_does_not_count(self, site: Site) -> None:
        bench = Bench()
        bench.gate.clear()
        worker = await site.worker((EMAIL, bench), lease_seconds=60)
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.RUNNING)
        await site.dismiss(worker, grace_seconds=0.1)
        back = await site.queue.find(job.job_id)
        assert (back.status, back.attempts, bench.cancelled) == (JobStatus.RETRYING, 0, 1)
        bench.gate.set()
        await site.worker((EMAIL, bench))
        assert (await site.reaches(job, JobStatus.COMPLETED)).attempts == 1


class TestLostWorker:
    async def test_its_job_is_taken_over_and_its_own_answer_no_longer_counts(self, site: Site) -> None:
        """It sleeps through its lease, as a frozen process would."""
        asleep, other = Bench(), Bench()
        asleep.gate.clear()
        sleeper = await site.worker((EMAIL, asleep), lease_seconds=0.5)
        await sleeper.runner.close()  # leases are no longer kept
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.RUNNING)
        await sleeper.consumer.stop()
        await site.worker((EMAIL, other), lease_seconds=5)
        done = await site.reaches(job, JobStatus.COMPLETED)
        assert (done.attempts, other.done) == (2, ["letter"])
        asleep.gate.set()
        await eventually(lambda: site.outcomes["lost"] == 1)
        assert await site.queue.find(job.job_id) == done

    async def test_its_late_answer_does_not_end_the_try_of_another(self, site: Site) -> None:
        asleep, other = Bench(), Bench()
        for bench in (asleep, other):
            bench.gate.clear()
        sleeper = await site.worker((EMAIL, asleep), lease_seconds=0.5)
        await sleeper.runner.close()
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.RUNNING)
        await sleeper.consumer.stop()
        await site.worker((EMAIL, other), lease_seconds=5)
        await eventually(lambda: other.begun)
        asleep.gate.set()
        await eventually(lambda: site.outcomes["lost"] == 1)
        assert (await site.queue.find(job.job_id)).status is JobStatus.RUNNING
        other.gate.set()
        assert (await site.reaches(job, JobStatus.COMPLETED)).attempts == 2
        assert len(await site.announced("job.completed")) == 1

    async def test_one_that_finds_its_lease_gone_stops(self, site: Site) -> None:
        bench = Bench()
        bench.gate.clear()
        await site.worker((EMAIL, bench), lease_seconds=LEASE_SECONDS)
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.RUNNING)
        await site.database.execute(text("UPDATE jobs SET epoch = epoch + 1"))
        await eventually(lambda: bench.cancelled == 1)
        assert site.outcomes["lost"] == 1

    async def test_one_that_comes_back_to_the_worker_that_lost_it_is_kept(self, site: Site) -> None:
        bench = Bench()
        bench.gate.clear()
        await site.worker((EMAIL, bench), lease_seconds=LEASE_SECONDS)
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.RUNNING)
        await site.database.execute(text("UPDATE jobs SET epoch = epoch + 1, status = 'queued', lease_until = NULL"))
        await site.enqueue("email", "another")  # its token wakes a second hand, which takes the best ready job
        await eventually(lambda: bench.cancelled == 1)
        await site.reaches(job, JobStatus.RUNNING)
        await site.lease_is_renewed(job, times=3)
        bench.gate.set()
        assert (await site.reaches(job, JobStatus.COMPLETED)).attempts == 2

    async def test_lease_is_kept_while_the_handler_works(self, site: Site) -> None:
        bench = Bench()
        bench.gate.clear()
        await site.worker((EMAIL, bench), lease_seconds=LEASE_SECONDS)
        [job] = await site.enqueue("email", "letter")
        await site.reaches(job, JobStatus.RUNNING)
        await site.lease_is_renewed(job, times=3)
        bench.gate.set()
        assert (await site.reaches(job, JobStatus.COMPLETED)).attempts == 1

    async def test_lost_in_its_last_try_it_has_failed(self, site: Site) -> None:
        bench = Bench()
        bench.gate.clear()
        worker = await site.worker((EMAIL, bench))
        job = await site.queue_with({"email": policy("email", tries=1)}).enqueue("email", Errand(), idempotency_key="k")
        await site.reaches(job, JobStatus.RUNNING)
        await worker.runner.close()
        await site.database.execute(text("UPDATE jobs SET lease_until = now() - interval '1 s'"))
        failed = await site.reaches(job, JobStatus.FAILED)
        assert failed.error is not None
        assert failed.error.code == "WORKER_LOST"
        assert await eventually(lambda: site.taken_from("jobs.dead"))


class TestBroker:
    async def test_try_goes_on_when_the_connection_is_lost(self, site: Site) -> None:
        """Its token comes again, and finds no hand free before the try has ended, and nothing to do then."""
        bench = Bench()
        bench.gate.clear()
        broker = urlsplit(site.vhost.url)
        async with open_proxies([TcpProxy("rabbitmq", lambda: (str(broker.hostname), broker.port or 0))]) as lines:
            over_line = broker._replace(netloc=f"guest:guest@{LOOPBACK}:{lines['rabbitmq'].port}").geturl()
            worker = await site.worker(
                (policy("email", concurrency=1, timeout_seconds=60), bench), rabbitmq_url=over_line
            )
            [job, next_job] = await site.enqueue("email", "letter", "next")
            await site.reaches(job, JobStatus.RUNNING)

            async def is_lost() -> bool:
                return not await worker.consumer.broker.is_healthy()

            async with lines["rabbitmq"].cut():
                await eventually(is_lost)
            await eventually(worker.consumer.broker.is_healthy)
            bench.gate.set()
            for each in (job, next_job):
                assert (await site.reaches(each, JobStatus.COMPLETED)).attempts == 1
            await site.dismiss(worker)
        assert (bench.begun, bench.most_at_once, bench.cancelled) == (["letter", "next"], 1, 0)

    async def test_lost_tokens_are_sent_again(self, site: Site) -> None:
        jobs = await site.enqueue("email", *"abc")
        await eventually(lambda: site.messages_in("jobs.email"))
        await site.purge()
        await site.worker((EMAIL, Bench()), grace_seconds=0.3)
        for job in jobs:
            await site.reaches(job, JobStatus.COMPLETED)

    async def test_lost_token_is_sent_again_also_to_those_who_are_always_busy(self, site: Site) -> None:
        """Jobs of higher priority come all the time, each with its token."""
        bench = Bench()
        [lost] = await site.enqueue("email", "lost")
        await eventually(lambda: site.messages_in("jobs.email"))
        await site.purge()

        async def keep_busy() -> None:
            while True:
                await site.enqueue("email", "urgent", priority=10)
                await asyncio.sleep(0.02)

        busy = asyncio.create_task(keep_busy())
        try:
            await eventually(lambda: site.messages_in("jobs.email"))
            await site.worker((EMAIL, bench), grace_seconds=0.3)
            await site.reaches(lost, JobStatus.COMPLETED)
        finally:
            busy.cancel()
        assert len(bench.done) > 50  # the others were not kept waiting

    async def test_duplicated_tokens_find_nothing_to_do(self, site: Site) -> None:
        bench = Bench()
        jobs = await site.enqueue("email", *"abc")
        await site.database.execute(text("UPDATE outbox SET sent_at = NULL"))
        await eventually(lambda: site.messages_in("jobs.email"))
        await site.worker((EMAIL, bench))
        for job in jobs:
            await site.reaches(job, JobStatus.COMPLETED)

        async def all_tokens_are_used() -> bool:
            return not await site.messages_in("jobs.email")

        await eventually(all_tokens_are_used)
        assert sorted(bench.done) == ["a", "b", "c"]


async def test_progress_is_seen_at_once(site: Site) -> None:
    go_on = asyncio.Event()

    async def report_and_wait(_: Errand, context: JobContext) -> None:
        await context.report({"step": 2, "of": 5})
        await go_on.wait()

    await site.worker((EMAIL, report_and_wait))
    [job] = await site.enqueue("email", "article")

    async def progress() -> object:
        return (await site.queue.find(job.job_id)).progress

    assert await eventually(progress) == {"step": 2, "of": 5}
    go_on.set()
    done = await site.reaches(job, JobStatus.COMPLETED)
    assert (done.result, done.progress) == (None, {"step": 2, "of": 5})


async def test_request_ids_are_the_same_in_every_try(site: Site) -> None:
    seen = []

    async def fail_once(_: Errand, context: JobContext) -> None:
        seen.append((context.request_id("charge"), context.request_id("tell"), context.is_last_attempt))
        if context.attempt == 1:
            raise ValueError

    await site.worker((policy("email", tries=2), fail_once))
    job = await site.queue_with({"email": policy("email", tries=2)}).enqueue("email", Errand(), idempotency_key="k")
    await site.reaches(job, JobStatus.COMPLETED)
    assert seen[0][:2] == seen[1][:2]
    assert seen[0][0] != seen[0][1]
    assert [is_last for *_, is_last in seen] == [False, True]


class TestRetention:
    async def test_only_the_last_are_kept_and_counted_all_the_same(self, site: Site) -> None:
        rules = policy("email", keep_completed=3, keep_failed=2)
        await site.worker((rules, Bench(failures=[JobRefused("no")] * 4)), trim_seconds=0.2)
        jobs = await site.enqueue("email", *(str(number) for number in range(12)))

        async def kept() -> bool:
            by_status = [(await site.queue.page(status=status))[1] for status in JobStatus]
            return by_status == [0, 0, 0, 3, 2, 0]

        await eventually(kept)
        [stats] = [each for each in await site.queue.stats() if each.kind == "email"]
        assert (stats.completed, stats.failed, stats.failed_kept) == (8, 4, 2)
        assert stats.success_rate == 8 / 12
        assert len(jobs) == 12

    async def test_cancelled_ones_take_no_place_of_completed_ones(self, site: Site) -> None:
        done = await site.enqueue("email", *"ab")
        worker = await site.worker((EMAIL, Bench()))
        for job in done:
            await site.reaches(job, JobStatus.COMPLETED)
        await site.dismiss(worker)
        for job in await site.enqueue("email", *"cdef"):  # later, so that they would be the last two
            await site.queue.cancel(job.job_id)
        await site.worker((policy("email", keep_completed=2), Bench()), trim_seconds=0.1)

        async def kept() -> bool:
            counts = [
                (await site.queue.page(status=status))[1] for status in (JobStatus.COMPLETED, JobStatus.CANCELLED)
            ]
            return counts == [2, 2]

        await eventually(kept)

    async def test_key_of_a_job_that_is_gone_is_still_known(self, site: Site) -> None:
        bench = Bench()
        await site.worker((policy("email", keep_completed=0), bench), trim_seconds=0.1)
        job = await site.queue.enqueue("email", Errand(name="a"), idempotency_key="k")

        async def is_gone() -> bool:
            return (await site.queue.page())[1] == 0

        await eventually(is_gone)
        again = await site.queue.enqueue("email", Errand(name="a"), idempotency_key="k")
        assert (again.job_id, again.status) == (job.job_id, JobStatus.COMPLETED)
        assert bench.done == ["a"]

    async def test_old_ones_go_however_few_they_are(self, site: Site) -> None:
        await site.worker((policy("email", keep_completed_seconds=3600), Bench()), trim_seconds=0.1)
        [old, new] = await site.enqueue("email", "old", "new")
        for job in (old, new):
            await site.reaches(job, JobStatus.COMPLETED)
        await site.database.execute(
            text("UPDATE jobs SET finished_at = finished_at - interval '2 hours' WHERE job_id = :job_id"),
            {"job_id": old.job_id},
        )

        async def left() -> bool:
            jobs, _ = await site.queue.page()
            return [job.job_id for job in jobs] == [new.job_id]

        await eventually(left)
