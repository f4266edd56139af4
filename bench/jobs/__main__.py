"""`python -m bench.jobs [--quick]`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.table import Table

from bench.jobs.broker import BrokerRates, measure_broker
from bench.jobs.drain import Drain, Drained
from bench.report import RESULTS
from common.telemetry.logs import configure_logs
from devstack.database import create_databases, service_url
from devstack.home import ROOT
from devstack.stack import Stack

__all__ = ["main"]

JOBS: Final = 10_000
QUICK_JOBS: Final = 500
DATABASE: Final = "bench_jobs"
MOST_GROWTH: Final = 1.1
KEPT: Final = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure. The exit code is 1 when memory grew, or more was kept than the policy says."""
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few jobs: to see that it runs")
    configure_logs(service="bench", level="WARNING", log_format="console")
    jobs = QUICK_JOBS if parser.parse_args(arguments).quick else JOBS
    with tempfile.TemporaryDirectory(prefix="ticketremaster-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # root runs PostgreSQL as another user, who must get through
        with Stack(home=home, services=[]) as stack:
            broker, drains = uvloop.run(_measure(stack, jobs))
    _print(broker, drains, jobs)
    _store(broker, drains, jobs)
    return (
        0 if all(drain.kept == KEPT and drain.late_memory < MOST_GROWTH * drain.early_memory for drain in drains) else 1
    )


async def _measure(stack: Stack, jobs: int) -> tuple[BrokerRates, list[Drained]]:
    create_databases(stack.postgres_url, [DATABASE])
    database_url = service_url(stack.postgres_url, DATABASE)
    env = os.environ | {"ENV": "dev", "DATABASE_URL": database_url}
    subprocess.run([sys.executable, "-m", "orchestrator", "migrate"], env=env, cwd=ROOT, check=True)  # noqa: ASYNC221 - nothing else runs yet
    broker = await measure_broker(stack.urls.rabbitmq, messages=jobs)
    drain = Drain(database_url=database_url, rabbitmq_url=stack.urls.rabbitmq, jobs=jobs)
    drains = [await drain.measure(workers=workers) for workers in (1, 2)]
    await drain.close()
    return broker, drains


def _print(broker: BrokerRates, drains: Sequence[Drained], jobs: int) -> None:
    table = Table(title=f"{jobs:,} jobs that do nothing", title_justify="left")
    for column in ("", "a second", "of the broker alone", "MiB early", "MiB late", "kept"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("broker alone: publish, confirmed", f"{broker.published:,.0f}")
    table.add_row("broker alone: consume, acknowledged", f"{broker.consumed:,.0f}")
    table.add_row("broker alone: in and out", f"{broker.through:,.0f}", "100 %")
    for drain in drains:
        table.add_row(f"enqueue, tokens sent ({drain.workers})", f"{drain.enqueued_rate:,.0f}")
    for drain in drains:
        table.add_row(
            f"drain with {drain.workers} worker" + "s" * (drain.workers > 1),
            f"{drain.rate:,.0f}",
            f"{drain.rate / broker.through:.0%}",
            f"{drain.early_memory:.0f}",
            f"{drain.late_memory:.0f}",
            str(drain.kept),
        )
    Console(highlight=False).print(table)


def _store(broker: BrokerRates, drains: Sequence[Drained], jobs: int) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    taken_at = datetime.now(UTC).replace(microsecond=0)
    content = {
        "taken_at": taken_at.isoformat(),
        "jobs": jobs,
        "broker": asdict(broker),
        "drains": [asdict(drain) for drain in drains],
    }
    (RESULTS / f"jobs-{taken_at:%Y%m%dT%H%M%SZ}.json").write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
