"""A refund that the previous release has stored finishes as that release would have finished it; see `test_actions`."""

from typing import Final

import pytest

from orchestrator.features.refunds.saga import REFUND_ORDER
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import CrashAt

# What the previous release does not store.
FORGET: Final = """
    UPDATE sagas SET data = data - 'seat_ids' - 'premiums' - 'order_status' || jsonb_build_object('seats', (
        SELECT coalesce(jsonb_agg(seat - 'price_paid'), '[]') FROM jsonb_array_elements(data -> 'seats') AS seat))
    WHERE saga_id = $1
"""


class Forgetting(CrashAt):
    """Crashes when a step reaches a moment; the next process finds the data of the previous release."""

    def __init__(self, moment: StepMoment, step: str, databases: Databases) -> None:
        super().__init__(moment, step)
        self._databases = databases

    async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:
        if (moment, step) == self._point and not self.has_crashed:
            await self._databases.change("orchestrator", FORGET, saga.saga_id)
        await super().moment_reached(moment, step, saga)


@pytest.mark.parametrize(
    ("moment", "step"),
    [
        (StepMoment.AFTER_ACTION, "begin refund"),
        (StepMoment.AFTER_ACTION, "take seats back"),
        (StepMoment.AFTER_ACTION, "pay back"),
        (StepMoment.AFTER_ACTION, "refund order"),
    ],
)
async def test_stored_refund_finishes(
    harness: SagaHarness, databases: Databases, moment: StepMoment, step: str
) -> None:
    """The call whose response was lost is repeated with the same arguments, and each participant knows it again."""
    observer = Forgetting(moment, step, databases)
    await (await harness.new_run(REFUND_ORDER, observer=observer)).completes()
    assert observer.has_crashed
