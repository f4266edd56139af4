"""The benchmark: servers of its own, the broker alone, then one worker and two."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import uvloop

from bench.jobs.broker import BrokerRates, measure_broker
from bench.jobs.drain import Drain, Drained
from bench.results import Outcome, Result
from common.telemetry.logs import configure_logs
from devstack.database import create_databases, service_url
from devstack.home import ROOT
from devstack.stack import Stack
from orchestrator.container import JOB_POLICIES as POLICIES

__all__ = ["measure_drain"]

DATABASE: Final = "bench_jobs"
MOST_GROWTH: Final = 1.1
KEPT: Final = POLICIES["bulk"].keep_completed


def measure_drain(jobs: int) -> Outcome:
    """Let workers empty a queue of so many jobs that do nothing.

    Raises:
        BenchFailedError: jobs were tried more often than once, or are left.
    """
    configure_logs(service="bench", level="WARNING", log_format="console")
    with tempfile.TemporaryDirectory(prefix="ticketremaster-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # root runs PostgreSQL as another user, who must get through
        with Stack(home=home, services=[]) as stack:
            broker, drains = uvloop.run(_measure(stack, jobs))
    figures = [*_figures_of_broker(broker), *(figure for drain in drains for figure in _figures(drain, broker))]
    details = {"jobs": jobs, "broker": asdict(broker), "drains": [asdict(drain) for drain in drains]}
    return Outcome(benchmark=f"{jobs:,} jobs that do nothing", figures=figures, details=details)


async def _measure(stack: Stack, jobs: int) -> tuple[BrokerRates, Sequence[Drained]]:
    create_databases(stack.postgres_url, [DATABASE])
    database_url = service_url(stack.postgres_url, DATABASE)
    env = os.environ | {"ENV": "dev", "DATABASE_URL": database_url}
    subprocess.run([sys.executable, "-m", "orchestrator", "migrate"], env=env, cwd=ROOT, check=True)  # noqa: ASYNC221 - nothing else runs yet
    broker = await measure_broker(stack.urls.rabbitmq, messages=jobs)
    drain = Drain(database_url=database_url, rabbitmq_url=stack.urls.rabbitmq, jobs=jobs)
    drains = [await drain.measure(workers=workers) for workers in (1, 2)]
    await drain.close()
    return broker, drains


def _figures_of_broker(broker: BrokerRates) -> list[Result]:
    return [
        Result(name="broker alone: publish, confirmed", value=broker.published, unit="/s"),
        Result(name="broker alone: consume, acknowledged", value=broker.consumed, unit="/s"),
        Result(name="broker alone: in and out", value=broker.through, unit="/s"),
    ]


def _figures(drain: Drained, broker: BrokerRates) -> list[Result]:
    who = f"{drain.workers} worker" + "s" * (drain.workers > 1)
    return [
        Result(name=f"enqueue, tokens sent, before {who}", value=drain.enqueued_rate, unit="/s"),
        Result(name=f"drain, {who}", value=drain.rate, unit="/s"),
        Result(name=f"drain, {who}, of the broker alone", value=100 * drain.rate / broker.through, unit="%"),
        Result(name=f"memory of a worker early on, {who}", value=drain.early_memory, unit="MiB"),
        Result(
            name=f"memory of a worker at the end, {who}",
            value=drain.late_memory,
            unit="MiB",
            target=f"under {MOST_GROWTH:g} times early on",
            is_met=drain.late_memory < MOST_GROWTH * drain.early_memory,
        ),
        Result(
            name=f"jobs kept, {who}",
            value=float(drain.kept),
            unit="",
            target=f"exactly {KEPT}",
            is_met=drain.kept == KEPT,
        ),
    ]
