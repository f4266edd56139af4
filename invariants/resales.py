"""Transfers and listings: each has its saga, and a ticket is in only one at a time."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from invariants.snapshot import Row, Rows, Snapshot, grouped

__all__ = ["TRANSFERRED", "is_status_of", "new_owners", "violations"]

TRANSFERRED: Final = frozenset({"COMPLETED", "DISPUTED", "REVERSING"})
"""Statuses of a transfer whose buyer got the ticket."""
ON_SALE: Final = frozenset({"ACTIVE", "PENDING_TRANSFER"})

TRANSFER_OF_SAGA: Final[Mapping[str, set[str | None]]] = {
    "COMPLETED": {"COMPLETED", "DISPUTED", "REVERSED"},
    "UNWOUND": {"FAILED", "CANCELLED", None},
    "WAITING": {"PENDING_OTP"},
}
LISTING_OF_SALE: Final[Mapping[str, set[str | None]]] = {
    "COMPLETED": {"COMPLETED"},
    "UNWOUND": {None},
    "WAITING": {"PENDING_TRANSFER"},
}


def new_owners(snapshot: Snapshot) -> dict[tuple[Any, Any], Any]:
    """Return the last buyer of each transferred or resold ticket (order, seat)."""
    changes = [
        *(transfer for transfer in snapshot.transfers if transfer["status"] in TRANSFERRED),
        *(listing for listing in snapshot.listings if listing["status"] == "COMPLETED"),
    ]
    changes.sort(key=lambda change: change["completed_at"])
    return {(row["order_id"], row["seat_id"]): row["buyer_user_id"] for row in changes}


def violations(snapshot: Snapshot) -> list[str]:
    return [
        *_transfers(snapshot),
        *_disputes(snapshot),
        *_owner_changes(snapshot),
        *_listings(snapshot),
        *_sales(snapshot),
        *_listed_seats(snapshot),
    ]


def _transfers(snapshot: Snapshot) -> list[str]:
    sagas = snapshot.sagas_of("transfer")
    status = {transfer["transfer_id"]: transfer["status"] for transfer in snapshot.transfers}
    pending = Counter(transfer["seat_id"] for transfer in snapshot.transfers if transfer["status"] == "PENDING_OTP")
    return [
        *(
            f"transfer saga {saga_id} is {state}, its transfer is {status.get(saga_id)}"
            for saga_id, state in sagas.items()
            if not is_status_of(TRANSFER_OF_SAGA, state, status.get(saga_id))
        ),
        *(
            f"transfer {transfer_id} is PENDING_OTP, its saga is {sagas.get(transfer_id)}"
            for transfer_id, its_status in status.items()
            if its_status == "PENDING_OTP" and sagas.get(transfer_id) != "WAITING"
        ),
        *(f"transfer {transfer_id} is REVERSING" for transfer_id, now in status.items() if now == "REVERSING"),
        *(f"seat {seat_id} is in {count} pending transfers" for seat_id, count in pending.items() if count > 1),
    ]


def _disputes(snapshot: Snapshot) -> list[str]:
    """The ticket of a disputed transfer still belongs to its buyer."""
    owners = {(seat["hold_id"], seat["seat_id"]): seat["owner_user_id"] for seat in snapshot.seats}
    return [
        f"transfer {transfer['transfer_id']} is disputed, and its buyer does not have the ticket"
        for transfer in snapshot.transfers
        if transfer["status"] == "DISPUTED"
        and owners.get((transfer["order_id"], transfer["seat_id"])) != transfer["buyer_user_id"]
    ]


def _owner_changes(snapshot: Snapshot) -> list[str]:
    """No ticket is about to change owner."""
    return [
        f"the ticket of order {row['order_id']}, seat {row['seat_id']}, is about to change owner"
        for row in (*snapshot.transfers, *snapshot.listings)
        if row["is_owner_change_begun"] and row["status"] in {"PENDING_OTP", "ACTIVE", "PENDING_TRANSFER"}
    ]


def _listings(snapshot: Snapshot) -> list[str]:
    """No listing is half opened or half withdrawn."""
    return [
        f"listing {listing['listing_id']} is {listing['status']}"
        for listing in snapshot.listings
        if listing["status"] in {"OPENING", "WITHDRAWING"}
    ]


def _sales(snapshot: Snapshot) -> list[str]:
    sagas = snapshot.sagas_of("resale")
    status = {listing["sale_id"]: listing["status"] for listing in snapshot.listings if listing["sale_id"] is not None}
    return [
        *(
            f"sale {sale_id} is {state}, its listing is {status.get(sale_id)}"
            for sale_id, state in sagas.items()
            if not is_status_of(LISTING_OF_SALE, state, status.get(sale_id))
        ),
        *(
            f"a listing is {its_status} by sale {sale_id}, whose saga is {sagas.get(sale_id)}"
            for sale_id, its_status in status.items()
            if its_status == "PENDING_TRANSFER" and sagas.get(sale_id) != "WAITING"
        ),
    ]


def is_status_of(allowed: Mapping[str, set[str | None]], state: str, status: str | None) -> bool:
    """Whether a status fits the saga's state; `idle` reports unfinished sagas."""
    return state not in allowed or status in allowed[state]


def _listed_seats(snapshot: Snapshot) -> list[str]:
    """A seat is LISTED if and only if it has exactly one listing on sale, by its owner and of its current order."""
    on_sale = grouped((listing for listing in snapshot.listings if listing["status"] in ON_SALE), "seat_id")
    seats = {seat["seat_id"]: seat for seat in snapshot.seats}
    listed = {seat_id for seat_id, seat in seats.items() if seat["status"] == "LISTED"}
    return [
        f"seat {seat_id} is {seat['status'] if seat else 'available'}, its {len(listings)} listings on sale do not fit"
        for seat_id in listed | on_sale.keys()
        for seat, listings in [(seats.get(seat_id), on_sale.get(seat_id, []))]
        if seat is None or not _is_listing_consistent(seat, listings)
    ]


def _is_listing_consistent(seat: Row, on_sale: Rows) -> bool:
    sellers = [(listing["seller_user_id"], listing["order_id"]) for listing in on_sale]
    return seat["status"] == "LISTED" and sellers == [(seat["owner_user_id"], seat["hold_id"])]
