"""The contract of every saga: whatever goes wrong, at whichever step, the world ends clean.

Each case plays one saga with the real services, breaks one thing, and looks at the whole world afterwards.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from common.errors import Busy, OutcomeUnknown, PaymentRequired, PreconditionRequired, ServiceError
from orchestrator.engine.observer import Moment
from orchestrator.engine.plan import Step, StepKind
from tests.contracts.faults import (
    FOR_GOOD,
    ORDERED_REFUSAL,
    Deed,
    Fault,
    Faults,
    answer_lost,
    kept,
    racing,
    refused,
    refused_once,
    repeated,
    unanswered,
    undecided,
    withheld,
)
from tests.contracts.performance import KillAt, SleepAt
from tests.contracts.scenarios import MIXTURES, OUTLINES
from tests.contracts.theatre import Theatre

# More failures than one visit to an impatient step takes; then it works again.
A_WHILE = 5
ACTION_MOMENTS = (Moment.BEFORE_ACTION, Moment.AFTER_ACTION, Moment.AFTER_WRITE)
UNDO_MOMENTS = (Moment.BEFORE_UNDO, Moment.AFTER_UNDO, Moment.AFTER_WRITE)


def steps_that(wanted: Callable[[Step[Any]], object]) -> pytest.MarkDecorator:
    """Make a case of every wanted step of every saga."""
    cases = [
        pytest.param(kind, step.name, id=f"{kind}: {step.name}")
        for kind, plan in OUTLINES.items()
        for step in plan.steps
        if wanted(step)
    ]
    return pytest.mark.parametrize(("kind", "step"), cases)


def faults(**makers: Callable[[], Fault]) -> pytest.MarkDecorator:
    """Make a case of each way to fail."""
    return pytest.mark.parametrize("fault", makers.values(), ids=makers)


def moments(wanted: Sequence[Moment]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("moment", wanted, ids=str)


def steps_with_ways_back() -> pytest.MarkDecorator:
    """Make a case of every refusal that leads back to a wait."""
    refusals = {error.code: error for error in (PaymentRequired(), PreconditionRequired())}
    cases = [
        pytest.param(kind, step.name, refusals[code], id=f"{kind}: {step.name}: {code}")
        for kind, plan in OUTLINES.items()
        for step in plan.steps
        for code in sorted(step.back_to_wait_on)
    ]
    return pytest.mark.parametrize(("kind", "step", "refusal"), cases)


def acts(step: Step[Any]) -> bool:
    return step.action is not None


def can_be_undone(step: Step[Any]) -> bool:
    return step.kind is StepKind.UNDOABLE


def can_be_undone_after_its_intent(step: Step[Any]) -> bool:
    return step.kind is StepKind.UNDOABLE and not step.lapses


def must_be_done(step: Step[Any]) -> bool:
    return step.kind is StepKind.MUST_FINISH


def unwinding(kind: str) -> Faults:
    """Refuse the saga's pivot, so that all before it is taken back."""
    [pivot] = [step.name for step in OUTLINES[kind].steps if step.kind is StepKind.PIVOT]
    return Faults().order(pivot, "action", refused)


@pytest.mark.parametrize("kind", OUTLINES)
async def test_all_goes_well(theatre: Theatre, kind: str) -> None:
    await (await theatre.perform(kind)).ends_done()


