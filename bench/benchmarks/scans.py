"""A scan rush: a full hall goes in, through the gateway."""

from typing import Final

from bench.environment import Environment
from bench.latency import Latency
from bench.pgbench import PgbenchRun
from bench.results import Cost, Outcome, Result
from bench.scans import Scans
from bench.workloads import scans

__all__ = ["measure_scans"]

MOST_P95_MILLISECONDS: Final = 40.0  # the engineering specification


def measure_scans(environment: Environment) -> Outcome:
    """Admit a hall for each number of scanners, with pgbench doing the same right after it.

    Raises:
        BenchFailedError: somebody was not admitted.
    """
    sizes = environment.sizes
    environment.scan(environment.tickets(sizes.scan_warm_up), scanners=sizes.clients)
    figures: list[Result] = []
    costs: dict[str, Cost] = {}
    for scanners in sizes.scanners:
        tickets = environment.tickets(sizes.scans)
        environment.start_meter()
        scanned = environment.scan(tickets, scanners=scanners)
        cpu = environment.meter.stop()
        alone = environment.alone(scans(sizes.pgbench), clients=scanners)
        cost, cost_alone = Cost.of(cpu, per=sizes.scans), Cost.of(alone.cpu, per=alone.done)
        figures += _figures(scanned, alone, scanners=scanners)
        figures.append(Result(name=f"CPU of a scan, {scanners}", value=cost.total, unit="ms", pgbench=cost_alone.total))
        costs |= {f"a scan on the platform, {scanners} scanners": cost, f"a scan by pgbench, {scanners}": cost_alone}
    details = {"scanners": sizes.scanners, "scans": sizes.scans}
    return Outcome(benchmark="scan rush", figures=figures, costs=costs, details=details)


def _figures(scanned: Scans, alone: PgbenchRun, *, scanners: int) -> list[Result]:
    latency = Latency.of(scanned.scan_seconds)
    return [
        Result(
            name=f"scans, {scanners} scanners",
            value=len(scanned.scan_seconds) / scanned.seconds,
            unit="/s",
            pgbench=alone.done / alone.seconds,
        ),
        Result(name=f"scan p50, {scanners}", value=latency.p50, unit="ms"),
        Result(
            name=f"scan p95, {scanners}",
            value=latency.p95,
            unit="ms",
            target=f"under {MOST_P95_MILLISECONDS:.0f} ms",
            is_met=latency.p95 < MOST_P95_MILLISECONDS,
        ),
        Result(name=f"scan p99, {scanners}", value=latency.p99, unit="ms"),
    ]
