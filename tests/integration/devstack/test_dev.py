"""`make dev` in a copy of the source: a saved file restarts only the services that use it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from devstack.home import ROOT, Home
from tests.support.servers import TestServers
from tests.support.waiting import eventually

NOT_COPIED: Final = shutil.ignore_patterns(
    ".git", ".venv", ".devstack", "__pycache__", ".*_cache", ".hypothesis", "docs"
)
START_SECONDS: Final = 60.0


class Development:
    """``python -m devstack dev sandbox events`` in a copy of the source."""

    def __init__(self, copy: Path, home: Home, log: Path) -> None:
        self.copy = copy
        self._home = home
        self._log = log

    def pids(self) -> dict[str, int]:
        state = self._home.read_state()
        if state is None or state.phase != "ready":
            return {}
        return {process.name: process.pid for process in state.processes}

    def save(self, file: str, text: str) -> None:
        (self.copy / file).write_text(text)

    async def wait_for_log(self, text: str) -> None:
        """Wait until the log has a line, then clear the log."""

        def assert_told() -> bool:
            assert text in self._log.read_text()
            return True

        await eventually(assert_told, within_seconds=START_SECONDS)
        os.truncate(self._log, 0)


@pytest.fixture
def development(servers: TestServers, tmp_path: Path) -> Iterator[Development]:
    copy, home, log = tmp_path / "source", Home(tmp_path / "home"), tmp_path / "log"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    env = os.environ | {
        "DEVSTACK_HOME": str(home.path),
        "DATABASE_URL": servers.stack.postgres_url,
        "RABBITMQ_URL": servers.stack.urls.rabbitmq,
        "RABBITMQ_MANAGEMENT_URL": servers.stack.urls.rabbitmq_management,
    }
    command = [sys.executable, "-m", "devstack", "dev", "sandbox", "events"]
    with log.open("ab") as output:
        running = subprocess.Popen(command, cwd=copy, env=env, stdout=output, stderr=output)  # noqa: S603
    yield Development(copy, home, log)
    running.terminate()
    assert running.wait() == 0


async def test_saved_file_restarts_its_processes(development: Development) -> None:
    app = (development.copy / "events/app.py").read_text()
    first = await eventually(development.pids, within_seconds=START_SECONDS)
    assert set(first) == {"sandbox", "events"}

    development.save("events/app.py", f"{app}\n# saved\n")
    await development.wait_for_log("ready: events")
    second = development.pids()
    assert second["sandbox"] == first["sandbox"]
    assert second["events"] != first["events"]

    development.save("events/app.py", "this is no Python\n")
    await development.wait_for_log("Save the corrected file to restart.")
    development.save("events/app.py", app)
    await development.wait_for_log("ready: events")
    assert development.pids()["sandbox"] == first["sandbox"]

    development.save("common/saved.py", "")
    await development.wait_for_log("ready: sandbox, events")
    assert not set(development.pids().values()) & set(first.values())
