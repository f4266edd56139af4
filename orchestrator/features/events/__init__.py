"""Events: browse them, put one on sale."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.events.routes import router
from orchestrator.features.events.saga import put_on_sale_plan
from orchestrator.features.events.service.catalogue import CatalogueService
from orchestrator.saga_engine.plan import AnyPlan

__all__ = ["FEATURE"]


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    yield put_on_sale_plan(resources.clients, step_timeout_seconds=resources.saga_step_timeout_seconds)


def _services(resources: Resources) -> Iterable[object]:
    yield CatalogueService(resources.engine, resources.clients)


FEATURE: Final = Feature(routers=(router,), plans=_plans, services=_services)
