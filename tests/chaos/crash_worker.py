"""`python -m tests.chaos.crash_worker`: the real worker with a handler of the tests, killed where the test says.

Its handlers leave a row in the table `effects` for each time they do something. See `doomed_orchestrator` for how it dies and
rises; without ``DOOM_FILE`` it only lives.
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
from tests.chaos.auto_restart import rise
from tests.chaos.crash_orchestrator import DOOM_FILE, Doom
from tests.support.waiting import eventually

__all__ = ["DOOMED_WORKER_COMMAND", "KIND", "MID_HANDLER", "PAUSE_SECONDS", "POLICY", "STUMBLING_KIND", "Errand"]

DOOMED_WORKER_COMMAND: Final = (sys.executable, "-m", "tests.chaos.crash_worker")
KIND: Final = "bulk"
STUMBLING_KIND: Final = "commission"
MID_HANDLER: Final = "mid handler"
POLICY: Final = JobPolicy(KIND, tries=5, retry_seconds=(0.1,), timeout_seconds=10, concurrency=4)
# After its first failure; longer than a test takes to kill the broker meanwhile.
PAUSE_SECONDS: Final = 4.0
STUMBLING_POLICY: Final = replace(POLICY, kind=STUMBLING_KIND, retry_seconds=(PAUSE_SECONDS,))

_EFFECT: Final = text("INSERT INTO effects (job_id, attempt) VALUES (:job_id, :attempt)")


class Errand(BaseModel):
    """`until` names a file without which it is not done."""

    name: str
    until: str = ""


class DoomedJobObserver(LoggingJobObserver):
    def __init__(self, doom: Doom) -> None:
        self._doom = doom

    async def reached(self, moment: JobMoment, kind: str) -> None:
        self._doom.strike(moment, kind)


def live() -> None:
    settings = WorkerSettings()
    doom = Doom(Path(os.environ[DOOM_FILE]))

    def register(registry: Registry, container: Container) -> None:
        async def run_errand(errand: Errand, context: JobContext) -> Mapping[str, Any]:
            await container.resources.database.execute(_EFFECT, {"job_id": context.job_id, "attempt": context.attempt})
            doom.strike(MID_HANDLER, KIND)
            if errand.until:
                await eventually(Path(errand.until).exists, within_seconds=POLICY.timeout_seconds)
            return {"did": errand.name}

        async def stumble_first(errand: Errand, context: JobContext) -> Mapping[str, Any]:
            if context.attempt == 1:
                raise Unavailable
            return await run_errand(errand, context)

        registry.register(POLICY, Errand, run_errand)
        registry.register(STUMBLING_POLICY, Errand, stumble_first)

    app = create_worker(settings, job_observer=DoomedJobObserver(doom), register=register)
    serve(app, service="worker", settings=settings)


if __name__ == "__main__":
    rise(live)
