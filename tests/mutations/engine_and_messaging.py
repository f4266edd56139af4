"""Deliberate bugs in the saga engine, the jobs, messaging and shared infrastructure."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

ENGINE: Final = "tests/integration/orchestrator/test_engine.py"
REFUSALS: Final = "tests/integration/orchestrator/test_engine_refusals.py"
STUCK: Final = "tests/integration/orchestrator/test_engine_stuck.py"
MIXED_VERSIONS: Final = "tests/contracts/test_mixed_versions.py"
MESSAGING: Final = "tests/integration/common/test_messaging.py"
WORK_IN_PROGRESS: Final = "tests/chaos/test_work_in_progress.py"
RETENTION: Final = "tests/integration/common/test_retention.py"
POOL: Final = "tests/integration/common/test_pool.py"
WORKER: Final = "tests/integration/jobs/test_worker.py"

MUTATIONS: Final = (
    Mutation(
        name="an owner that lost its saga continues to write (no epoch check)",
        file="orchestrator/saga_engine/statements.py",
        before="        WHERE saga_id = :saga_id AND epoch = :epoch\n        RETURNING saga_id), {ANNOUNCE}",
        after="        WHERE saga_id = :saga_id AND :epoch > 0\n        RETURNING saga_id), {ANNOUNCE}",
        caught_by=(f"{ENGINE}::test_zombie_cannot_write",),
    ),
    Mutation(
        name="a saga that is taken over keeps its epoch",
        file="orchestrator/saga_engine/statements.py",
        before="    UPDATE sagas SET epoch = epoch + 1, updated_at = clock_timestamp(),\n        state = CASE state",
        after="    UPDATE sagas SET updated_at = clock_timestamp(),\n        state = CASE state",
        caught_by=(f"{ENGINE}::test_zombie_cannot_write",),
    ),
    Mutation(
        name="paid purchases are deleted with the abandoned ones",
        file="orchestrator/saga_engine/repository.py",
        before="state = 'UNWOUND' AND kind = '{kind}' AND updated_at",
        after="kind = '{kind}' AND updated_at",
        caught_by=("tests/integration/orchestrator/test_saga_retention.py::test_only_abandoned_purchases_are_deleted",),
    ),
    Mutation(
        name="messages are deleted by when they were written, sent or not",
        file="common/messaging/outbox.py",
        before='aged_by="sent_at", keep_days=keep_hours / 24, condition="sent_at IS NOT NULL"',
        after='aged_by="created_at", keep_days=keep_hours / 24, condition="true"',
        caught_by=(f"{RETENTION}::test_sent_messages_are_deleted_in_batches",),
    ),
    Mutation(
        name="a batch of old rows has no limit",
        file="common/db/retention.py",
        before="LIMIT :batch FOR UPDATE SKIP LOCKED",
        after="LIMIT 100 * :batch FOR UPDATE SKIP LOCKED",
        caught_by=(f"{RETENTION}::test_backlog_is_deleted_in_batches",),
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
    ),
    Mutation(
        name="participants do not say which refusals they remember",
        file="common/db/idempotency.py",
        before="            is_remembered=True,",
        after="            is_remembered=False,",
        caught_by=(f"{MIXED_VERSIONS}::TestParticipants::test_too_few_credits_are_remembered",),
    ),
    Mutation(
        name="a stuck saga is not tried again",
        file="orchestrator/saga_engine/runner.py",
        before="            saga = saga.with_changes(state=self.direction_of(saga))",
        after="            pass",
        caught_by=(f"{STUCK}::TestTriedAgain::test_undo_heals_by_itself",),
    ),
    Mutation(
        name="a step that was refused after the pivot is tried again with the refused request id",
        file="orchestrator/saga_engine/runner.py",
        before="STUCK_ATTEMPTS - 1), retries=saga.retries + 1)",
        after="STUCK_ATTEMPTS - 1))",
        caught_by=(f"{STUCK}::TestTriedAgain::test_step_after_the_pivot_heals_by_itself",),
    ),
    Mutation(
        name="a participant that hangs occupies all slots",
        file="orchestrator/saga_engine/statements.py",
        before="row_number() OVER (PARTITION BY kind, step_name ORDER BY due_at) AS place",
        after="row_number() OVER (ORDER BY due_at) AS place",
        caught_by=(
            "tests/integration/orchestrator/test_take_over.py::test_step_that_hangs_does_not_hold_up_the_others",
        ),
    ),
    Mutation(
        name="messages are acknowledged before they are handled",
        file="common/messaging/consumer.py",
        before="""        outcome = "done"
        try:
            await self._handle(incoming)
        except asyncio.CancelledError:
            raise  # shutting down: the message is not acknowledged, so another consumer gets it
        except Exception as error:  # noqa: BLE001 - every failure has a disposition
            outcome = await self._dispose(incoming, error)
        else:
            await incoming.ack()
