"""What the contract needs to know of a saga: its plan, and what the world looks like after it."""

import uuid
from typing import Protocol

from orchestrator.saga_engine.plan import AnyPlan, SagaData
from orchestrator.saga_engine.record import SagaRecord

__all__ = ["NothingLapses", "Scenario"]


class Scenario(Protocol):
    """One saga that was not run yet, and the part of the world that it changes. A new one is made for every case."""

    @property
    def plan(self) -> AnyPlan:
        """The story, with the real clients."""
        ...

    @property
    def data(self) -> SagaData:
        """What the saga begins with."""
        ...

    @property
    def requested_by(self) -> uuid.UUID: ...

    async def assert_done(self, saga: SagaRecord) -> None:
        """Check that all of it happened, once."""
        ...

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        """Check that the world is as if it had never been; `saga` is None when nothing was ever stored."""
        ...

    async def let_lapse(self) -> None:
        """Let the time of what ends by itself be over, and return when it has ended."""
        ...


class NothingLapses:
    """For sagas that begin with their intent: all that they ever do is in the log."""

    async def let_lapse(self) -> None:
        raise AssertionError("nothing of it ends by itself")
