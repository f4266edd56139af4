"""Digital goods: ordered here, delivered by a supplier as codes."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from common.periodic import PeriodicTask
from common.sealing import Sealer
from orchestrator.audit.service import AuditTrail
from orchestrator.feature import Feature, Resources
from orchestrator.features.digital_goods.adapters.links import DownloadLinks
from orchestrator.features.digital_goods.adapters.storage import code_storage
from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings
from orchestrator.features.digital_goods.routes.codes import router as codes_router
from orchestrator.features.digital_goods.service.codes import OrderCodes
from orchestrator.features.digital_goods.service.reading import CodeReadingService, DownloadedCodesTask
from orchestrator.features.notifications.settings import NotificationSettings


def _services(resources: Resources) -> Iterable[object]:
    settings = resources.settings_of(StorageSettings)
    codes = OrderCodes(
        orders=resources.clients.digital_orders,
        storage=code_storage(settings),
        sealer=Sealer.of(settings),
        is_presigned=settings.object_links == "presigned",
    )
    yield codes
    links = DownloadLinks.of(settings, public_url=resources.settings_of(NotificationSettings).public_url)
    yield CodeReadingService(codes=codes, links=links, trail=resources.service(AuditTrail))


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    settings = resources.settings_of(StorageSettings)
    keep = timedelta(days=settings.downloaded_codes_days)
    yield PeriodicTask(
        DownloadedCodesTask(resources.service(OrderCodes), keep).delete_all,
        name="downloaded codes",
        interval_seconds=settings.downloaded_codes_interval_seconds,
    )


FEATURE: Final = Feature(routers=(codes_router,), services=_services, periodic=_periodic)
