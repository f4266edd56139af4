"""Transfers of tickets between two people, and their disputes."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.transfers.routes import router
from orchestrator.features.transfers.saga.reversal import reversal_plan
from orchestrator.features.transfers.saga.transfer import transfer_plan
from orchestrator.features.transfers.service.disputes import DisputeService
from orchestrator.features.transfers.service.transfers import TransferService
from orchestrator.features.transfers.settings import TransferSettings
from orchestrator.saga_engine.plan import AnyPlan

__all__ = ["FEATURE"]


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    clients, step_timeout_seconds = resources.clients, resources.saga_step_timeout_seconds
    yield transfer_plan(
        transfers=clients.transfers,
        otp=clients.otp,
        ledger=clients.ledger,
        inventory=clients.inventory,
        step_timeout_seconds=step_timeout_seconds,
    )
    yield reversal_plan(
        transfers=clients.transfers,
        ledger=clients.ledger,
        inventory=clients.inventory,
        step_timeout_seconds=step_timeout_seconds,
    )


def _services(resources: Resources) -> Iterable[object]:
    clients = resources.clients
    yield TransferService(
        resources.engine,
        transfers=clients.transfers,
        inventory=clients.inventory,
        events=clients.events,
        directory=clients.directory,
        otp=clients.otp,
        ttl_seconds=resources.settings_of(TransferSettings).transfer_ttl_seconds,
    )
    yield DisputeService(resources.engine, clients.transfers, clients.inventory)


FEATURE: Final = Feature(routers=(router,), plans=_plans, services=_services)