class TestAction:
    @steps_that(lambda step: acts(step) and not must_be_done(step))
    async def test_refused(self, theatre: Theatre, kind: str, step: str) -> None:
        performance = await theatre.perform(kind, Faults().order(step, "action", refused))
        await performance.ends_undone(because=ORDERED_REFUSAL)

    @steps_that(must_be_done)
    async def test_refused_after_the_pivot_is_kept_for_people(self, theatre: Theatre, kind: str, step: str) -> None:
        performance = await theatre.perform(kind, Faults().order(step, "action", refused))
        await performance.ends_done()
        assert performance.was_stuck

    @steps_that(acts)
    @faults(
        not_done=lambda: unanswered(1), done=lambda: answer_lost(1), busy=lambda: undecided(1), twice=lambda: repeated
    )
    async def test_repeated(self, theatre: Theatre, kind: str, step: str, fault: Callable[[], Fault]) -> None:
        performance = await theatre.perform(kind, Faults().order(step, "action", fault()))
        await performance.ends_done()

    @steps_that(can_be_undone)
    @faults(not_done=lambda: unanswered(FOR_GOOD), done=lambda: answer_lost(FOR_GOOD))
    async def test_never_answered(self, theatre: Theatre, kind: str, step: str, fault: Callable[[], Fault]) -> None:
        performance = await theatre.perform(kind, Faults().order(step, "action", fault(), is_patient=False))
        await performance.ends_undone(because=OutcomeUnknown.code)

    @steps_that(can_be_undone)
    async def test_never_decided(self, theatre: Theatre, kind: str, step: str) -> None:
        performance = await theatre.perform(kind, Faults().order(step, "action", undecided(FOR_GOOD), is_patient=False))
        await performance.ends_undone(because=Busy.code)

    @steps_that(lambda step: acts(step) and not can_be_undone(step))
    @faults(not_done=lambda: unanswered(A_WHILE), done=lambda: answer_lost(A_WHILE), busy=lambda: undecided(A_WHILE))
    async def test_from_the_pivot_on_is_never_given_up(
        self, theatre: Theatre, kind: str, step: str, fault: Callable[[], Fault]
    ) -> None:
        performance = await theatre.perform(kind, Faults().order(step, "action", fault(), is_patient=False))
        await performance.ends_done()

    @steps_with_ways_back()
    async def test_refusal_that_leads_back_to_the_wait(
        self, theatre: Theatre, kind: str, step: str, refusal: ServiceError
    ) -> None:
        performance = await theatre.perform(kind, Faults().order(step, "action", refused_once(refusal)))
        saga = await performance.ends_done()
        assert saga.round_number == 1
        # Who lacks a proof gives it and sends the same request again; any other refusal is that request's answer.
        remembered = [] if isinstance(refusal, PreconditionRequired) else [refusal.code]
        assert await performance.remembered_refusals() == remembered


class TestUndo:
    @steps_that(can_be_undone)
    @faults(
        not_done=lambda: unanswered(A_WHILE),
        done=lambda: answer_lost(A_WHILE),
        busy=lambda: undecided(A_WHILE),
        twice=lambda: repeated,
    )
    async def test_repeated(self, theatre: Theatre, kind: str, step: str, fault: Callable[[], Fault]) -> None:
        ordered = unwinding(kind).order(step, "undo", fault(), is_patient=False)
        performance = await theatre.perform(kind, ordered)
        await performance.ends_undone(because=ORDERED_REFUSAL)
        assert (step, "undo") in ordered.struck

    @steps_that(can_be_undone)
    async def test_refused_is_kept_for_people(self, theatre: Theatre, kind: str, step: str) -> None:
        performance = await theatre.perform(kind, unwinding(kind).order(step, "undo", refused))
        await performance.ends_undone(because=ORDERED_REFUSAL)
        assert performance.was_stuck

    @steps_that(can_be_undone)
    async def test_action_repeated_after_its_undo(self, theatre: Theatre, kind: str, step: str) -> None:
        deeds: list[Deed] = []
        performance = await theatre.perform(kind, unwinding(kind).order(step, "action", kept(deeds)))
        await performance.ends_undone(because=ORDERED_REFUSAL)
        with suppress(ServiceError):  # refused, or told the first answer again: nothing may be done
            await deeds[0]()
        await performance.ends_undone(because=ORDERED_REFUSAL)

    @steps_that(can_be_undone_after_its_intent)
    @pytest.mark.parametrize("then", [OutcomeUnknown, Busy])
    async def test_action_that_arrives_after_its_undo(
        self, theatre: Theatre, kind: str, step: str, then: type[ServiceError]
    ) -> None:
        deeds: list[Deed] = []
        late = Faults().order(step, "action", withheld(deeds, then=then()), is_patient=False)
        performance = await theatre.perform(kind, late)
        await performance.ends_undone(because=then.code)
        with pytest.raises(ServiceError):
            await deeds[0]()
        await performance.ends_undone(because=then.code)

    @steps_that(can_be_undone_after_its_intent)
    async def test_action_that_arrives_with_its_undo(self, theatre: Theatre, kind: str, step: str) -> None:
        deeds: list[Deed] = []
        late = Faults().order(step, "action", withheld(deeds, then=OutcomeUnknown()), is_patient=False)
        performance = await theatre.perform(kind, late.order(step, "undo", racing(deeds)))
        await performance.ends_undone(because=OutcomeUnknown.code)


