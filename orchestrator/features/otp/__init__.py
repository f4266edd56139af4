"""One-time codes: verify one, request another."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.otp.routes import router
from orchestrator.features.otp.service import OtpService
from orchestrator.features.transfers.service.transfers import TransferService

__all__ = ["FEATURE"]


def _services(resources: Resources) -> Iterable[object]:
    yield OtpService(resources.engine, resources.clients, resources.service(TransferService))


FEATURE: Final = Feature(routers=(router,), services=_services)
