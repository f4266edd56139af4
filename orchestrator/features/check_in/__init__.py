"""Scans at the door: decided, logged, admitted once."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.check_in.routes import router
from orchestrator.features.check_in.service.check_in import CheckInService, Lookups
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.features.tickets.settings import TicketSettings

__all__ = ["FEATURE"]


def _services(resources: Resources) -> Iterable[object]:
    clients, settings = resources.clients, resources.settings_of(TicketSettings)
    lookups = Lookups(
        inventory=clients.inventory, orders=clients.orders, events=clients.events, directory=clients.directory
    )
    qr = QrCodec.of(settings)
    yield CheckInService(clients.check_in, lookups, qr, qr_ttl_seconds=settings.qr_ttl_seconds)


FEATURE: Final = Feature(routers=(router,), services=_services)
