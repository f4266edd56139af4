"""`python -m tests.chaos.crash_orchestrator`: the real orchestrator, which is killed where the test says, and rises.

The test writes the moment and the step into the file that ``DOOM_FILE`` names. Whichever saga reaches that point next
is the last thing this process does.
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
from orchestrator.saga_engine.observer import LoggingObserver, Moment
from orchestrator.saga_engine.record import SagaRecord
from orchestrator.settings import Settings
from tests.chaos.auto_restart import rise

__all__ = ["DOOMED_COMMAND", "DOOM_FILE", "Doom"]

DOOM_FILE: Final = "DOOM_FILE"
DOOMED_COMMAND: Final = (sys.executable, "-m", "tests.chaos.crash_orchestrator")


class Doom:
    """Where an orchestrator shall die, once."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def arm(self, moment: str, step: str) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps([moment, step]))
        fresh.replace(self.file)

    @property
    def has_struck(self) -> bool:
        return not self.file.exists()

    def strike(self, moment: str, step: str) -> None:
        """Kill this process when this is the point."""
        if self.file.exists() and json.loads(self.file.read_text()) == [moment, step]:
            self.file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


class DoomedObserver(LoggingObserver):
    def __init__(self, doom: Doom) -> None:
        self._doom = doom

    async def reached(self, moment: Moment, step: str, saga: SagaRecord) -> None:  # noqa: ARG002 - the protocol's
        self._doom.strike(moment, step)


def live() -> None:
    settings = Settings()
    observer = DoomedObserver(Doom(Path(os.environ[DOOM_FILE])))
    serve(create_app(settings, observer=observer), service=SERVICE, settings=settings)


if __name__ == "__main__":
    rise(live)
