"""Refunds of orders."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.refunds.routes import router
from orchestrator.features.refunds.saga import refund_plan
from orchestrator.features.refunds.service import RefundService
from orchestrator.saga_engine.plan import AnyPlan

__all__ = ["FEATURE"]


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    yield refund_plan(resources.clients, step_timeout_seconds=resources.saga_step_timeout_seconds)


def _services(resources: Resources) -> Iterable[object]:
    yield RefundService(resources.engine, resources.clients)


FEATURE: Final = Feature(routers=(router,), plans=_plans, services=_services)
