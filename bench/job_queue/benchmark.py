"""The benchmark on separate servers: the broker alone, then one worker, then two."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import uvloop

from bench.job_queue.broker import BrokerRates, measure_broker
from bench.job_queue.drain import Drain, Drained
from bench.results import Outcome, Result
from common.telemetry.logs import configure_logs
from devstack.database import create_databases, service_url
from devstack.home import ROOT
from devstack.stack import Stack
from orchestrator.container import JOB_POLICIES as POLICIES

__all__ = ["measure_drain"]

DATABASE: Final = "bench_jobs"
MAX_GROWTH: Final = 1.1
KEEP_COMPLETED: Final = POLICIES["bulk"].keep_completed


def measure_drain(jobs: int) -> Outcome:
    """Let workers drain a queue of this many jobs that do nothing.

    Raises:
        BenchFailedError: a job was attempted more than once or not completed.
    """
    configure_logs(service="bench", level="WARNING", log_format="console")
    with tempfile.TemporaryDirectory(prefix="ticketremaster-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # root runs PostgreSQL as another user, who must be able to enter
        with Stack(home=home, services=[]) as stack:
            broker, drains = uvloop.run(_measure(stack, jobs))
    results = [*_broker_results(broker), *(result for drain in drains for result in _results(drain, broker))]
    details = {"jobs": jobs, "broker": asdict(broker), "drains": [asdict(drain) for drain in drains]}
    return Outcome(benchmark=f"{jobs:,} jobs that do nothing", results=results, details=details)


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


def _broker_results(broker: BrokerRates) -> list[Result]:
    return [
        Result(name="broker alone: publish, confirmed", value=broker.published, unit="/s"),
        Result(name="broker alone: consume, acknowledged", value=broker.consumed, unit="/s"),
        Result(name="broker alone: in and out", value=broker.through, unit="/s"),
    ]


def _results(drain: Drained, broker: BrokerRates) -> list[Result]:
    workers = f"{drain.workers} worker" + "s" * (drain.workers > 1)
    return [
        Result(name=f"enqueue, wake-up messages sent, before {workers}", value=drain.enqueued_rate, unit="/s"),
        Result(name=f"drain, {workers}", value=drain.rate, unit="/s"),
        Result(
            name=f"drain, {workers}, compared with the broker alone", value=100 * drain.rate / broker.through, unit="%"
        ),
        Result(name=f"memory of a worker early on, {workers}", value=drain.early_memory, unit="MiB"),
        Result(
            name=f"memory of a worker at the end, {workers}",
            value=drain.late_memory,
            unit="MiB",
            target=f"under {MAX_GROWTH:g} times early on",
            is_met=drain.late_memory < MAX_GROWTH * drain.early_memory,
        ),
        Result(
            name=f"jobs kept, {workers}",
            value=float(drain.kept),
            unit="",
            target=f"exactly {KEEP_COMPLETED}",
            is_met=drain.kept == KEEP_COMPLETED,
        ),
    ]
