"""Where the sagas stand that this process has taken over."""

import uuid
from collections import Counter
from collections.abc import Mapping

from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.record import SagaRecord


class TakeOverSlots:
    """The slots that taken-over sagas occupy, each at its present step; an observer of the runners."""

    def __init__(self) -> None:
        self._steps: dict[uuid.UUID, tuple[str, str]] = {}

    def occupy(self, saga: SagaRecord) -> None:
        self._steps[saga.saga_id] = (saga.kind, saga.step)

    def release(self, saga: SagaRecord) -> None:
        self._steps.pop(saga.saga_id, None)

    def occupied(self) -> Mapping[tuple[str, str], int]:
        """Return the number of sagas by kind and step."""
        return Counter(self._steps.values())

    async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:
        if moment in {StepMoment.BEFORE_ACTION, StepMoment.BEFORE_UNDO} and saga.saga_id in self._steps:
            self._steps[saga.saga_id] = (saga.kind, step)

    def step_ended(self, seconds: float, *, phase: str, step: str, saga: SagaRecord) -> None:
        """Do nothing."""
