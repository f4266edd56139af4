"""A supplier of digital goods, simulated in memory: one reservation per unit, delivered as codes."""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, HTTPException
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field, SecretStr

from devstack.sandbox.faults import Faults
from devstack.sandbox.page import page

__all__ = ["GoodsSupplier", "ReservedUnit", "UnitStatus", "supplier_page", "supplier_routes"]

FAULT: Final = "supplier"
GROUPS: Final = 3
DECISIONS: Final = {"delivered": "Deliver", "failed": "Fail"}
SEND_NOTICE: Final = """
<script>
  document.addEventListener("click", async ({ target }) => {
    const { reservation, status } = target.dataset;
    if (!reservation) return;
    target.disabled = true;
    const body = JSON.stringify({ status });
    const headers = { "Content-Type": "application/json" };
    await fetch(`/control/supplier/${reservation}`, { method: "POST", headers, body });
    location.reload();
  });
</script>
"""

UnitStatus = Literal["waiting", "ready", "delivered", "failed"]


@dataclass(kw_only=True)
class ReservedUnit:
    """A reservation. It has its codes from the beginning, and shows them once it is ready or delivered."""

    reservation_id: str
    product_id: str
    request_id: str
    codes: list[str]
    status: UnitStatus = "waiting"
    reason: str = ""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def shown(self) -> dict[str, Any]:
        has_codes = self.status in {"ready", "delivered"}
        return asdict(self) | {"codes": self.codes if has_codes else []}


def _row(unit: ReservedUnit) -> str:
    """Return a row of the page, with buttons while the reservation is undecided."""
    reservation_id = escape(unit.reservation_id)
    buttons = "".join(
        f'<button data-reservation="{reservation_id}" data-status="{status}">{label}</button> '
        for status, label in DECISIONS.items()
        if unit.status == "waiting"
    )
    return (
        f"<tr><td><code>{reservation_id}</code></td><td>{escape(unit.product_id)}</td><td>{unit.status}</td>"
        f"<td>{unit.created_at:%H:%M:%S}</td><td>{buttons}</td></tr>"
    )


class GoodsSupplier:
    """Reservations, which exist until the sandbox ends.

    Attributes:
        sold_out, broken: products of which reservations are refused, or fail.
        shared: products of which all requests get one reservation, as a faulty supplier may do.
    """

    def __init__(self) -> None:
        self.units: dict[str, ReservedUnit] = {}
        self.sold_out: set[str] = set()
        self.broken: set[str] = set()
        self.shared: set[str] = set()
        self._by_request: dict[str, ReservedUnit] = {}

    def reserve(self, product_id: str, *, request_id: str) -> tuple[ReservedUnit, bool]:
        """Return the reservation of a request, and whether it is new.

        Raises:
            HTTPException: 409, the product is sold out; 503, its reservations fail.
        """
        if product_id in self.broken:
            raise HTTPException(503, "Please try again")
        request_id = f"any {product_id}" if product_id in self.shared else request_id
        if (known := self._by_request.get(request_id)) is not None:
            return known, False
        if product_id in self.sold_out:
            raise HTTPException(409, "Out of stock")
        code = "-".join(secrets.token_hex(3).upper() for _ in range(GROUPS))
        unit = ReservedUnit(
            reservation_id=f"R-{secrets.token_hex(8)}", product_id=product_id, request_id=request_id, codes=[code]
        )
        self.units[unit.reservation_id] = self._by_request[request_id] = unit
        return unit, True

    def find(self, reservation_id: str) -> ReservedUnit:
        """Return a reservation.

        Raises:
            HTTPException: 404, there is none.
        """
        if (unit := self.units.get(reservation_id)) is None:
            raise HTTPException(404, "Reservation not found")
        return unit

    def give(self, reservation_id: str) -> ReservedUnit:
        """Deliver a ready reservation.

        Raises:
            HTTPException: 404, there is none; 409, it waits or has failed.
        """
        unit = self.find(reservation_id)
        if unit.status not in {"ready", "delivered"}:
            raise HTTPException(409, f"The reservation is {unit.status}")
        unit.status = "delivered"
        return unit


class NewReservation(BaseModel):
    product_id: str = Field(min_length=1, max_length=255)
    request_id: str = Field(min_length=1, max_length=255)


def supplier_routes(
    supplier: GoodsSupplier, on_reserved: Callable[[ReservedUnit], None], faults: Faults, *, api_key: SecretStr
) -> APIRouter:
    """Return the supplier's API. `on_reserved` is called with each new reservation."""
    expected = api_key.get_secret_value().encode()

    def require_key(x_api_key: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(x_api_key.encode(), expected):
            raise HTTPException(401, "Invalid api key")

    async def inject() -> None:
        await faults.apply(FAULT)

    dependencies = [Depends(require_key), Depends(faults.inject), Depends(inject)]
    router = APIRouter(tags=["Supplier"])

    @router.post("/v1/reservations", status_code=201, dependencies=dependencies)
    async def reserve(body: NewReservation) -> dict[str, Any]:
        unit, is_new = supplier.reserve(body.product_id, request_id=body.request_id)
        if is_new:
            on_reserved(unit)
        return unit.shown()

    @router.post("/v1/reservations/{reservation_id}/give", dependencies=dependencies)
    async def give(reservation_id: str) -> dict[str, Any]:
        return supplier.give(reservation_id).shown()

    @router.get("/v1/reservations/{reservation_id}", dependencies=dependencies)
    async def show(reservation_id: str) -> dict[str, Any]:
        return supplier.find(reservation_id).shown()

    return router


def supplier_page(supplier: GoodsSupplier) -> APIRouter:
    """Return the page that shows reservations, and decides about them."""
    router = APIRouter()

    @router.get("/supplier", include_in_schema=False)
    async def show_page() -> HTMLResponse:
        rows = "".join(_row(unit) for unit in reversed(supplier.units.values()))
        heads = "<tr><th>Reservation</th><th>Product</th><th>Status</th><th>Made at</th><th></th></tr>"
        table = f"<table>{heads}{rows}</table>{SEND_NOTICE}"
        return HTMLResponse(page("Supplier", table if rows else "<p>There are no reservations yet.</p>"))

    return router
