"""Personal data: the export of what is stored of a user, and the deletion of an account (W1).

The users service deletes the person in one transaction, once nothing of the account is open, and reports it by
`user.deleted`; what the other services and the orchestrator store of the user goes with that message.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from common.messaging.broker import Broker
from orchestrator.feature import Feature, Resources
from orchestrator.features.personal_data.messages import UserDeletedHandler
from orchestrator.features.personal_data.repository import PersonalDataRepository
from orchestrator.features.personal_data.routes import router
from orchestrator.features.personal_data.service.deletion import DeletionService
from orchestrator.features.personal_data.service.export import ExportService
from rabbitmq.topology import PERSONAL_DATA_QUEUE


def _services(resources: Resources) -> Iterable[object]:
    repository = PersonalDataRepository(resources.database)
    yield ExportService(resources.clients, repository)
    yield DeletionService(resources.clients, resources.engine)


def _worker_consumers(resources: Resources) -> Mapping[str, Broker]:
    handler = UserDeletedHandler(PersonalDataRepository(resources.database), resources.clients.personal_data)
    return {"personal data": resources.consumer(PERSONAL_DATA_QUEUE, handler.handle, name="worker").broker}


FEATURE: Final = Feature(routers=(router,), services=_services, worker_consumers=_worker_consumers)
