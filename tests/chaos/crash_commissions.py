"""`python -m tests.chaos.crash_commissions`: the real worker, which crashes or freezes at a step of a text's progress.

It is killed before it reports the step, or suspends itself after it has. The step of a crash point is the order's id and the
step's number. See `crash_orchestrator` for how it restarts.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from common.http.app import serve
from orchestrator.container import Container, register_handlers
from orchestrator.features.commissions.models import KIND, WriteText
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import Handler, HandlerResult, JobContext, Payload, Registry
from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker
from tests.chaos.auto_restart import restart_forever
from tests.chaos.crash_orchestrator import CRASH_POINT_FILE, CrashPoint

__all__ = ["AFTER", "BEFORE", "CRASHABLE_WRITER_COMMAND"]

CRASHABLE_WRITER_COMMAND: Final = (sys.executable, "-m", "tests.chaos.crash_commissions")
BEFORE: Final = "before report"
AFTER: Final = "after report"


class CrashingRegistry(Registry):
    """Registers handlers, that of texts with the crash points in its reports."""

    def __init__(self, registry: Registry, crash_point: CrashPoint) -> None:
        super().__init__()
        self._registry = registry
        self._doom = crash_point

    def register(self, policy: JobPolicy, payload_model: type[Payload], handler: Handler[Payload]) -> None:
        if policy.kind != KIND:
            self._registry.register(policy, payload_model, handler)
            return

        async def write(work: Payload, context: JobContext) -> HandlerResult:
            async def report(progress: Mapping[str, Any]) -> None:
                step = f"{WriteText.model_validate(work.model_dump()).order_id} {progress['step']}"
                self._doom.crash_if_reached(BEFORE, step)
                await context.report(progress)
                self._doom.freeze_if_reached(AFTER, step)

            return await handler(work, replace(context, _report=report))

        self._registry.register(policy, payload_model, write)


def serve_once() -> None:
    settings = WorkerSettings()
    crash_point = CrashPoint(Path(os.environ[CRASH_POINT_FILE]))

    def register(registry: Registry, container: Container) -> None:
        register_handlers(CrashingRegistry(registry, crash_point), container)

    serve(create_worker(settings, register=register), service="worker", settings=settings)


if __name__ == "__main__":
    restart_forever(serve_once)
