"""What pgbench is given to do: the SQL of a purchase, or of a scan at the door, as the services write it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["Contention", "Workload", "purchases", "scans"]

SQL: Final = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """`attempts` is a multiple of the clients that share them."""

    attempts: int
    fill: str
    """What has to be in the database first."""
    script: str
    """pgbench's, for one attempt; it finds `:clients`, and `:mine` to count its own."""
    count: str
    """Counts what was done."""
    expected: int
    variables: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contention:
    """In every group of `buyers` attempts there are `seats` seats to be had."""

    buyers: int = 1
    seats: int = 1

    def seats_for(self, attempts: int) -> int:
        groups, rest = divmod(attempts, self.buyers)
        return groups * self.seats + min(rest, self.seats)


NONE: Final = Contention()


_SOLD: Final = """
    SELECT count(*) FROM inventory.seats JOIN orders.orders ON order_id = hold_id
        JOIN users.ledger_transactions ON reference = replace(order_id::text, '-', '')
    WHERE seats.status = 'SOLD' AND orders.status = 'CONFIRMED'
"""
_ADMITTED: Final = """
    SELECT count(*) FROM inventory.seats JOIN inventory.entry_logs USING (seat_id)
        JOIN inventory.requests ON request_id = scan_id
    WHERE seats.status = 'CHECKED_IN' AND entry_logs.result = 'SUCCESS'
"""


def purchases(attempts: int, *, hall_size: int, contention: Contention = NONE) -> Workload:
    seats = contention.seats_for(attempts)
    lock = "NOWAIT" if contention == NONE else "SKIP LOCKED"
    return Workload(
        attempts=attempts,
        fill=_text("fill.sql").format(seats=max(seats, hall_size), fans=attempts, hall_size=hall_size),
        script=_text("purchase.sql").replace("{lock}", lock),
        count=_SOLD,
        expected=seats,
        variables={"hall_size": hall_size, "buyers": contention.buyers, "seats": contention.seats},
    )


def scans(attempts: int) -> Workload:
    """Every ticket of one event, scanned once."""
    return Workload(
        attempts=attempts,
        fill=_text("fill.sql").format(seats=attempts, fans=attempts, hall_size=attempts)
        + _text("fill_sold.sql").format(seats=attempts),
        script=_text("scan.sql"),
        count=_ADMITTED,
        expected=attempts,
    )


def _text(file: str) -> str:
    return (SQL / file).read_text()
