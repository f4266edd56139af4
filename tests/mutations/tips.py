"""Deliberate bugs in tips and the performance queue."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

JOBS: Final = "tests/e2e/test_queued_tip_jobs.py"
UNIT: Final = "tests/unit/orchestrator/test_tips.py"
REFUSALS: Final = "tests/e2e/test_tip_refusals.py::TestRefusals"
ATTEMPTS: Final = "tests/integration/jobs/test_attempts.py"
RULES: Final = "orchestrator/features/purchased_items/service.py"

MUTATIONS: Final = (
    Mutation(
        name="a repeated request buys another tip after the first one has failed",
        file="orchestrator/saga_engine/idempotency.py",
        before="(was_accepted(last) or not _may_be_repeated(last, repeatable))",
        after="not _may_be_repeated(last, repeatable)",
        caught_by=(f"{JOBS}::test_repeated_header_finds_a_tip_that_has_failed_since",),
    ),
    Mutation(
        name="a flagged fan queues a tip without a code",
        file="orchestrator/features/tips/service.py",
        before="        if tip.mode is ExecutionMode.QUEUED and not is_funded:\n",
        after="        if not tip.mode:\n",
        caught_by=(f"{JOBS}::test_flagged_fan_proves_the_phone_before_a_tip_is_queued",),
    ),
    Mutation(
        name="a fan takes the places of a daily limit without paying",
        file="orchestrator/features/tips/service.py",
        before="        is_funded = tip.hold_funds or offer.daily_limit is not None\n",
        after="        is_funded = tip.hold_funds\n",
        caught_by=(
            "tests/e2e/test_tip_races.py::test_fan_without_credits_leaves_the_places_of_a_daily_limit_to_others",
        ),
    ),
    Mutation(
        name="one code of a flagged fan permits any number of purchases",
        file=RULES,
        before="self.item_key if self.has_key else self.fresh_key]",
        after="self.item_key]",
        caught_by=(
            f"{UNIT}::test_proof_of_a_request_without_a_key_is_that_of_its_repetition_with_the_fresh_key",
            "tests/e2e/test_tip_codes.py::test_code_of_a_flagged_fan_permits_one_purchase",
        ),
    ),
    Mutation(
        name="a performer tips themselves",
        file=RULES,
        before="    if performer.performer_id == buyer_user_id:\n",
        after="    if not performer.performer_id:\n",
        caught_by=(f"{REFUSALS}::test_performer_cannot_tip_themselves",),
    ),
    Mutation(
        name="a tip pays the performer of another's item",
        file=RULES,
        before="        if offer is None or performer_id not in {None, offer.performer.performer_id}:\n",
        after="        if offer is None:\n",
        caught_by=(f"{REFUSALS}::test_performer_and_item_must_exist_and_belong_together",),
    ),
    Mutation(
        name="a tip whose job is dead keeps its credits in escrow",
        file="orchestrator/features/tips/repository.py",
        before="j.status IN ('failed', 'cancelled')",
        after="j.status IN ('cancelled')",
        caught_by=(f"{JOBS}::test_tip_whose_job_is_dead_fails_and_its_credits_return",),
    ),
    Mutation(
        name="a paused queue performs tips",
        file="orchestrator/features/tips/jobs.py",
        before="            if (await self.clients.purchased_items.queue(tip.performer_id)).is_paused:\n",
        after="            if not tip.performer_id:\n",
        caught_by=("tests/e2e/test_tips.py::TestQueued::test_nothing_moves_before_the_job_runs",),
    ),
    Mutation(
        name="a postponed job uses an attempt",
        file="orchestrator/jobs/runner.py",
        before="JobStatus.RETRYING, is_unused=True, pause_seconds=pause_seconds)",
        after="JobStatus.RETRYING, is_unused=not pause_seconds, pause_seconds=pause_seconds)",
        caught_by=(f"{ATTEMPTS}::test_postponed_job_uses_no_attempt_and_keeps_its_place_in_the_lane",),
    ),
    Mutation(
        name="a purchase from a performer counts as any other request",
        file="gateway/api.py",
        before="                if route.is_purchase:\n",
        after="                if route.is_purchase and route.is_scan:\n",
        caught_by=(
            "tests/integration/gateway/test_limits.py::test_purchases_from_performers_have_a_limit_of_their_own",
        ),
    ),
)
