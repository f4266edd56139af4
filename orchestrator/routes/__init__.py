"""The orchestrator's public API: FastAPI stops here."""

from fastapi import APIRouter

from orchestrator.routes import (
    admin_events,
    codes,
    door,
    events,
    jobs,
    marketplace,
    payments,
    purchase,
    refunds,
    sagas,
    tickets,
    transfers,
    webhooks,
)

__all__ = ["router"]

router = APIRouter(prefix="/api")
router.include_router(purchase.router)  # first: routes are tried in order
router.include_router(events.router)
router.include_router(tickets.router)
router.include_router(codes.router)
router.include_router(transfers.router)
router.include_router(marketplace.router)
router.include_router(refunds.router)
router.include_router(sagas.router)
router.include_router(jobs.router)
router.include_router(door.router)
router.include_router(admin_events.router)
router.include_router(payments.router)
router.include_router(webhooks.router)
