"""The caller's own tickets, and their QR codes."""

from typing import Final

from orchestrator.feature import Feature
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.features.tickets.routes import router
from orchestrator.features.tickets.service import TicketService
from orchestrator.features.tickets.settings import TicketSettings

FEATURE: Final = Feature(
    routers=(router,),
    services=lambda resources: [TicketService(resources.clients, QrCodec.of(resources.settings_of(TicketSettings)))],
)
