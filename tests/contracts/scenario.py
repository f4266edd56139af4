"""What the contract needs to know of a saga: its plan, and the expected state of the platform after it."""

import uuid
from typing import Protocol

from orchestrator.saga_engine.plan import AnyPlan, SagaData
from orchestrator.saga_engine.record import SagaRecord


class Scenario(Protocol):
    """A saga that has not run yet, with the users, tickets and events that it changes. Each case gets a new one."""

    @property
    def plan(self) -> AnyPlan:
        """The plan with the real clients."""
        ...

    @property
    def data(self) -> SagaData:
        """The initial data of the saga."""
        ...

    @property
    def requested_by(self) -> uuid.UUID: ...

    async def assert_done(self, saga: SagaRecord) -> None:
        """Check that all of it happened once."""
        ...

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        """Check that the saga left nothing behind; `saga` is None if it was never stored."""
        ...

    async def let_lapse(self) -> None:
        """Let what expires by itself expire, and wait for it."""
        ...

    async def before_signal(self, signal: str) -> None:
        """Do what others do before this signal; it may be called again."""
        ...


class SignalledAtOnce:
    """For sagas whose signals need nothing else."""

    async def before_signal(self, signal: str) -> None:
        pass


class NothingLapses(SignalledAtOnce):
    """For sagas that begin with their intent: everything they do is in the log."""

    async def let_lapse(self) -> None:
        raise AssertionError("nothing of it expires by itself")
