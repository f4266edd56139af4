"""Check-in: scans are decided and logged, each ticket is admitted once, and staff can undo that."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.check_in.routes import router
from orchestrator.features.check_in.service.check_in import CheckInService
from orchestrator.features.check_in.service.undo import CheckInUndoService
from orchestrator.features.check_in.settings import CheckInSettings
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.features.tickets.settings import TicketSettings


def _services(resources: Resources) -> Iterable[object]:
    grace = timedelta(seconds=resources.settings_of(CheckInSettings).check_in_grace_seconds)
    yield CheckInService(resources.clients, QrCodec.of(resources.settings_of(TicketSettings)), grace)
    yield CheckInUndoService(resources.clients, grace)


FEATURE: Final = Feature(routers=(router,), services=_services)
