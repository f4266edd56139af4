"""An event's dashboard, attendees, scans and blocked seats, for admins."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.event_admin.routes import router
from orchestrator.features.event_admin.service import EventAdminService

__all__ = ["FEATURE"]


def _services(resources: Resources) -> Iterable[object]:
    yield EventAdminService(resources.clients)


FEATURE: Final = Feature(routers=(router,), services=_services)
