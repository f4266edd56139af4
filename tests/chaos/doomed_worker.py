"""`python -m tests.chaos.doomed_worker`: the real worker with a handler of the tests, killed where the test says.

Its handler leaves a row in the table `effects` for each time it is called. See `doomed_orchestrator` for how it dies and
rises; without ``DOOM_FILE`` it only lives.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import text

from common.http.app import serve
from orchestrator.jobs.observer import JobMoment, LoggingJobObserver
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import JobContext, Registry
from orchestrator.settings import WorkerSettings
from orchestrator.wiring import SagaMachinery
from orchestrator.worker import create_worker
from tests.chaos.doomed_orchestrator import DOOM_FILE, Doom
from tests.chaos.phoenix import rise

__all__ = ["DOOMED_WORKER_COMMAND", "KIND", "MID_HANDLER", "Errand"]

DOOMED_WORKER_COMMAND: Final = (sys.executable, "-m", "tests.chaos.doomed_worker")
KIND: Final = "bulk"
MID_HANDLER: Final = "mid handler"
POLICY: Final = JobPolicy(KIND, tries=5, retry_seconds=(0.1,), timeout_seconds=10, concurrency=4)

_EFFECT: Final = text("INSERT INTO effects (job_id, attempt) VALUES (:job_id, :attempt)")


class Errand(BaseModel):
    name: str


class DoomedJobObserver(LoggingJobObserver):
    def __init__(self, doom: Doom) -> None:
        self._doom = doom

    async def reached(self, moment: JobMoment, kind: str) -> None:
        self._doom.strike(moment, kind)


def live() -> None:
    settings = WorkerSettings()
    doom = Doom(Path(os.environ[DOOM_FILE]))

    def register(registry: Registry, machinery: SagaMachinery) -> None:
        async def run_errand(errand: Errand, context: JobContext) -> Mapping[str, Any]:
            await machinery.database.execute(_EFFECT, {"job_id": context.job_id, "attempt": context.attempt})
            doom.strike(MID_HANDLER, KIND)
            return {"did": errand.name}

        registry.register(POLICY, Errand, run_errand)

    app = create_worker(settings, job_observer=DoomedJobObserver(doom), register=register)
    serve(app, service="worker", settings=settings)


if __name__ == "__main__":
    rise(live)
