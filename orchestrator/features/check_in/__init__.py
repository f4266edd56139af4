"""Check-in: scans are decided and logged, and each ticket is admitted once."""

from typing import Final

from orchestrator.feature import Feature
from orchestrator.features.check_in.routes import router
from orchestrator.features.check_in.service.check_in import CheckInService
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.features.tickets.settings import TicketSettings

FEATURE: Final = Feature(
    routers=(router,),
    services=lambda resources: [CheckInService(resources.clients, QrCodec.of(resources.settings_of(TicketSettings)))],
)
