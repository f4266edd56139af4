"""Deliberate bugs in the jobs that write texts."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

WRITING: Final = "tests/chaos/test_commission_writing.py"
JOBS: Final = "tests/integration/jobs/test_commission_jobs.py"
HANDLER: Final = "orchestrator/features/commissions/jobs.py"

MUTATIONS: Final = (
    Mutation(
        name="an order that got its text before a crash fails",
        file=HANDLER,
        before="            if order.version is not None and order.status in HAS_TEXT and order.round == work.round:\n",
        after="            if order.version is not None and order.status in HAS_TEXT and order.round > work.round:\n",
        caught_by=(f"{WRITING}::test_worker_killed_at_every_step",),
        breaks=("a worker is killed or frozen at any step of a text",),
    ),
    Mutation(
        name="an order whose provider is down stays PROCESSING",
        file=HANDLER,
        before="        if not (context.is_last_attempt or isinstance(error, FINAL)):\n",
        after="        if not isinstance(error, FINAL):\n",
        caught_by=(f"{WRITING}::test_provider_that_is_down_fails_the_order_until_its_job_is_retried",),
        breaks=("a provider of texts is down, busy, or answers nonsense",),
    ),
    Mutation(
        name="a busy provider uses up the attempts",
        file=HANDLER,
        before="        if rest < 0:\n",
        after="        if now >= since:\n",
        caught_by=(f"{WRITING}::test_busy_provider_is_asked_again_after_the_time_that_it_names",),
    ),
    Mutation(
        name="a job waits for a busy provider for ever",
        file=HANDLER,
        before="        if rest < 0:\n",
        after="        if rest < -100 * LIMITED_TIME.total_seconds():\n",
        caught_by=(f"{WRITING}::test_provider_that_has_been_busy_for_an_hour_has_failed",),
    ),
    Mutation(
        name="the provider does not learn what was wrong with its text",
        file="orchestrator/features/commissions/service/writing.py",
        before="            brief = replace(brief, attempt=brief.attempt + 1, findings=checked.report.findings)\n",
        after="            brief = replace(brief, attempt=brief.attempt + 1)\n",
        caught_by=(f"{WRITING}::test_faulty_text_is_written_again[french-1-1]",),
    ),
    Mutation(
        name="a text is stored that fails its checks",
        file="orchestrator/features/commissions/service/writing.py",
        before="            if checked.report.passed:\n",
        after="            if checked.report.words:\n",
        caught_by=(f"{WRITING}::test_faulty_text_is_written_again[script-1-1]",),
    ),
    Mutation(
        name="revisions wait behind first texts",
        file="orchestrator/features/commissions/saga.py",
        before="priority=REVISION_PRIORITY if writing.is_revision else 0)\n",
        after="priority=0)\n",
        caught_by=(f"{WRITING}::test_revisions_are_written_before_first_texts_that_were_ordered_earlier",),
        breaks=("revisions are asked for while fifty first texts wait",),
    ),
    Mutation(
        name="an order whose job is gone waits for ever",
        file="orchestrator/features/commissions/repository.py",
        before="(j.job_id IS NULL OR j.status NOT IN",
        after="(j.status NOT IN",
        caught_by=(f"{JOBS}::test_jobs_that_no_worker_will_run_have_ended",),
        breaks=("the job of an ordered text is dead, cancelled or deleted",),
    ),
    Mutation(
        name="an order whose job waits fails",
        file="orchestrator/features/commissions/repository.py",
        before="NOT IN ('queued', 'running', 'retrying')",
        after="NOT IN ('running', 'retrying')",
        caught_by=(f"{WRITING}::test_order_whose_job_was_cancelled_fails_and_one_whose_job_waits_does_not",),
    ),
)
