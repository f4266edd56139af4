"""Check-in of a sold-out hall, through the gateway."""

from typing import Final

from bench.environment import Environment
from bench.pgbench import PgbenchRun
from bench.results import Cost, Outcome, Result, latency_results
from bench.scans import Scans
from bench.workloads import scans

__all__ = ["measure_scans"]

MAX_P95_MILLISECONDS: Final = 40.0  # the engineering specification


def measure_scans(environment: Environment) -> Outcome:
    """Admit a hall for each number of scanners, and run the same with pgbench right after.

    Raises:
        BenchFailedError: a ticket was not admitted.
    """
    sizes = environment.sizes
    environment.scan(environment.tickets(sizes.scan_warm_up), scanners=sizes.clients)
    results: list[Result] = []
    costs: dict[str, Cost] = {}
    for scanners in sizes.scanners:
        tickets = environment.tickets(sizes.scans)
        environment.start_meter()
        scanned = environment.scan(tickets, scanners=scanners)
        cpu = environment.meter.stop()
        pgbench = environment.run_pgbench(scans(sizes.pgbench), clients=scanners)
        cost, pgbench_cost = Cost.of(cpu, per=sizes.scans), Cost.of(pgbench.cpu, per=pgbench.done)
        results += _results(scanned, pgbench, scanners=scanners)
        results.append(
            Result(name=f"CPU per scan, {scanners}", value=cost.total, unit="ms", pgbench=pgbench_cost.total)
        )
        costs |= {f"a scan on the platform, {scanners} scanners": cost, f"a scan by pgbench, {scanners}": pgbench_cost}
    details = {"scanners": sizes.scanners, "scans": sizes.scans}
    return Outcome(benchmark="check-in", results=results, costs=costs, details=details)


def _results(scanned: Scans, pgbench: PgbenchRun, *, scanners: int) -> list[Result]:
    return [
        Result(
            name=f"scans, {scanners} scanners",
            value=len(scanned.scan_seconds) / scanned.seconds,
            unit="/s",
            pgbench=pgbench.done / pgbench.seconds,
        ),
        *latency_results("scan", scanned.scan_seconds, suffix=f", {scanners}", p95_below=MAX_P95_MILLISECONDS),
    ]
