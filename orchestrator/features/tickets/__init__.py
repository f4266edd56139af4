"""The caller's own tickets, and their QR codes."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.features.tickets.routes import router
from orchestrator.features.tickets.service import TicketService
from orchestrator.features.tickets.settings import TicketSettings

__all__ = ["FEATURE"]


def _services(resources: Resources) -> Iterable[object]:
    yield TicketService(resources.clients, QrCodec.of(resources.settings_of(TicketSettings)))


FEATURE: Final = Feature(routers=(router,), services=_services)
