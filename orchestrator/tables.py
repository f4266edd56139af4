"""Every table of orchestrator_db in one metadata, for the migrations and for the test that compares the two."""

import orchestrator.integrations.models
import orchestrator.jobs.models
import orchestrator.notifications.models
import orchestrator.parking.models
import orchestrator.webhooks.models  # noqa: F401 - importing a module defines its tables
from orchestrator.engine.models import metadata

__all__ = ["metadata"]
