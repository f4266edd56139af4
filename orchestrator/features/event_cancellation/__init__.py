"""Cancelled events: every order refunded, every transfer and listing ended."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.event_cancellation.routes import router
from orchestrator.features.event_cancellation.saga.cancel_event import BATCH_STEP_TIMEOUTS, cancel_event_plan
from orchestrator.features.event_cancellation.saga.processor import EventCancellationProcessor
from orchestrator.features.event_cancellation.service import EventCancellationService
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.settings import SagaSettings


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    processor = EventCancellationProcessor(lambda: resources.engine, resources.clients)
    step_timeout_seconds = resources.settings_of(SagaSettings).saga_step_timeout_seconds
    yield cancel_event_plan(
        resources.clients, processor, batch_timeout_seconds=BATCH_STEP_TIMEOUTS * step_timeout_seconds
    )


FEATURE: Final = Feature(
    routers=(router,),
    plans=_plans,
    services=lambda resources: [EventCancellationService(resources.engine, resources.clients)],
)
