"""A stuck saga is shown, and is tried again until it succeeds."""

import json
import uuid
from typing import Any

import pytest
from sqlalchemy import text

from common.errors import Conflict, TooManyRequests
from orchestrator.saga_engine.observer import LoggingObserver, StepMoment
from orchestrator.saga_engine.record import SagaRecord, SagaState
from orchestrator.saga_engine.retries import LONGEST_STUCK_PAUSE_SECONDS, STUCK_ATTEMPTS, pause_seconds_after
from orchestrator.saga_engine.service import SagaAdminService
from tests.integration.orchestrator.conftest import Harness
from tests.integration.orchestrator.engine_actions import (
    CrashAt,
    Crashed,
    load,
    pay,
    place_order,
    run_until_at_rest,
    take_over,
)

ALL_STEPS = ["reserve", "charge", "ship", "confirm"]


async def stuck_undo(harness: Harness, *, more_refusals: int = 0) -> SagaRecord:
    """Return a saga whose undo was refused until it was stuck, and will be refused `more_refusals` times."""
    harness.participant.fail("ship", Conflict(code="NO_CARRIER"))
    refusal = Conflict(code="LEDGER_CLOSED")
    harness.participant.fail("undo charge", *[refusal] * (STUCK_ATTEMPTS + more_refusals))
    saga = await pay(harness.replica(), await place_order(harness.replica()))
    saga = await run_until_at_rest(harness, saga.saga_id)
    assert saga.state is SagaState.STUCK
    return saga


async def stuck_confirmation(harness: Harness, code: str = "NO_RECORD") -> SagaRecord:
    harness.participant.fail("confirm", Conflict(code=code))
    saga = await pay(harness.replica(), await place_order(harness.replica()))
    assert saga.state is SagaState.STUCK
    return saga


async def store_as_previous_release(harness: Harness) -> None:
    """Store all sagas as the previous release stored one whose step after the pivot was refused."""
    refused = {"kind": "conflict", "code": "NO_RECORD", "public_message": "", "step": "confirm", "was_refused": True}
    await harness.database.execute(
        text(
            "UPDATE sagas SET state = 'STUCK', due_at = NULL, retries = 0, attempts = 0, error = CAST(:error AS jsonb)"
        ),
        {"error": json.dumps(refused)},
    )


async def pause_seconds_of(harness: Harness, saga_id: uuid.UUID) -> float:
    """Return how long the saga rests, from its last write to the next try."""
    row = await harness.row(saga_id)
    seconds: float = (row["due_at"] - row["updated_at"]).total_seconds()
    return round(seconds, 2)


class TestTriedAgain:
    async def test_undo_heals_by_itself(self, harness: Harness) -> None:
        saga = await stuck_undo(harness, more_refusals=3)
        saga_id = saga.saga_id
        for _ in range(4):
            assert (await load(harness.replica(), saga_id)).state is SagaState.STUCK
            await harness.make_due()
            await take_over(harness.replica())
        assert (await load(harness.replica(), saga_id)).state is SagaState.UNWOUND
        assert harness.participant.done == []
        assert await harness.announced() == ["order.reserved", "order.failed"]

    async def test_undo_of_an_unavailable_participant_heals_by_itself(self, harness: Harness) -> None:
        harness.participant.fail("ship", Conflict(code="NO_CARRIER"))
        away = [TooManyRequests()] * (2 * STUCK_ATTEMPTS)
        harness.participant.fail("undo charge", *away, is_remembered=False)
        saga = await pay(harness.replica(), await place_order(harness.replica()))
        assert (await run_until_at_rest(harness, saga.saga_id)).state is SagaState.STUCK
        for _ in range(STUCK_ATTEMPTS + 1):
            await harness.make_due()
            await take_over(harness.replica())
        assert (await load(harness.replica(), saga.saga_id)).state is SagaState.UNWOUND

    async def test_step_after_the_pivot_heals_by_itself(self, harness: Harness) -> None:
        saga = await stuck_confirmation(harness)
        await harness.make_due()
        await take_over(harness.replica())
        assert (await load(harness.replica(), saga.saga_id)).state is SagaState.COMPLETED
        assert harness.participant.done == ALL_STEPS

    async def test_retry_whose_process_crashes_after_the_work_is_repeated_with_the_same_id(
        self, harness: Harness
    ) -> None:
        saga = await stuck_confirmation(harness)
        await harness.make_due()
        [crashed] = await harness.replica(CrashAt(StepMoment.AFTER_ACTION, "confirm")).take_over()
        with pytest.raises(Crashed):
            await crashed
        await harness.make_due()
        await take_over(harness.replica())
        assert (await load(harness.replica(), saga.saga_id)).state is SagaState.COMPLETED
        assert harness.participant.done == ALL_STEPS

    async def test_is_shown_as_stuck_while_it_is_tried(self, harness: Harness) -> None:
        states = []

        class Watching(LoggingObserver):
            async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:
                await super().moment_reached(moment, step, saga)
                if moment is StepMoment.BEFORE_UNDO:
                    states.append((step, (await harness.row(saga.saga_id))["state"]))

        await stuck_undo(harness)
        await harness.make_due()
        await take_over(harness.replica(Watching()))
        assert states == [("charge", "STUCK"), ("reserve", "UNWINDING")]

    async def test_pauses_grow_to_ten_minutes(self, harness: Harness) -> None:
        saga = await stuck_undo(harness, more_refusals=8)
        pauses = [await pause_seconds_of(harness, saga.saga_id)]
        for _ in range(6):
            await harness.make_due()
            await take_over(harness.replica())
            pauses.append(await pause_seconds_of(harness, saga.saga_id))
        assert pauses == [30, 60, 120, 240, 480, 600, 600]

    async def test_pauses_before_that_take_longer_than_a_deployment(self) -> None:
        assert 60 < sum(pause_seconds_after(attempts) for attempts in range(1, STUCK_ATTEMPTS)) < 300
        assert pause_seconds_after(10_000) == LONGEST_STUCK_PAUSE_SECONDS


