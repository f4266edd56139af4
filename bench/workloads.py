"""The workloads of pgbench: the SQL of a purchase or of a check-in, as the services write it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["Contention", "Workload", "purchases", "scans"]

SQL: Final = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A pgbench run; `attempts` is a multiple of the number of clients."""

    attempts: int
    fill: str
    """SQL that fills the database first."""
    script: str
    """The pgbench script of one attempt; `:clients` and the counter `:mine` are defined."""
    count: str
    """SQL that counts the completed attempts."""
    expected: int
    variables: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contention:
    """Each group of `buyers` attempts competes for `seats` seats."""

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
    """Return a workload that scans every ticket of one event once."""
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
