"""Observers of sagas: logs and metrics."""

import enum
from collections.abc import Sequence
from typing import Final, Protocol

from prometheus_client import Counter, Gauge, Histogram

from common.telemetry.logs import get_logger
from common.telemetry.metrics import keep_old_name
from orchestrator.saga_engine.record import SagaRecord, SagaState
from orchestrator.saga_engine.retries import STUCK_ATTEMPTS

__all__ = ["SAGAS_IN_STATE", "LoggingObserver", "Observer", "Observers", "StepMoment"]

logger = get_logger(__name__)

SAGAS_FINISHED = Counter("sagas_finished_total", "Sagas that ended or got stuck.", ["kind", "state", "code"])
SAGAS_IN_STATE = Gauge("sagas_active", "Sagas that have not ended.", ["state"])
keep_old_name(SAGAS_IN_STATE, "sagas")
STEP_SECONDS = Histogram(
    "saga_step_duration_seconds",
    "Time of one action or undo, with its repetitions.",
    ["kind", "step", "phase"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class StepMoment(enum.StrEnum):
    """The points of a step at which a process may crash."""

    BEFORE_ACTION = "before action"
    AFTER_ACTION = "after action"
    BEFORE_UNDO = "before undo"
    AFTER_UNDO = "after undo"
    AFTER_WRITE = "after write"


class Observer(Protocol):
    async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None: ...

    def step_ended(self, seconds: float, *, phase: str, step: str, saga: SagaRecord) -> None: ...


class LoggingObserver:
    """Counts and times steps, and logs the end of a saga; a stuck one as an error."""

    LEVEL_OF_STATE: Final = {SagaState.STUCK: "error", SagaState.UNWOUND: "info", SagaState.COMPLETED: "info"}

    async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:
        if moment is not StepMoment.AFTER_WRITE or saga.state not in self.LEVEL_OF_STATE:
            return
        if saga.state is SagaState.STUCK and saga.attempts > STUCK_ATTEMPTS:
            return  # it was reported when it became stuck
        code = saga.error.code if saga.error else ""
        SAGAS_FINISHED.labels(saga.kind, saga.state, code).inc()
        log = getattr(logger, self.LEVEL_OF_STATE[saga.state])
        log("saga.ended", kind=saga.kind, saga_id=str(saga.saga_id), state=saga.state, step=step, code=code)

    def step_ended(self, seconds: float, *, phase: str, step: str, saga: SagaRecord) -> None:
        STEP_SECONDS.labels(saga.kind, step, phase).observe(seconds)


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:
        for observer in self._observers:
            await observer.moment_reached(moment, step, saga)

    def step_ended(self, seconds: float, *, phase: str, step: str, saga: SagaRecord) -> None:
        for observer in self._observers:
            observer.step_ended(seconds, phase=phase, step=step, saga=saga)
