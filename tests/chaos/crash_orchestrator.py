"""`python -m tests.chaos.crash_orchestrator`: the real orchestrator, which crashes at the point that the test sets.

The test writes the moment and the step into the file that ``CRASH_POINT_FILE`` names. The process kills itself when a saga
reaches that point, and is restarted.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Final

from common.http.app import serve
from orchestrator.app import create_app
from orchestrator.clients import SERVICE
from orchestrator.saga_engine.observer import LoggingObserver, StepMoment
from orchestrator.saga_engine.record import SagaRecord
from orchestrator.settings import Settings
from tests.chaos.auto_restart import restart_forever

__all__ = ["CRASHABLE_COMMAND", "CRASH_POINT_FILE", "CrashPoint"]

CRASH_POINT_FILE: Final = "CRASH_POINT_FILE"
CRASHABLE_COMMAND: Final = (sys.executable, "-m", "tests.chaos.crash_orchestrator")


class CrashPoint:
    """The point at which a process crashes, once."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def arm(self, moment: str, step: str) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps([moment, step]))
        fresh.replace(self.file)

    @property
    def has_crashed(self) -> bool:
        return not self.file.exists()

    def crash_if_reached(self, moment: str, step: str) -> None:
        """Kill this process if this is the crash point."""
        self._signal_if_reached(moment, step, signal.SIGKILL)

    def freeze_if_reached(self, moment: str, step: str) -> None:
        """Suspend this process if this is the crash point, until the test resumes it."""
        self._signal_if_reached(moment, step, signal.SIGSTOP)

    def _signal_if_reached(self, moment: str, step: str, number: signal.Signals) -> None:
        if self.file.exists() and json.loads(self.file.read_text()) == [moment, step]:
            self.file.unlink()
            os.kill(os.getpid(), number)


class CrashingObserver(LoggingObserver):
    def __init__(self, crash_point: CrashPoint) -> None:
        self._doom = crash_point

    async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        self._doom.crash_if_reached(moment, step)


def serve_once() -> None:
    settings = Settings()
    observer = CrashingObserver(CrashPoint(Path(os.environ[CRASH_POINT_FILE])))
    serve(create_app(settings, observer=observer), service=SERVICE, settings=settings)


if __name__ == "__main__":
    restart_forever(serve_once)
