"""Deliberate bugs in the saga engine, the jobs, and the end of a process."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

CRASHES: Final = "tests/contracts/test_crashes.py::TestCrash"
ENGINE: Final = "tests/integration/orchestrator/test_engine.py"
REFUSALS: Final = "tests/integration/orchestrator/test_engine_refusals.py"
STUCK: Final = "tests/integration/orchestrator/test_engine_stuck.py"
MIXED_VERSIONS: Final = "tests/contracts/test_mixed_versions.py"
WORK_IN_PROGRESS: Final = "tests/chaos/test_work_in_progress.py"
WORKER: Final = "tests/integration/jobs/test_worker.py"

MUTATIONS: Final = (
    Mutation(
        name="an owner that lost its saga continues to write (no epoch check)",
        file="orchestrator/saga_engine/statements.py",
        before="        WHERE saga_id = :saga_id AND epoch = :epoch\n        RETURNING saga_id), {ANNOUNCE}",
        after="        WHERE saga_id = :saga_id AND :epoch > 0\n        RETURNING saga_id), {ANNOUNCE}",
        caught_by=(f"{ENGINE}::test_zombie_cannot_write",),
        breaks=("a stale epoch is refused",),
    ),
    Mutation(
        name="a saga that is taken over keeps its epoch",
        file="orchestrator/saga_engine/statements.py",
        before="    UPDATE sagas SET epoch = epoch + 1, updated_at = clock_timestamp(),\n        state = CASE state",
        after="    UPDATE sagas SET updated_at = clock_timestamp(),\n        state = CASE state",
        caught_by=(f"{ENGINE}::test_zombie_cannot_write",),
        breaks=("a stale epoch is refused",),
    ),
    Mutation(
        name="two recoverers take over one saga (no lock)",
        file="orchestrator/saga_engine/statements.py",
        before="            WHERE place <= :slots - coalesce(taken, 0))\n        FOR UPDATE SKIP LOCKED)\n",
        after="            WHERE place <= :slots - coalesce(taken, 0)))\n",
        caught_by=(f"{ENGINE}::test_locked_saga_is_left_to_the_recoverer_that_locked_it",),
        breaks=("two recoverers take over one saga, with one effect",),
    ),
    Mutation(
        name="a call that is repeated after a crash has another request id",
        file="orchestrator/saga_engine/plan.py",
        before="        return uuid.uuid5(saga_id, name)\n",
        after="        return uuid.uuid4() if name else saga_id\n",
        caught_by=(f"{CRASHES}::test_while_acting[after action-purchase: charge wallet]",),
        breaks=("a process is killed at every write",),
    ),
    Mutation(
        name="a lost response is not asked for again",
        file="orchestrator/saga_engine/runner.py",
        before="                except (*UNAVAILABLE, Internal):\n                    if time.monotonic() + pause_seconds >= give_up_at:\n",
        after="                except (*UNAVAILABLE, Internal):\n                    if pause_seconds:\n",
        caught_by=(f"{ENGINE}::test_lost_reply_is_asked_for_again_with_the_same_id",),
        breaks=("a response is lost after its commit",),
    ),
    Mutation(
        name="an idempotency key has no effect",
        file="orchestrator/saga_engine/idempotency.py",
        before='    return uuid.uuid5(user_id, f"{operation}/{key}") if key else uuid.uuid4()\n',
        after="    return uuid.uuid4()\n",
        caught_by=("tests/e2e/test_races.py::test_hundred_concurrent_reserves_with_one_key_create_one_order",),
        breaks=("one idempotency key is sent a hundred times concurrently",),
    ),
    Mutation(
        name="paid purchases are deleted with the abandoned ones",
        file="orchestrator/saga_engine/repository.py",
        before="state = 'UNWOUND' AND kind = '{kind}' AND updated_at",
        after="kind = '{kind}' AND updated_at",
        caught_by=("tests/integration/orchestrator/test_saga_retention.py::test_only_abandoned_purchases_are_deleted",),
    ),
    Mutation(
        name="a saga that does not fit its plan is due forever",
        file="orchestrator/saga_engine/repository.py",
        before="            await self._count_unfit(row, error)\n            raise",
        after="            raise",
        caught_by=(
            "tests/integration/orchestrator/test_engine_unfit.py::TestUnfit::test_becomes_stuck_and_others_go_on",
        ),
    ),
    Mutation(
        name="a saga whose message cannot be built is due forever",
        file="orchestrator/saga_engine/runner.py",
        before="            return await self._on_failed_attempt(saga, error)",
        after="            return saga.with_changes(is_paused=True)",
        caught_by=("tests/integration/orchestrator/test_engine_failures.py::test_bug_counts_an_attempt_each_time",),
    ),
    Mutation(
        name="a step that an older release writes keeps its old name",
        file="orchestrator/migrations/versions/0011_saga_step_names.py",
        before="    for statement in NAME_WRITES_OF_OLDER_RELEASES:",
        after="    for statement in ():",
        caught_by=("tests/integration/orchestrator/test_step_names.py::test_both_releases_take_turns_on_one_saga",),
    ),
    Mutation(
        name="an unknown outcome is treated as a refusal",
        file="orchestrator/saga_engine/runner.py",
        before="        unwinding = self._record_unwinding(saga, SagaError.of(error, step=step.name), includes_step=True)",
        after="        unwinding = self._record_unwinding(saga, SagaError.of(error, step=step.name))",
        caught_by=(f"{ENGINE}::test_unknown_outcome_of_an_undoable_step_is_undone",),
    ),
    Mutation(
        name="the pivot fails permanently after a timeout",
        file="orchestrator/saga_engine/runner.py",
        before="        if step.kind is not StepKind.UNDOABLE:\n            return await self._try_later",
        after="        if step.kind is StepKind.MUST_FINISH:\n            return await self._try_later",
        caught_by=(f"{ENGINE}::test_unknown_outcome_from_the_pivot_on_is_repeated",),
    ),
    Mutation(
        name="a refusal that the participant does not remember ends a step without its undo",
        file="orchestrator/saga_engine/runner.py",
        before="            decide = self._on_refusal if error.is_remembered else self._on_unknown",
        after="            is_refusal = not isinstance(error, (*UNAVAILABLE, Internal))\n"
        "            decide = self._on_refusal if is_refusal else self._on_unknown",
        caught_by=(
            f"{REFUSALS}::test_undoable_step_is_undone_too[charge-fingerprint]",
            f"{REFUSALS}::test_pivot_is_repeated_until_its_outcome_is_known[fingerprint]",
            f"{REFUSALS}::test_no_way_back_to_the_wait",
        ),
        breaks=("a deployment changes what a participant accepts",),
    ),
    Mutation(
        name="participants do not say which refusals they remember",
        file="common/db/idempotency.py",
        before="            is_remembered=True,",
        after="            is_remembered=False,",
        caught_by=(f"{MIXED_VERSIONS}::TestParticipants::test_too_few_credits_are_remembered",),
        breaks=("a deployment changes what a participant accepts",),
    ),
    Mutation(
        name="a stuck saga is not tried again",
        file="orchestrator/saga_engine/runner.py",
        before="            saga = saga.with_changes(state=self.direction_of(saga))",
        after="            pass",
        caught_by=(f"{STUCK}::TestTriedAgain::test_undo_heals_by_itself",),
        breaks=("a participant is away for an hour",),
    ),
    Mutation(
        name="a step that was refused after the pivot is tried again with the refused request id",
        file="orchestrator/saga_engine/runner.py",
        before="STUCK_ATTEMPTS - 1), retries=saga.retries + 1)",
        after="STUCK_ATTEMPTS - 1))",
        caught_by=(f"{STUCK}::TestTriedAgain::test_step_after_the_pivot_heals_by_itself",),
        breaks=("a participant is away for an hour",),
    ),
    Mutation(
        name="a participant that hangs occupies all slots",
        file="orchestrator/saga_engine/statements.py",
        before="row_number() OVER (PARTITION BY kind, step_name ORDER BY due_at) AS place",
        after="row_number() OVER (ORDER BY due_at) AS place",
        caught_by=(
            "tests/integration/orchestrator/test_take_over.py::test_step_that_hangs_does_not_hold_up_the_others",
        ),
        breaks=("a participant hangs",),
    ),
    Mutation(
        name="a worker that lost its job ends another worker's attempt",
        file="orchestrator/jobs/repository/attempts.py",
        before="        WHERE job_id = :job_id AND epoch = :epoch AND status = 'running'\n        RETURNING job_id, kind",
        after="        WHERE job_id = :job_id AND :epoch > 0 AND status = 'running'\n        RETURNING job_id, kind",
        caught_by=(f"{WORKER}::TestLostWorker::test_late_result_does_not_end_the_new_attempt",),
    ),
    Mutation(
        name="SIGTERM drops requests in progress",
        file="common/http/app.py",
        before='        "timeout_graceful_shutdown": int(settings.shutdown_grace_seconds),\n',
        after='        "timeout_graceful_shutdown": 0,\n',
        caught_by=(
            f"{WORK_IN_PROGRESS}::TestTerminatedUnderLoad::test_requests_in_progress_are_answered[gateway-users]",
        ),
        breaks=("SIGTERM under load: requests in progress are answered",),
    ),
)
