"""`python -m tests.chaos.crash_worker`: the real worker with a test handler, which crashes where the test says.

The handler inserts a row into the table `effects` each time it runs. See `crash_orchestrator` for how it crashes and
restarts; a file in ``CRASH_POINT_FILE`` that is never written means that it never crashes.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import text

from common.errors import Unavailable
from common.http.app import serve
from orchestrator.container import Container
from orchestrator.jobs.observer import JobMoment, LoggingJobObserver
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import JobContext, Registry
from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker
from tests.chaos.auto_restart import restart_forever
from tests.chaos.crash_orchestrator import CRASH_POINT_FILE, CrashPoint
from tests.support.waiting import eventually

__all__ = ["CRASHABLE_WORKER_COMMAND", "FAILS_ONCE_KIND", "KIND", "MID_HANDLER", "PAUSE_SECONDS", "POLICY", "SampleJob"]

CRASHABLE_WORKER_COMMAND: Final = (sys.executable, "-m", "tests.chaos.crash_worker")
KIND: Final = "bulk"
FAILS_ONCE_KIND: Final = "commission"
MID_HANDLER: Final = "mid handler"
POLICY: Final = JobPolicy(KIND, max_attempts=5, retry_seconds=(0.1,), timeout_seconds=10, concurrency=4)
# After its first failure; longer than a test takes to kill the broker in between.
PAUSE_SECONDS: Final = 4.0
FAILS_ONCE_POLICY: Final = replace(POLICY, kind=FAILS_ONCE_KIND, retry_seconds=(PAUSE_SECONDS,))

_EFFECT: Final = text("INSERT INTO effects (job_id, attempt) VALUES (:job_id, :attempt)")


class SampleJob(BaseModel):
    """The handler waits for the file that `gate` names."""

    name: str
    gate: str = ""


class CrashingJobObserver(LoggingJobObserver):
    def __init__(self, crash_point: CrashPoint) -> None:
        self._doom = crash_point

    async def moment_reached(self, moment: JobMoment, kind: str) -> None:
        self._doom.crash_if_reached(moment, kind)


def serve_once() -> None:
    settings = WorkerSettings()
    crash_point = CrashPoint(Path(os.environ[CRASH_POINT_FILE]))

    def register(registry: Registry, container: Container) -> None:
        async def run_job(job: SampleJob, context: JobContext) -> Mapping[str, Any]:
            await container.resources.database.execute(_EFFECT, {"job_id": context.job_id, "attempt": context.attempt})
            crash_point.crash_if_reached(MID_HANDLER, KIND)
            if job.gate:
                await eventually(Path(job.gate).exists, within_seconds=POLICY.timeout_seconds)
            return {"did": job.name}

        async def fail_once(job: SampleJob, context: JobContext) -> Mapping[str, Any]:
            if context.attempt == 1:
                raise Unavailable
            return await run_job(job, context)

        registry.register(POLICY, SampleJob, run_job)
        registry.register(FAILS_ONCE_POLICY, SampleJob, fail_once)

    app = create_worker(settings, job_observer=CrashingJobObserver(crash_point), register=register)
    serve(app, service="worker", settings=settings)


if __name__ == "__main__":
    restart_forever(serve_once)