class TestOfThePreviousRelease:
    """It stores no next try of a stuck saga. It calls a step refused whose work may be done."""

    async def test_is_adopted_and_gets_a_new_request_id_once_its_own_is_refused(self, harness: Harness) -> None:
        saga = await stuck_confirmation(harness)
        await store_as_previous_release(harness)
        engine = harness.replica()
        await harness.make_due()
        assert await take_over(engine) == 0
        for expected in (SagaState.STUCK, SagaState.COMPLETED):
            await engine.log.adopt_stuck()
            await harness.make_due()
            await take_over(engine)
            assert (await load(engine, saga.saga_id)).state is expected
        assert harness.participant.done == ALL_STEPS

    @pytest.mark.parametrize("is_retried_by_an_admin", [False, True])
    async def test_keeps_the_request_id_that_did_the_work(
        self, harness: Harness, *, is_retried_by_an_admin: bool
    ) -> None:
        harness.participant.lose_reply("confirm", Conflict(code="NO_RECORD"))
        engine = harness.replica()
        saga = await pay(engine, await place_order(engine))
        await store_as_previous_release(harness)
        if is_retried_by_an_admin:
            await engine.retry_stuck(saga.saga_id)
        else:
            await engine.log.adopt_stuck()
            await harness.make_due()
            await take_over(engine)
        assert (await load(engine, saga.saga_id)).state is SagaState.COMPLETED
        assert harness.participant.done == ALL_STEPS

    async def test_others_are_left_alone(self, harness: Harness) -> None:
        engine = harness.replica()
        saga = await pay(engine, await place_order(engine))
        await engine.log.adopt_stuck()
        row = await harness.row(saga.saga_id)
        assert (row["state"], row["due_at"]) == ("COMPLETED", None)


class TestRetryAll:
    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({}, {"A", "B"}),
            ({"kind": "order"}, {"A", "B"}),
            ({"kind": "delivery"}, set()),
            ({"stuck_code": "A"}, {"A"}),
            ({"kind": "order", "stuck_code": "C"}, set()),
        ],
    )
    async def test_makes_the_chosen_sagas_due(
        self, harness: Harness, filters: dict[str, Any], expected: set[str]
    ) -> None:
        stuck = {code: await stuck_confirmation(harness, code) for code in ("A", "B")}
        engine = harness.replica()
        waiting = await place_order(engine)
        admin = SagaAdminService(engine)
        chosen = {"kind": None, "stuck_code": None} | filters
        assert await admin.make_due(**chosen) == len(expected)
        assert await take_over(engine) == len(expected)
        ended = {code for code, saga in stuck.items() if (await load(engine, saga.saga_id)).state.is_final}
        assert ended == expected
        assert (await load(engine, waiting.saga_id)).state is SagaState.WAITING

    async def test_is_bounded(self, harness: Harness) -> None:
        for _ in range(3):
            await stuck_confirmation(harness)
        log = harness.replica().log
        made_due = [await log.make_stuck_due(kind=None, stuck_code=None, limit=2) for _ in range(3)]
        assert made_due == [2, 1, 0]
