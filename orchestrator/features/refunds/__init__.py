"""Refunds of orders."""

from typing import Final

from orchestrator.feature import Feature
from orchestrator.features.refunds.routes import router
from orchestrator.features.refunds.saga import refund_order_plan, refund_seats_plan
from orchestrator.features.refunds.service import RefundService

FEATURE: Final = Feature(
    routers=(router,),
    plans=lambda resources: [refund_seats_plan(resources.clients), refund_order_plan(resources.clients)],
    services=lambda resources: [RefundService(resources.engine, resources.clients)],
)
