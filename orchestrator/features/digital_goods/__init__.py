"""Digital goods: ordered here, delivered by a supplier as codes."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.digital_goods.adapters.settings import SupplierSettings
from orchestrator.features.digital_goods.adapters.supplier import SupplierApi
from orchestrator.features.digital_goods.jobs import POLICY
from orchestrator.features.digital_goods.routes import reservations
from orchestrator.features.digital_goods.service.reservations import ReservationService


def _supplier(resources: Resources) -> SupplierApi:
    settings = resources.settings_of(SupplierSettings)
    supplier = SupplierApi(
        api_url=settings.supplier_api_url,
        key=settings.supplier_api_key,
        timeout_seconds=settings.supplier_timeout_seconds,
    )
    resources.closing.push_async_callback(supplier.close)
    return supplier


def _services(resources: Resources) -> Iterable[object]:
    yield ReservationService(orders=resources.clients.digital_orders, supplier=_supplier(resources))


FEATURE: Final = Feature(routers=(reservations.router,), services=_services, job_policies=(POLICY,))
