"""Transfers of tickets between fans, and their disputes."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.transfers.routes import router
from orchestrator.features.transfers.saga.reversal import reversal_plan
from orchestrator.features.transfers.saga.transfer import transfer_plan
from orchestrator.features.transfers.service.disputes import DisputeService
from orchestrator.features.transfers.service.transfers import TransferService
from orchestrator.features.transfers.settings import TransferSettings


def _services(resources: Resources) -> Iterable[object]:
    time_to_live = timedelta(seconds=resources.settings_of(TransferSettings).transfer_ttl_seconds)
    yield TransferService(resources.engine, resources.clients, time_to_live)
    yield DisputeService(resources.engine, resources.clients)


FEATURE: Final = Feature(
    routers=(router,),
    plans=lambda resources: [transfer_plan(resources.clients), reversal_plan(resources.clients)],
    services=_services,
)
