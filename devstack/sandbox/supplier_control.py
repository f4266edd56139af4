"""Routes with which users and tests control the supplier: deliver or fail reservations, and send their webhooks."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr

from devstack.sandbox.payment_control import Delivery, WebhookReport
from devstack.sandbox.supplier import GoodsSupplier, ReservedUnit, UnitStatus
from devstack.sandbox.webhooks import SentWebhook, WebhookSender, supplier_headers

__all__ = ["SupplierNotices", "supplier_control_routes"]

LONGEST_DELAY_SECONDS: Final = 120
WRONG_SECRET: Final = SecretStr("not the secret")


class NewNotice(Delivery):
    """A notice about a reservation; with `copies` 0 it is lost, with more it arrives more than once.

    Args:
        moves: whether the reservation itself gets the status; otherwise only the notice says so.
        event_id: a new one if omitted.
    """

    status: UnitStatus
    has_codes: bool = True
    moves: bool = True
    reason: str = ""
    event_id: str | None = None
    has_wrong_signature: bool = False


class Automatic(BaseModel):
    """What becomes of every new reservation after a delay; nothing if `notice` is null."""

    notice: NewNotice | None = None
    delay_seconds: Annotated[float, Field(ge=0, le=LONGEST_DELAY_SECONDS)] = 0


class Availability(BaseModel):
    is_sold_out: bool = False
    is_broken: bool = False
    is_shared: bool = False


@dataclass
class SupplierNotices:
    """Sends the supplier's webhooks."""

    supplier: GoodsSupplier
    sender: WebhookSender
    secret: SecretStr
    automatic: Automatic = field(default_factory=Automatic)
    _sending: set[asyncio.Task[object]] = field(default_factory=set)

    async def send(self, unit: ReservedUnit, notice: NewNotice) -> SentWebhook:
        if notice.moves:
            unit.status, unit.reason = notice.status, notice.reason
        event_id = notice.event_id or f"kg_{uuid4().hex}"
        payload: dict[str, Any] = {
            "event_id": event_id,
            "type": f"order.{notice.status}",
            "reservation_id": unit.reservation_id,
        }
        if notice.has_codes and notice.status in {"ready", "delivered"}:
            payload["codes"] = unit.codes
        if notice.reason:
            payload["reason"] = notice.reason
        return await self.sender.send_new(
            "kinguin",
            payload | notice.changes,
            supplier_headers(WRONG_SECRET if notice.has_wrong_signature else self.secret),
            notice,
            webhook_id=event_id,
            type_=payload["type"],
        )

    def reserved(self, unit: ReservedUnit) -> None:
        if self.automatic.notice is None:
            return
        task = asyncio.create_task(self._send_later(unit, self.automatic.notice, self.automatic.delay_seconds))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self) -> None:
        for task in [*self._sending]:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _send_later(self, unit: ReservedUnit, notice: NewNotice, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        await self.send(unit, notice)


def supplier_control_routes(supplier: GoodsSupplier, notices: SupplierNotices) -> APIRouter:
    router = APIRouter(prefix="/control", tags=["Control"])

    @router.get("/supplier")
    async def list_reservations(request_id: str | None = None) -> list[dict[str, Any]]:
        """List all reservations, oldest first, or that of one request."""
        return [unit.shown() for unit in supplier.units.values() if request_id in {None, unit.request_id}]

    @router.post("/supplier/{reservation_id}", response_model=WebhookReport)
    async def notify(reservation_id: str, body: NewNotice) -> SentWebhook:
        """Give a reservation a status and send the notice of it."""
        return await notices.send(supplier.find(reservation_id), body)

    @router.post("/supplier-automatic", status_code=204)
    async def automate(body: Automatic) -> None:
        """Send a notice about every reservation that is made from now on."""
        notices.automatic = body

    @router.post("/supplier-products/{product_id}", status_code=204)
    async def set_availability(product_id: str, body: Availability) -> None:
        faults = (
            (supplier.sold_out, body.is_sold_out),
            (supplier.broken, body.is_broken),
            (supplier.shared, body.is_shared),
        )
        for products, is_one in faults:
            (products.add if is_one else products.discard)(product_id)

    return router
