"""A saga that this release cannot read stops no other one: an event's cancellation goes on with the other orders."""

from orchestrator.features.event_cancellation.saga.cancel_event import CancelEvent
from orchestrator.saga_engine.observer import LoggingObserver
from orchestrator.saga_engine.record import SagaState
from tests.contracts.cancel_event import CancelEventScenario
from tests.contracts.databases import Databases
from tests.contracts.faults import Faults
from tests.contracts.saga_harness import SagaHarness


async def test_cancellation_goes_on_with_the_other_orders(harness: SagaHarness, databases: Databases) -> None:
    scenario = await harness.prepare("cancel event")
    assert isinstance(scenario, CancelEventScenario)
    unreadable, _ = scenario.open_deals.paid_order_ids
    await databases.change("orchestrator", "UPDATE sagas SET kind = 'lost ' || kind WHERE saga_id = $1", unreadable)

    engine = harness.engines.replica(scenario, Faults(), LoggingObserver())
    saga = await engine.start(scenario.plan.kind, scenario.data, requested_by=scenario.requested_by)
    assert saga.state is SagaState.RUNNING
    assert isinstance(saga.data, CancelEvent)
    assert saga.data.left is not None
    assert (saga.data.left.confirmed_orders, saga.data.left.refunded_orders) == (1, 1)

    await databases.change("orchestrator", "UPDATE sagas SET kind = 'purchase' WHERE saga_id = $1", unreadable)
    await harness.engines.make_due(saga.saga_id)
    for task in await engine.take_over():
        await task
    ended = await engine.log.find(saga.saga_id)
    assert ended is not None
    assert ended.state is SagaState.COMPLETED
    await scenario.assert_done(ended)
