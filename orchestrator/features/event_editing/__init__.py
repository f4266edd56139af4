"""Events for those who manage them: admins, and organisers their own. They list, edit and postpone them (T7)."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.event_editing.repository import HolderNotices
from orchestrator.features.event_editing.routes import router
from orchestrator.features.event_editing.saga import edit_event_plan
from orchestrator.features.event_editing.service import EventEditingService
from orchestrator.features.event_editing.settings import EventEditingSettings
from orchestrator.saga_engine.plan import AnyPlan


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    notices = HolderNotices(resources.database, wake_relay=resources.relay.wake)
    yield edit_event_plan(resources.clients, notices)


def _services(resources: Resources) -> Iterable[object]:
    days = resources.settings_of(EventEditingSettings).date_change_refund_days
    yield EventEditingService(resources.engine, resources.clients, timedelta(days=days))


FEATURE: Final = Feature(routers=(router,), plans=_plans, services=_services)
