"""Cancelled events: every order refunded, every transfer and listing ended."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.event_cancellation.routes import router
from orchestrator.features.event_cancellation.saga.cancel_event import cancel_event_plan
from orchestrator.features.event_cancellation.saga.processor import EventCancellationProcessor
from orchestrator.features.event_cancellation.service import EventCancellationService
from orchestrator.saga_engine.plan import AnyPlan

__all__ = ["FEATURE"]


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    processor = EventCancellationProcessor(lambda: resources.engine, resources.clients)
    yield cancel_event_plan(resources.clients, processor, step_timeout_seconds=resources.saga_step_timeout_seconds)


def _services(resources: Resources) -> Iterable[object]:
    yield EventCancellationService(resources.engine, resources.clients)


FEATURE: Final = Feature(routers=(router,), plans=_plans, services=_services)
