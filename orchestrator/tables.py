"""Every table of orchestrator_db in one metadata, for the migrations and for the test that compares the two."""

import orchestrator.features.inbound_webhooks.models.tables
import orchestrator.features.notifications.models.tables
import orchestrator.features.outbound_webhooks.models
import orchestrator.features.parked_messages.models.tables
import orchestrator.jobs.models
import orchestrator.saga_engine.models  # noqa: F401 - importing a module defines its tables
from orchestrator.database import metadata

__all__ = ["metadata"]
