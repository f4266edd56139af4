"""One-time codes: verify one, request another."""

from typing import Final

from orchestrator.feature import Feature
from orchestrator.features.otp.routes import router
from orchestrator.features.otp.service import OtpService
from orchestrator.features.transfers.service.transfers import TransferService

FEATURE: Final = Feature(
    routers=(router,),
    services=lambda resources: [OtpService(resources.engine, resources.clients, resources.service(TransferService))],
)
