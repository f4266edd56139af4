"""The orchestrator's public API: FastAPI stops here."""

from fastapi import APIRouter

from orchestrator.routes import admin_events, door, events, purchase, sagas, tickets

__all__ = ["router"]

router = APIRouter(prefix="/api")
router.include_router(purchase.router)  # first: routes are tried in order
router.include_router(events.router)
router.include_router(tickets.router)
router.include_router(sagas.router)
router.include_router(door.router)
router.include_router(admin_events.router)