class TestWait:
    @steps_that(lambda step: step.kind is StepKind.WAIT)
    async def test_runs_out(self, theatre: Theatre, kind: str, step: str) -> None:
        performance = await theatre.perform(kind, ends_at_wait=step)
        await performance.ends_undone(because=expiry_of(kind, step))

    @steps_that(lambda step: step.kind is StepKind.WAIT)
    async def test_runs_out_and_the_process_dies(self, theatre: Theatre, kind: str, step: str) -> None:
        killer = KillAt(Moment.AFTER_WRITE, step)
        performance = await theatre.perform(kind, observer=killer, ends_at_wait=step)
        await performance.ends_undone(because=expiry_of(kind, step))
        assert killer.has_killed


def expiry_of(kind: str, step: str) -> str:
    expired = next(s.expired for s in OUTLINES[kind].steps if s.name == step)
    assert expired is not None
    return expired.code


class TestDeath:
    @steps_that(acts)
    @moments(ACTION_MOMENTS)
    async def test_while_acting(self, theatre: Theatre, kind: str, step: str, moment: Moment) -> None:
        killer = KillAt(moment, step)
        performance = await theatre.perform(kind, observer=killer)
        await performance.ends_done()
        assert killer.has_killed

    @steps_that(can_be_undone)
    @moments(UNDO_MOMENTS)
    async def test_while_undoing(self, theatre: Theatre, kind: str, step: str, moment: Moment) -> None:
        killer = KillAt(moment, step)
        performance = await theatre.perform(kind, unwinding(kind), observer=killer)
        await performance.ends_undone(because=ORDERED_REFUSAL)
        assert killer.has_killed


class TestZombie:
    """The owner sleeps through its lease and wakes when another replica has ended the saga."""

    @steps_that(acts)
    @moments(ACTION_MOMENTS)
    async def test_while_acting(self, theatre: Theatre, kind: str, step: str, moment: Moment) -> None:
        sleeper = SleepAt(moment, step)
        performance = await theatre.perform(kind, observer=sleeper)
        zombie = asyncio.create_task(performance.play())
        await sleeper.fell_asleep.wait()
        await performance.ends_done()
        sleeper.wake.set()
        await zombie
        await performance.ends_done()

    @steps_that(can_be_undone)
    @moments(UNDO_MOMENTS)
    async def test_while_undoing(self, theatre: Theatre, kind: str, step: str, moment: Moment) -> None:
        sleeper = SleepAt(moment, step)
        performance = await theatre.perform(kind, unwinding(kind), observer=sleeper)
        zombie = asyncio.create_task(performance.play())
        await sleeper.fell_asleep.wait()
        await performance.ends_undone(because=ORDERED_REFUSAL)
        sleeper.wake.set()
        await zombie
        await performance.ends_undone(because=ORDERED_REFUSAL)


@pytest.mark.parametrize(("kind", "seed"), [(kind, seed) for kind, count in MIXTURES.items() for seed in range(count)])
async def test_mixture(theatre: Theatre, kind: str, seed: int) -> None:
    """Several things go wrong at once, the same ones every time."""
    chance = random.Random(seed)  # noqa: S311 - no cryptography
    is_refused = chance.random() < 0.5
    ordered = unwinding(kind) if is_refused else Faults()
    for step in OUTLINES[kind].steps:
        ways = [unanswered(1), answer_lost(1), undecided(1), repeated]
        if not (is_refused and step.kind is StepKind.PIVOT):
            ordered.order(step.name, "action", chance.choice(ways))
        ordered.order(step.name, "undo", chance.choice(ways))
    observer = KillAt(chance.choice(list(Moment)), chance.choice(OUTLINES[kind].steps).name)
    performance = await theatre.perform(kind, ordered, observer=observer)
    await (performance.ends_undone(because=ORDERED_REFUSAL) if is_refused else performance.ends_done())
