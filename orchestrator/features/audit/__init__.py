"""The audit trail for admins, and the entries of the users service, which come as messages."""

from collections.abc import Mapping
from typing import Final

from common.messaging.broker import Broker
from orchestrator.audit.models import audit_entries, audit_outcomes
from orchestrator.audit.repository import AUDIT_RETENTION, AuditRepository
from orchestrator.audit.service import AuditTrail
from orchestrator.feature import Feature, Resources
from orchestrator.features.audit.messages import AuditConsumer
from orchestrator.features.audit.routes import router
from rabbitmq.topology import AUDIT_QUEUE


def _worker_consumers(resources: Resources) -> Mapping[str, Broker]:
    handler = AuditConsumer(resources.service(AuditTrail))
    return {"audit": resources.consumer(AUDIT_QUEUE, handler.handle, name="worker").broker}


FEATURE: Final = Feature(
    tables=(audit_entries, audit_outcomes),
    routers=(router,),
    services=lambda resources: [AuditTrail(AuditRepository(resources.database))],
    worker_consumers=_worker_consumers,
    retentions=lambda _: [AUDIT_RETENTION],
)
