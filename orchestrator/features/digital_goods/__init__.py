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
from orchestrator.features.digital_goods.adapters.settings import SupplierSettings
from orchestrator.features.digital_goods.adapters.storage import code_storage
from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings
from orchestrator.features.digital_goods.adapters.supplier import SupplierApi
from orchestrator.features.digital_goods.jobs import POLICY, FulfilmentJobHandler
from orchestrator.features.digital_goods.models import KIND, Fulfil
from orchestrator.features.digital_goods.repository import FulfilmentJobStore
from orchestrator.features.digital_goods.routes import admin, codes, ordering
from orchestrator.features.digital_goods.saga import PURPOSE, digital_order_plans
from orchestrator.features.digital_goods.service.admin import GoodsAdminService
from orchestrator.features.digital_goods.service.codes import OrderCodes
from orchestrator.features.digital_goods.service.delivery import DeliveryService
from orchestrator.features.digital_goods.service.failed_orders import FailedDigitalOrderTask
from orchestrator.features.digital_goods.service.ordering import DigitalOrderingService
from orchestrator.features.digital_goods.service.polling import SupplierPollingTask
from orchestrator.features.digital_goods.service.reading import CodeReadingService, DownloadedCodesTask
from orchestrator.features.digital_goods.service.reservations import ReservationService
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.features.digital_goods.service.status import FulfillmentStatusService
from orchestrator.features.digital_goods.settings import DigitalOrderSettings
from orchestrator.features.notifications.settings import NotificationSettings
from orchestrator.features.payments.adapters.nowpayments import NowPayments
from orchestrator.features.payments.messages import PaymentHandler
from orchestrator.features.payments.service.crypto import CryptoPayments
from orchestrator.features.payments.settings import PaymentSettings
from orchestrator.jobs.registry import JobHandler
from orchestrator.saga_engine.plan import AnyPlan
from rabbitmq.topology import DIGITAL_ORDER_PAYMENTS_QUEUE


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    nowpayments = NowPayments.connect(resources.settings_of(PaymentSettings))
    resources.closing.push_async_callback(nowpayments.close)
    payments = CryptoPayments(resources.clients.payments, nowpayments)
    return digital_order_plans(resources.clients, resources.jobs, payments)


def _supplier(resources: Resources) -> SupplierApi:
    settings = resources.settings_of(SupplierSettings)
    supplier = SupplierApi(
        api_url=settings.supplier_api_url,
        key=settings.supplier_api_key,
        timeout_seconds=settings.supplier_timeout_seconds,
    )
    resources.closing.push_async_callback(supplier.close)
    return supplier


def _order_codes(resources: Resources) -> OrderCodes:
    settings = resources.settings_of(StorageSettings)
    return OrderCodes(
        orders=resources.clients.digital_orders,
        storage=code_storage(settings),
        sealer=Sealer.of(settings),
        is_presigned=settings.object_links == "presigned",
    )


def _services(resources: Resources) -> Iterable[object]:
    clients, orders = resources.clients, resources.clients.digital_orders
    sales = SaleService(resources.engine)
    yield sales
    yield DigitalOrderingService(sales, clients, resources.settings_of(DigitalOrderSettings))
    yield FulfillmentStatusService(orders, clients.payments)
    supplier, order_codes = _supplier(resources), _order_codes(resources)
    yield supplier
    yield order_codes
    yield ReservationService(orders=orders, supplier=supplier)
    delivery = DeliveryService(
        orders=orders,
        supplier=supplier,
        codes=order_codes,
        sales=sales,
        jobs=resources.jobs,
        unknown_after=_poll_after(resources),
    )
    yield delivery
    yield GoodsAdminService(sales, orders, resources.jobs, FulfilmentJobStore(resources.database), delivery)
    public_url = resources.settings_of(NotificationSettings).public_url
    links = DownloadLinks.of(resources.settings_of(StorageSettings), public_url=public_url)
    yield CodeReadingService(codes=order_codes, links=links, trail=resources.service(AuditTrail))


def _worker_consumers(resources: Resources) -> Mapping[str, Broker]:
    handler = PaymentHandler(PURPOSE, resources.service(DigitalOrderingService))
    consumer = resources.consumer(DIGITAL_ORDER_PAYMENTS_QUEUE, handler.handle, name="worker")
    return {"digital order payments": consumer.broker}


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    handler = FulfilmentJobHandler(
        delivery=resources.service(DeliveryService),
        supplier=resources.service(SupplierApi),
        orders=resources.clients.digital_orders,
    )
    yield JobHandler(KIND, Fulfil, handler.run)


def _poll_after(resources: Resources) -> timedelta:
    return timedelta(seconds=resources.settings_of(SupplierSettings).supplier_poll_after_seconds)


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    delivery, orders = resources.service(DeliveryService), resources.settings_of(DigitalOrderSettings)
    polling = SupplierPollingTask(
        orders=resources.clients.digital_orders,
        delivery=delivery,
        longer_than=_poll_after(resources),
        settles_after=orders.digital_order_settles_after,
    )
    interval = resources.settings_of(SupplierSettings).supplier_poll_seconds
    yield PeriodicTask(polling.ask_all, name="supplier polling", interval_seconds=interval)

    failed = FailedDigitalOrderTask(
        delivery=delivery,
        jobs=resources.jobs,
        store=FulfilmentJobStore(resources.database),
        keep=timedelta(hours=orders.digital_order_refund_hours),
        settles_after=orders.digital_order_settles_after,
    )
    interval = orders.failed_digital_orders_interval_seconds
    yield PeriodicTask(failed.settle_all, name="failed digital orders", interval_seconds=interval)

    storage = resources.settings_of(StorageSettings)
    downloaded = DownloadedCodesTask(resources.service(OrderCodes), timedelta(days=storage.downloaded_codes_days))
    interval = storage.downloaded_codes_interval_seconds
    yield PeriodicTask(downloaded.delete_all, name="downloaded codes", interval_seconds=interval)


FEATURE: Final = Feature(
    routers=(ordering.router, codes.router, admin.router),
    plans=_plans,
    services=_services,
    job_policies=(POLICY,),
    job_handlers=_job_handlers,
    worker_consumers=_worker_consumers,
    periodic=_periodic,
)