""",
        after="""        outcome = "done"
        await incoming.ack()
        try:
            await self._handle(incoming)
        except asyncio.CancelledError:
            raise
        except Exception:
            outcome = "lost"
""",
        caught_by=(
            f"{MESSAGING}::TestConsumer::test_unacknowledged_message_is_redelivered_after_a_crash",
            f"{MESSAGING}::TestConsumer::test_message_that_keeps_crashing_its_handler_is_parked",
        ),
    ),
    Mutation(
        name="a message that crashes its handler is redelivered forever",
        file="common/messaging/consumer.py",
        before="        if disposition_of(error) is MessageDisposition.RETURN and deliveries < DELIVERY_LIMIT:",
        after="        if disposition_of(error) is MessageDisposition.RETURN and deliveries > 0:",
        caught_by=(f"{MESSAGING}::TestConsumer::test_message_that_keeps_crashing_its_handler_is_parked",),
    ),
    Mutation(
        name="messages are marked as sent without the broker's confirmation",
        file="common/messaging/outbox.py",
        before="zip(rows, outcomes, strict=True) if failure is None]:",
        after="zip(rows, outcomes, strict=True) if not isinstance(failure, str)]:",
        caught_by=(f"{MESSAGING}::TestOutboxRelay::test_unroutable_message_is_kept_and_does_not_block_others",),
    ),
    Mutation(
        name="two relays send the same messages",
        file="common/messaging/outbox.py",
        before="    ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED\n",
        after="    ORDER BY created_at LIMIT :batch\n",
        caught_by=(f"{MESSAGING}::TestOutboxRelay::test_two_relays_share_the_work",),
    ),
    Mutation(
        name="a caller without a free connection waits forever",
        file="common/db/engine.py",
        before="            timeout = None if pool.get_idle_size() else self._settings.database_pool_timeout_seconds\n",
        after="            timeout = None\n",
        caught_by=(f"{POOL}::test_caller_without_a_connection_is_refused_and_the_others_continue[in_one_statement]",),
    ),
    Mutation(
        name="SIGTERM drops requests in progress",
        file="common/http/app.py",
        before='        "timeout_graceful_shutdown": int(settings.shutdown_grace_seconds),\n',
        after='        "timeout_graceful_shutdown": 0,\n',
        caught_by=(
            f"{WORK_IN_PROGRESS}::TestTerminatedUnderLoad::test_requests_in_progress_are_answered[gateway-users]",
        ),
    ),
    Mutation(
        name="a worker that lost its job ends another worker's attempt",
        file="orchestrator/jobs/repository/attempts.py",
        before="        WHERE job_id = :job_id AND epoch = :epoch AND status = 'running'\n        RETURNING job_id, kind",
        after="        WHERE job_id = :job_id AND :epoch > 0 AND status = 'running'\n        RETURNING job_id, kind",
        caught_by=(f"{WORKER}::TestLostWorker::test_late_result_does_not_end_the_new_attempt",),
    ),
    Mutation(
        name="a stolen refresh token stays valid (no reuse detection)",
        file="users/sessions/service.py",
        before="            await self._revoke(token.session_id, because=TOKEN_REUSED)\n",
        after="",
        caught_by=("tests/integration/users/test_sessions.py::TestRefresh::test_a_used_token_ends_the_whole_session",),
    ),
    Mutation(
        name="messages older than consumers remember are sent again",
        file="common/messaging/resend.py",
        before="    AND created_at > CAST(:oldest AS timestamptz)\n",
        after="    AND CAST(:oldest AS timestamptz) IS NOT NULL\n",
        caught_by=("tests/integration/notifications/test_resend.py::TestCommand::test_marks_what_was_sent_since_then",),
    ),
)
