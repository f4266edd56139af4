"""The interfaces of the supplier and of the storage of codes."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class ReservationStatus(enum.StrEnum):
    WAITING = "waiting"
    READY = "ready"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A reservation at the supplier. `codes` is empty until it is READY or DELIVERED; it never appears in a log."""

    reservation_id: str
    status: ReservationStatus
    codes: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierNotice:
    """What a webhook of the supplier says. If it has no codes, the supplier is asked for the reservation."""

    event_id: str
    reservation: Reservation


class Supplier(Protocol):
    async def reserve(self, supplier_product_id: str, *, request_id: str) -> Reservation:
        """Reserve one unit. The same request id returns the same reservation.

        Raises:
            SupplierRefused: it will never be delivered.
            SupplierUnavailable: it does not respond, or with an error.
        """

    async def give(self, reservation_id: str) -> Reservation:
        """Ask for the delivery of a reservation that is READY; repeating it changes nothing. Raises as `find`."""

    async def find(self, reservation_id: str) -> Reservation:
        """Return a reservation with its codes.

        Raises:
            SupplierRefused: there is none.
            SupplierUnavailable: it does not respond, or with an error.
        """

    async def close(self) -> None: ...


class CodeStorage(Protocol):
    """Stores sealed objects. All methods raise StorageUnavailable."""

    async def put(self, name: str, sealed: bytes, *, metadata: Mapping[str, str]) -> None: ...

    async def get(self, name: str) -> bytes | None:
        """Return an object; None if there is none."""

    async def delete(self, name: str) -> None:
        """Delete an object, if there is one."""

    async def presigned_url(self, name: str, *, seconds: int) -> str | None:
        """Return the storage's own link to an object; None for a storage that has none, such as a folder."""

    async def names(self, prefix: str, *, modified_before: datetime | None = None) -> list[str]:
        """Return the names of objects, for the rotation of keys."""
