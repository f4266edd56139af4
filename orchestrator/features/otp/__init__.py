"""One-time codes: prove one, ask for another."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.otp.routes import router
from orchestrator.features.otp.service import OtpService
from orchestrator.features.transfers.service.transfers import TransferService

__all__ = ["FEATURE"]


def _services(resources: Resources) -> Iterable[object]:
    clients = resources.clients
    yield OtpService(
        resources.engine,
        clients.otp,
        transfer_service=resources.service(TransferService),
        transfers=clients.transfers,
        listings=clients.listings,
    )


FEATURE: Final = Feature(routers=(router,), services=_services)
