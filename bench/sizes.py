"""The load of a run: everything that the size of a benchmark depends on."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes of all benchmarks. A purchase is of one seat, and each fan buys once."""

    clients: int = 32
    """Concurrent buyers; each waits for a response before the next request (the target for reserving is at 32)."""
    warm_up: int
    """Purchases before the measurement: they prepare statements, open connections and specialise code paths."""
    on_sale: int
    arrivals_per_second: tuple[int, ...] = (20, 40, 60)
    """Arrivals of an open loop; in a closed loop of `clients` two cores sell some 80 seats per second."""
    steady_seconds: int
    """The duration at each rate."""
    hall_sizes: tuple[int, ...] = (500, 5_000, 50_000)
    rounds: int
    """Batches per hall size. The sizes alternate, so that drift of the machine affects all sizes equally."""
    batch: int
    """Purchases in one round; must fit into the smallest hall."""
    contention_runs: int
    contending_buyers: int = 1_000
    contended_seats: int = 100
    scanners: tuple[int, ...] = (16, 32)
    scan_warm_up: int
    scans: int
    """Tickets per number of scanners."""
    transfer_warm_up: int
    transfers: int
    tips: int
    """As many as seats that are bought beside them, in turn."""
    tipped_performers: int = 20
    queued_items: tuple[int, int] = (10, 10_000)
    """Lengths of a performer's queue in which a position is read."""
    position_reads: int
    batched_tips: int = 5_000
    """Tips that wait for one payout."""
    payouts: int
    goods_orders: int
    goods_batch: int
    """Orders of codes that are open at most."""
    cancelled_orders: int
    """Orders of the cancelled event."""
    jobs: int
    """Jobs that workers drain; many more than the policy keeps, so that a memory leak shows."""
    list_rows: int
    """Rows of each table whose lists are read."""
    pgbench: int
    """Purchases or scans in one run of pgbench; a multiple of `clients` and of each number of `scanners`."""


FULL: Final = Sizes(
    warm_up=2_000,
    on_sale=6_000,
    steady_seconds=20,
    rounds=8,
    batch=400,
    contention_runs=3,
    scan_warm_up=500,
    scans=2_000,
    transfer_warm_up=100,
    transfers=1_000,
    tips=2_000,
    position_reads=2_000,
    payouts=10,
    goods_orders=5_000,
    goods_batch=500,
    cancelled_orders=5_000,
    jobs=10_000,
    list_rows=10_000_000,
    pgbench=19_200,
)
QUICK: Final = Sizes(
    warm_up=200,
    on_sale=320,
    arrivals_per_second=(10, 20),
    steady_seconds=3,
    hall_sizes=(200, 2_000),
    rounds=2,
    batch=160,
    contention_runs=1,
    contending_buyers=300,
    scan_warm_up=64,
    scans=160,
    transfer_warm_up=32,
    transfers=96,
    tips=160,
    position_reads=200,
    payouts=2,
    goods_orders=200,
    goods_batch=50,
    cancelled_orders=150,
    jobs=500,
    list_rows=20_000,
    pgbench=1_600,
)
