"""How much load a run makes. All that a benchmark's size depends on is here."""

from dataclasses import dataclass
from typing import Final

__all__ = ["FULL", "QUICK", "Sizes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Purchases are of one seat each, and each fan buys once."""

    clients: int = 32
    """Buy side by side; each waits for its answer before it goes on (the target for reserving is at 32)."""
    warm_up: int
    """Purchases before the clock starts: statements get prepared, connections opened, code paths specialised."""
    rush: int
    arrivals_per_second: tuple[int, ...] = (20, 40, 60)
    """Of fans who come whether others are done or not; in a rush of `clients` two cores sell some 80 a second."""
    steady_seconds: int
    """How long they come at each rate."""
    hall_sizes: tuple[int, ...] = (500, 5_000, 50_000)
    rounds: int
    """How often each hall size has its turn. Turns alternate, so that whatever drifts meets all sizes alike."""
    turn: int
    """Purchases in one turn; must fit into the smallest hall."""
    storms: int
    storm_buyers: int = 1_000
    storm_seats: int = 100
    scanners: tuple[int, ...] = (16, 32)
    scan_warm_up: int
    scans: int
    """Tickets that each number of scanners admits."""
    transfer_warm_up: int
    transfers: int
    cancelled_orders: int
    """Orders of the event that is called off."""
    jobs: int
    """Jobs that workers drain; many more than are kept, so that memory has a chance to grow."""
    pgbench: int
    """Purchases or scans in one run of pgbench; a multiple of `clients` and of each number of `scanners`."""


FULL: Final = Sizes(
    warm_up=2_000,
    rush=6_000,
    steady_seconds=20,
    rounds=8,
    turn=400,
    storms=3,
    scan_warm_up=500,
    scans=2_000,
    transfer_warm_up=100,
    transfers=1_000,
    cancelled_orders=5_000,
    jobs=10_000,
    pgbench=19_200,
)
QUICK: Final = Sizes(
    warm_up=200,
    rush=320,
    arrivals_per_second=(10, 20),
    steady_seconds=3,
    hall_sizes=(200, 2_000),
    rounds=2,
    turn=160,
    storms=1,
    storm_buyers=300,
    scan_warm_up=64,
    scans=160,
    transfer_warm_up=32,
    transfers=96,
    cancelled_orders=150,
    jobs=500,
    pgbench=1_600,
)
