"""The orchestrator's capabilities, a folder each, and the public API that they make up together."""

from fastapi import APIRouter

from orchestrator.features.check_in import routes as check_in
from orchestrator.features.event_admin import routes as event_admin
from orchestrator.features.events import routes as events
from orchestrator.features.inbound_webhooks import routes as inbound_webhooks
from orchestrator.features.marketplace import routes as marketplace
from orchestrator.features.otp import routes as otp
from orchestrator.features.payments import routes as payments
from orchestrator.features.purchases import routes as purchases
from orchestrator.features.refunds import routes as refunds
from orchestrator.features.tickets import routes as tickets
from orchestrator.features.transfers import routes as transfers
from orchestrator.jobs import routes as jobs
from orchestrator.saga_engine import routes as sagas

__all__ = ["router"]

router = APIRouter(prefix="/api")
router.include_router(purchases.router)  # first: routes are tried in order
router.include_router(events.router)
router.include_router(tickets.router)
router.include_router(otp.router)
router.include_router(transfers.router)
router.include_router(marketplace.router)
router.include_router(refunds.router)
router.include_router(sagas.router)
router.include_router(jobs.router)
router.include_router(check_in.router)
router.include_router(event_admin.router)
router.include_router(payments.router)
router.include_router(inbound_webhooks.router)
