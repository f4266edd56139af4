"""Purchases: hold seats, pay for them, cancel them."""

from collections.abc import Iterable, Mapping
from typing import Final

from common.messaging.broker import Broker
from orchestrator.clients.settings import ClientSettings
from orchestrator.feature import Feature, Resources
from orchestrator.features.purchases.messages import HoldExpiredHandler
from orchestrator.features.purchases.routes import router
from orchestrator.features.purchases.saga import PURCHASE, purchase_plan
from orchestrator.features.purchases.service import PurchaseService
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.features.tickets.settings import TicketSettings
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.repository import unwound_retention
from rabbitmq.topology import ORCHESTRATOR_HOLDS_QUEUE


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    yield purchase_plan(
        resources.clients,
        qr=QrCodec.of(resources.settings_of(TicketSettings)),
        hold_ttl_seconds=resources.settings_of(ClientSettings).hold_ttl_seconds,
    )


def _consumers(resources: Resources) -> Mapping[str, Broker]:
    handler = HoldExpiredHandler(resources.service(PurchaseService))
    return {"expired holds": resources.consumer(ORCHESTRATOR_HOLDS_QUEUE, handler.handle).broker}


FEATURE: Final = Feature(
    routers=(router,),
    plans=_plans,
    services=lambda resources: [PurchaseService(resources.engine, resources.clients)],
    consumers=_consumers,
    retentions=lambda _: [unwound_retention(PURCHASE)],
)
