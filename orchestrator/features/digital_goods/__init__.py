"""Digital goods: bought as codes, which a supplier delivers."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from common.messaging.broker import Broker
from common.periodic import PeriodicTask
from common.sealing import Sealer
from orchestrator.audit.service import AuditTrail
from orchestrator.feature import Feature, Resources
from orchestrator.features.digital_goods.adapters.links import DownloadLinks
from orchestrator.features.digital_goods.adapters.storage import code_storage
from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings
from orchestrator.features.digital_goods.repository import FulfilmentJobStore
from orchestrator.features.digital_goods.routes import admin, codes, ordering
from orchestrator.features.digital_goods.saga import PURPOSE, digital_order_plans
from orchestrator.features.digital_goods.service.admin import GoodsAdminService
from orchestrator.features.digital_goods.service.codes import OrderCodes
from orchestrator.features.digital_goods.service.failed_orders import FailedDigitalOrderTask
from orchestrator.features.digital_goods.service.ordering import DigitalOrderingService
from orchestrator.features.digital_goods.service.reading import CodeReadingService, DownloadedCodesTask
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.features.digital_goods.service.status import FulfillmentStatusService
from orchestrator.features.digital_goods.settings import DigitalOrderSettings
from orchestrator.features.notifications.settings import NotificationSettings
from orchestrator.features.payments.adapters.nowpayments import NowPayments
from orchestrator.features.payments.messages import PaymentHandler
from orchestrator.features.payments.service.crypto import CryptoPayments
from orchestrator.features.payments.settings import PaymentSettings
from orchestrator.saga_engine.plan import AnyPlan
from rabbitmq.topology import DIGITAL_ORDER_PAYMENTS_QUEUE


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    nowpayments = NowPayments.connect(resources.settings_of(PaymentSettings))
    resources.closing.push_async_callback(nowpayments.close)
    payments = CryptoPayments(resources.clients.payments, nowpayments)
    return digital_order_plans(resources.clients, resources.jobs, payments)


def _services(resources: Resources) -> Iterable[object]:
    clients = resources.clients
    sales = SaleService(resources.engine)
    yield sales
    yield DigitalOrderingService(sales, clients, resources.settings_of(DigitalOrderSettings))
    yield FulfillmentStatusService(clients.digital_orders, clients.payments)
    yield GoodsAdminService(sales, clients.digital_orders, resources.jobs, FulfilmentJobStore(resources.database))

    storage = resources.settings_of(StorageSettings)
    order_codes = OrderCodes(
        orders=clients.digital_orders,
        storage=code_storage(storage),
        sealer=Sealer.of(storage),
        is_presigned=storage.object_links == "presigned",
    )
    yield order_codes
    links = DownloadLinks.of(storage, public_url=resources.settings_of(NotificationSettings).public_url)
    yield CodeReadingService(codes=order_codes, links=links, trail=resources.service(AuditTrail))


def _worker_consumers(resources: Resources) -> Mapping[str, Broker]:
    handler = PaymentHandler(PURPOSE, resources.service(DigitalOrderingService))
    consumer = resources.consumer(DIGITAL_ORDER_PAYMENTS_QUEUE, handler.handle, name="worker")
    return {"digital order payments": consumer.broker}


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    settings = resources.settings_of(DigitalOrderSettings)
    failed_orders = FailedDigitalOrderTask(
        sales=resources.service(SaleService),
        orders=resources.clients.digital_orders,
        jobs=resources.jobs,
        store=FulfilmentJobStore(resources.database),
        keep=timedelta(hours=settings.digital_order_refund_hours),
    )
    yield PeriodicTask(
        failed_orders.refund_all,
        name="failed digital orders",
        interval_seconds=settings.failed_digital_orders_interval_seconds,
    )
    storage = resources.settings_of(StorageSettings)
    downloaded = DownloadedCodesTask(resources.service(OrderCodes), timedelta(days=storage.downloaded_codes_days))
    yield PeriodicTask(
        downloaded.delete_all, name="downloaded codes", interval_seconds=storage.downloaded_codes_interval_seconds
    )


FEATURE: Final = Feature(
    routers=(ordering.router, codes.router, admin.router),
    plans=_plans,
    services=_services,
    worker_consumers=_worker_consumers,
    periodic=_periodic,
)
