"""An event's dashboard, attendees, scans and blocked seats, for admins and the event's organiser."""

from typing import Final

from orchestrator.feature import Feature
from orchestrator.features.event_admin.routes import router
from orchestrator.features.event_admin.service import EventAdminService

FEATURE: Final = Feature(routers=(router,), services=lambda resources: [EventAdminService(resources.clients)])
